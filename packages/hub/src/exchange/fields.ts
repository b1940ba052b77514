import { PkiError } from '@fleetcert/core'

/** Checks one value of a path, a query or a body, and gives it its type. `name` is for the reason. */
export type Field<T> = (value: unknown, name: string) => T

/** The fields that an object may hold; all are optional, others are refused. */
export type Fields<T extends object> = { readonly [Name in keyof T]: Field<T[Name]> }

/** Any string. */
export const text: Field<string> = (value, name) => {
  if (typeof value !== 'string') throw malformed(`${name}: expected a string`)
  return value
}

/** A number without a fraction. */
export function integer(least: number, most: number): Field<number> {
  return (value, name) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw malformed(`${name}: expected an integer from ${least} to ${most}`)
    }
    return value
  }
}

/** The decimal digits of an integer, for queries. */
export function digits(least: number, most: number): Field<number> {
  const check = integer(least, most)
  return (value, name) => check(typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value, name)
}

/** One of a list of words. */
export function oneOf<Word extends string>(words: readonly Word[]): Field<Word> {
  return (value, name) => {
    if (!words.includes(value as Word)) throw malformed(`${name}: expected one of ${words.join(', ')}`)
    return value as Word
  }
}

/**
 * Checks an object against its fields. What is not known is refused, not skipped: a misspelt `validityDays` must not give a certificate of another validity.
 * @throws PkiError `ERR_PKI_REQUEST`, or what a field throws
 */
export function checkFields<T extends object>(entries: Iterable<[string, unknown]>, fields: Fields<T>): Partial<T> {
  const checked = new Map<string, unknown>()
  for (const [name, value] of entries) {
    if (!Object.hasOwn(fields, name)) throw malformed(unknownField(name, Object.keys(fields)))
    if (checked.has(name)) throw malformed(`${name}: given twice`)
    checked.set(name, fields[name as keyof T](value, name))
  }
  return Object.fromEntries(checked) as Partial<T>
}

/** An `ERR_PKI_REQUEST` with its reason. */
export function malformed(reason: string): PkiError<'ERR_PKI_REQUEST'> {
  return new PkiError('ERR_PKI_REQUEST', { reason })
}

function unknownField(name: string, known: readonly string[]): string {
  // Only what looks like a name is repeated.
  const shown = /^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name) ? `unknown field ${name}` : 'unknown field'
  return known.length === 0 ? `${shown}: none is expected` : `${shown}: expected ${known.join(', ')}`
}
