import type { CrlHead, CrlName, CrlParts, CrlScope } from '../store.ts'
import { copyCrlHead, sameBytes } from './copies.ts'

interface Row {
  readonly scope: CrlScope
  lastNumber: bigint
  full?: CrlParts
  delta?: CrlParts
}

/** Per scope: the number that was given out last, and the current CRLs. What is kept is replaced, never written to. */
export class CrlTable {
  readonly #rows = new Map<string, Row>()

  nextNumber(scope: CrlScope): bigint {
    const row = this.#row(scope)
    row.lastNumber += 1n
    return row.lastNumber
  }

  current(name: CrlName): CrlParts | undefined {
    return this.#rows.get(scopeKey(name))?.[kindOf(name)]
  }

  head(name: CrlName): CrlHead | undefined {
    const crl = this.current(name)
    return crl && copyCrlHead(crl)
  }

  isCurrent(name: CrlName, crl: CrlParts): boolean {
    const current = this.current(name)
    return (
      current?.crlNumber === crl.crlNumber &&
      current.parts.length === crl.parts.length &&
      current.parts.every((part, index) => sameBytes(part, crl.parts[index]!))
    )
  }

  /** Whether it was newer than the current one of that name, and so was kept. It is the table's from then on. */
  put(name: CrlName, crl: CrlParts): boolean {
    const row = this.#row(name)
    const current = row[kindOf(name)]
    if (current !== undefined && crl.crlNumber <= current.crlNumber) return false
    row[kindOf(name)] = crl
    if (row.lastNumber < crl.crlNumber) row.lastNumber = crl.crlNumber
    return true
  }

  /** Scopes that were given a number or a CRL, by their keys. */
  scopes(): ReadonlyMap<string, { readonly scope: CrlScope; readonly lastNumber: bigint }> {
    return this.#rows
  }

  /** Of all current CRLs. */
  *names(): Generator<Required<CrlName>> {
    for (const { scope, full, delta } of this.#rows.values()) {
      if (full !== undefined) yield { ...scope, delta: false }
      if (delta !== undefined) yield { ...scope, delta: true }
    }
  }

  restoreNumber(scope: CrlScope, lastNumber: bigint): void {
    if (lastNumber > 0n) this.#row(scope).lastNumber = lastNumber
  }

  #row(scope: CrlScope): Row {
    const key = scopeKey(scope)
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = { scope: { issuerKeyId: scope.issuerKeyId, shard: scope.shard }, lastNumber: 0n }
      this.#rows.set(key, row)
    }
    return row
  }
}

function kindOf({ delta = false }: CrlName): 'full' | 'delta' {
  return delta ? 'delta' : 'full'
}

export function scopeKey(scope: CrlScope): string {
  return `${scope.issuerKeyId}.${scope.shard}`
}
