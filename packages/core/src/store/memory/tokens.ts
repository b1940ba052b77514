import type { EnrollmentToken } from '../store.ts'
import { copyDate } from './copies.ts'
import { type Octets, toOctets } from './octets.ts'

interface Row {
  readonly deviceId: string
  readonly expiresAt: Date
  /** The device's epoch when the token was made. */
  readonly epoch: number
  spent: boolean
}

/** Enrolment tokens. A spent one stays until it would have expired, so that adding it again cannot revive it. */
export class Tokens {
  readonly #rows = new Map<Octets, Row>()

  add(token: EnrollmentToken, epoch: number): void {
    const key = toOctets(token.hash)
    if (this.#rows.has(key)) return
    this.#rows.set(key, { deviceId: token.deviceId, expiresAt: copyDate(token.expiresAt), epoch, spent: false })
  }

  get(hash: Uint8Array): Row | undefined {
    return this.#rows.get(toOctets(hash))
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
