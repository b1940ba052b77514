import type { CertificateRow } from './certificate-row.ts'

/** Rows by a key that several may share, in the order of creation. Most keys have one row: no array is made for it. */
export class RowIndex {
  readonly #rows = new Map<string, CertificateRow | CertificateRow[]>()

  /** Rows are added in the order of creation. */
  add(key: string, row: CertificateRow): void {
    const known = this.#rows.get(key)
    if (known === undefined) this.#rows.set(key, row)
    else if (Array.isArray(known)) known.push(row)
    else this.#rows.set(key, [known, row])
  }

  get(key: string): readonly CertificateRow[] {
    const known = this.#rows.get(key)
    return known === undefined ? [] : Array.isArray(known) ? known : [known]
  }

  /** Forgets those rows of a key. */
  delete(key: string, rows: ReadonlySet<CertificateRow>): void {
    const left = this.get(key).filter(row => !rows.has(row))
    if (left.length === 0) this.#rows.delete(key)
    else this.#rows.set(key, left)
  }
}
