import type { CrlParts, CrlScope } from '../store.ts'
import { copyCrl, sameBytes } from './copies.ts'

interface Row {
  lastNumber: bigint
  crl?: CrlParts
}

/** Per scope: the number that was given out last, and the current CRL. */
export class CrlTable {
  readonly #rows = new Map<string, Row>()

  nextNumber(scope: CrlScope): bigint {
    const row = this.#row(scope)
    row.lastNumber += 1n
    return row.lastNumber
  }

  current(scope: CrlScope): CrlParts | undefined {
    return this.#rows.get(scopeKey(scope))?.crl
  }

  isCurrent(scope: CrlScope, crl: CrlParts): boolean {
    const current = this.current(scope)
    return (
      current?.crlNumber === crl.crlNumber &&
      current.parts.length === crl.parts.length &&
      current.parts.every((part, index) => sameBytes(part, crl.parts[index]!))
    )
  }

  /** Whether it was newer than the current one, and so was kept. */
  put(scope: CrlScope, crl: CrlParts): boolean {
    const row = this.#row(scope)
    if (row.crl !== undefined && crl.crlNumber <= row.crl.crlNumber) return false
    row.crl = copyCrl(crl)
    if (row.lastNumber < crl.crlNumber) row.lastNumber = crl.crlNumber
    return true
  }

  #row(scope: CrlScope): Row {
    const key = scopeKey(scope)
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = { lastNumber: 0n }
      this.#rows.set(key, row)
    }
    return row
  }
}

export function scopeKey(scope: CrlScope): string {
  return `${scope.issuerKeyId}.${scope.shard}`
}
