import type { Versioned } from '../store.ts'
import { copyBytes, sameBytes } from './copies.ts'

/** Named values with compare-and-swap. */
export class Documents {
  readonly #rows = new Map<string, Versioned>()

  get size(): number {
    return this.#rows.size
  }

  get(name: string): Versioned | undefined {
    const row = this.#rows.get(name)
    return row && { value: copyBytes(row.value), version: row.version }
  }

  *all(): Generator<readonly [string, Versioned]> {
    for (const name of this.#rows.keys()) yield [name, this.get(name)!]
  }

  restore(name: string, { value, version }: Versioned): void {
    this.#rows.set(name, { value: copyBytes(value), version })
  }

  /** Whether exactly this put has happened already. */
  isPut(name: string, value: Uint8Array, expectedVersion: number): boolean {
    const row = this.#rows.get(name)
    return row?.version === expectedVersion + 1 && sameBytes(row.value, value)
  }

  put(name: string, value: Uint8Array, expectedVersion: number): boolean {
    if ((this.#rows.get(name)?.version ?? 0) !== expectedVersion) return false
    this.#rows.set(name, { value: copyBytes(value), version: expectedVersion + 1 })
    return true
  }
}
