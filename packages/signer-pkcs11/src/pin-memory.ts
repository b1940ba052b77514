import { createHash } from 'node:crypto'

/** Which PINs a token has refused. A token locks itself after a few wrong ones, so none is tried twice by one process. */
export class PinMemory {
  readonly #refused = new Map<string, Set<string>>()

  wasRefused(token: string, pin: string): boolean {
    return this.#refused.get(token)?.has(digestOf(pin)) === true
  }

  refused(token: string, pin: string): void {
    const pins = this.#refused.get(token) ?? new Set()
    this.#refused.set(token, pins.add(digestOf(pin)))
  }
}

/** Not to hide it, which a hash of a PIN does not: so that it is not held on to in the clear. */
function digestOf(pin: string): string {
  return createHash('sha256').update(pin).digest('base64')
}
