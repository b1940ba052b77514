import type { CreatedPosition } from '../arguments.ts'
import type { CertificateRole, RevocationQuery } from '../store.ts'
import type { CertificateRow } from './certificate-row.ts'
import { toOctets } from './octets.ts'
import { RowIndex } from './row-index.ts'

const listedByDate: ReadonlySet<CertificateRole> = new Set(['device', 'service', 'server', 'custom'])

/** What {@link RevocationQuery} finds rows by. */
export class QueryIndexes {
  readonly #byKey = new RowIndex()
  readonly #byOwner = new RowIndex()
  readonly #byAttribute = new RowIndex()
  /** By `createdAt`, then by order. */
  #byDate: CertificateRow[] = []
  /** Not in the indices yet: they are made when somebody asks, who is not the one who issues. */
  #added: CertificateRow[] = []

  add(row: CertificateRow): void {
    this.#added.push(row)
  }

  #index(): void {
    if (this.#added.length === 0) return
    for (const row of this.#added) this.#addToIndices(row)
    this.#added = []
  }

  #addToIndices(row: CertificateRow): void {
    const { subject } = row
    this.#byKey.add(subject.publicKeyHash, row)
    if (subject.owner !== undefined) this.#byOwner.add(subject.owner, row)
    if (subject.attributes !== undefined) {
      for (const [name, value] of Object.entries(subject.attributes)) {
        this.#byAttribute.add(attributeKey(name, value), row)
      }
    }
    if (!listedByDate.has(subject.role)) return
    const rows = this.#byDate
    const newest = rows.at(-1)
    // Clocks go forward, nearly always.
    if (newest === undefined || newest.subject.createdAt <= subject.createdAt) rows.push(row)
    else rows.splice(firstBehind(rows, positionOf(row)), 0, row)
  }

  /** Forgets rows. */
  delete(rows: ReadonlySet<CertificateRow>): void {
    this.#index()
    const keys = new Set<string>()
    const owners = new Set<string>()
    const attributes = new Set<string>()
    for (const { subject } of rows) {
      keys.add(subject.publicKeyHash)
      if (subject.owner !== undefined) owners.add(subject.owner)
      for (const [name, value] of Object.entries(subject.attributes ?? {})) attributes.add(attributeKey(name, value))
    }
    for (const key of keys) this.#byKey.delete(key, rows)
    for (const key of owners) this.#byOwner.delete(key, rows)
    for (const key of attributes) this.#byAttribute.delete(key, rows)
    this.#byDate = this.#byDate.filter(row => !rows.has(row))
  }

  /** The rows of a query in the order of creation, all of them. */
  rows(query: Exclude<RevocationQuery, { list: 'created' }>): readonly CertificateRow[] {
    this.#index()
    switch (query.list) {
      case 'key':
        return this.#byKey.get(toOctets(query.publicKeyHash))
      case 'owner':
        return this.#byOwner.get(query.owner)
      case 'attribute':
        return this.#byAttribute.get(attributeKey(query.name, query.value))
    }
  }

  /** The rows behind a position, by date of creation. */
  *createdAfter(position: CreatedPosition): Generator<CertificateRow> {
    this.#index()
    const rows = this.#byDate
    for (let index = firstBehind(rows, position); index < rows.length; index++) yield rows[index]!
  }
}

export function positionOf(row: CertificateRow): CreatedPosition {
  return { createdAt: row.subject.createdAt, order: row.order }
}

// A pair as JSON is no other pair.
function attributeKey(name: string, value: string): string {
  return JSON.stringify([name, value])
}

function firstBehind(rows: readonly CertificateRow[], { createdAt, order }: CreatedPosition): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const row = rows[middle]!
    const time = row.subject.createdAt
    if (time < createdAt || (time === createdAt && row.order <= order)) low = middle + 1
    else high = middle
  }
  return low
}
