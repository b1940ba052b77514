import type { Lease } from '../store.ts'

interface Row {
  /** Absent when it was given back. */
  holder: string | undefined
  fence: number
  until: Date
}

/** Named leases. A fence is never used twice, so the row of a lease that was given back stays. */
export class Leases {
  readonly #rows = new Map<string, Row>()

  take(name: string, holder: string, seconds: number, now: Date): Lease | undefined {
    const row = this.#rows.get(name)
    const own = row?.holder === holder
    if (row?.holder !== undefined && !own && row.until > now) return undefined
    const fence = own ? row.fence : (row?.fence ?? 0) + 1
    const until = new Date(now.getTime() + seconds * 1000)
    this.#rows.set(name, { holder, fence, until })
    return { name, fence, until: new Date(until) }
  }

  release(lease: Lease): void {
    const row = this.#rows.get(lease.name)
    if (row?.fence === lease.fence) row.holder = undefined
  }

  *fences(): Generator<readonly [string, number]> {
    for (const [name, { fence }] of this.#rows) yield [name, fence]
  }

  /** A fence is not used again, whoever had it elsewhere. */
  restore(name: string, fence: number): void {
    const known = this.#rows.get(name)?.fence ?? 0
    this.#rows.set(name, { holder: undefined, fence: Math.max(known, fence), until: new Date(0) })
  }

  /** Nobody has held it since, and it was not given back. One that ran out is still good while nobody else took it: no other holder can have acted. */
  isCurrent(lease: Lease | undefined): boolean {
    if (lease === undefined) return true
    const row = this.#rows.get(lease.name)
    return row !== undefined && row.holder !== undefined && row.fence === lease.fence
  }
}
