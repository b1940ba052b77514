/** The names that a request or options may have. */
export type KnownNames<T> = Readonly<Record<keyof T, true>>

/**
 * Refuses a name that means nothing here: whoever misspelt `owner` would get a certificate without one, and whoever misspelt `passphrase` keys in the clear.
 * @throws TypeError
 */
export function checkNames<T extends object>(label: string, given: T, known: KnownNames<T>): void {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${label}: expected an object`)
  for (const name in given) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`${label}: there is no "${name}"; expected any of ${Object.keys(known).join(', ')}`)
    }
  }
}
