import { storeCorrupt } from './store-errors.ts'

// Columns as the server sends them: as text. The driver makes text of octets in the binary format, too, and spoils them.

/** A column of a row. */
export type Column = string | null

/** A row of an answer. */
export type Row = readonly Column[]

/** Whether a column has a value: it may be empty. */
export function isThere(column: Column | undefined): column is string {
  return typeof column === 'string'
}

/** A `bigint` as a number. */
export function numberOf(column: Column | undefined): number {
  const number = Number(column ?? Number.NaN)
  if (!Number.isSafeInteger(number)) throw storeCorrupt('a column that should be a number is not')
  return number
}

/** A `text`. */
export function textOf(column: Column | undefined): string {
  if (!isThere(column)) throw storeCorrupt('a column that should be text is not')
  return column
}

/** A `boolean`. */
export function flagOf(column: Column | undefined): boolean {
  return column === 't'
}

/** A `bytea` in hexadecimal. */
export function hexOf(column: Column | undefined): string {
  if (!column?.startsWith('\\x')) throw storeCorrupt('a column that should be octets is not')
  return column.slice(2)
}

/** A `bytea`, in memory of its own. */
export function octetsOf(column: Column | undefined): Uint8Array {
  const hex = hexOf(column)
  const octets = new Uint8Array(hex.length / 2)
  Buffer.from(octets.buffer).write(hex, 'hex')
  return octets
}

/** A `bigint` of milliseconds as a date. */
export function dateOf(column: Column | undefined): Date {
  return new Date(numberOf(column))
}

/** A `text` of JSON. */
export function jsonOf(column: Column | undefined): unknown {
  try {
    return JSON.parse(textOf(column))
  } catch {
    throw storeCorrupt('a text that should be JSON is not')
  }
}
