import type { EnrollmentToken, TokenRecord } from '../store.ts'
import type { TokenEntry } from '../store-records.ts'
import type { CertificateRow } from './certificate-row.ts'
import { copyDate } from './copies.ts'
import { type Octets, octetsOf, toOctets } from './octets.ts'

interface Row {
  readonly deviceId: string
  readonly expiresAt: Date
  readonly profile: string | undefined
  readonly owner: string | undefined
  readonly attributes: Readonly<Record<string, string>> | undefined
  /** The device's epoch when the token was made. */
  readonly epoch: number
  /** The reservation that spent it last. */
  spentBy: CertificateRow | undefined
}

/** Enrolment tokens. A spent one stays until it would have expired, so that adding it again cannot revive it. */
export class Tokens {
  readonly #rows = new Map<Octets, Row>()

  get size(): number {
    return this.#rows.size
  }

  /** Whether it was not there. */
  add(token: EnrollmentToken, epoch: number): boolean {
    const key = toOctets(token.hash)
    if (this.#rows.has(key)) return false
    const { deviceId, profile, owner, attributes } = token
    this.#rows.set(key, {
      deviceId,
      expiresAt: copyDate(token.expiresAt),
      profile,
      owner,
      attributes: attributes && { ...attributes },
      epoch,
      spentBy: undefined,
    })
    return true
  }

  get(hash: Uint8Array): Row | undefined {
    return this.#rows.get(toOctets(hash))
  }

  /** `isKept` tells whether a row was not dropped since. */
  record(hash: Uint8Array, isKept: (row: CertificateRow) => boolean): TokenRecord | undefined {
    const key = toOctets(hash)
    const row = this.#rows.get(key)
    if (row === undefined) return undefined
    const { spentBy } = row
    return {
      ...tokenOf(key, row),
      ...(spentBy !== undefined && isKept(spentBy) && { spentBy: { ...spentBy.subject.id } }),
    }
  }

  *records(): Generator<TokenEntry> {
    for (const [key, row] of this.#rows) {
      const { epoch, spentBy } = row
      yield { kind: 'token', token: tokenOf(key, row), epoch, ...(spentBy !== undefined && { spentBy: spentBy.order }) }
    }
  }

  restore(token: EnrollmentToken, epoch: number, spentBy: CertificateRow | undefined): void {
    this.add(token, epoch)
    this.get(token.hash)!.spentBy = spentBy
  }

  prune(expiredBefore: Date, limit: number): number {
    let count = 0
    for (const [key, row] of this.#rows) {
      if (count === limit) break
      if (row.expiresAt >= expiredBefore) continue
      this.#rows.delete(key)
      count++
    }
    return count
  }
}

function tokenOf(key: Octets, { deviceId, expiresAt, profile, owner, attributes }: Row): EnrollmentToken {
  return {
    hash: octetsOf(key),
    deviceId,
    expiresAt: copyDate(expiresAt),
    ...(profile !== undefined && { profile }),
    ...(owner !== undefined && { owner }),
    ...(attributes !== undefined && { attributes: { ...attributes } }),
  }
}
