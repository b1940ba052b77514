/** The names that a request or options may have: as a Record of them all, so that the compiler says when one is missing. */
export type KnownNames<T> = Readonly<Record<keyof T, true>>

/**
 * Refuses a name that means nothing here, from callers whom no compiler tells: whoever misspelt `owner` would get a certificate without one, and whoever misspelt `passphrase` keys in the clear.
 *
 * @param label - what was called, for the message
 * @throws TypeError
 * @example
 * checkNames('createWidget', options, { size: true, colour: true })
 */
export function checkNames<T extends object>(label: string, given: T, known: KnownNames<T>): void {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${label}: expected an object`)
  for (const name in given) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`${label}: there is no "${name}"; expected any of ${Object.keys(known).join(', ')}`)
    }
  }
}
