import { isPkiError, type PkiError } from '@fleetcert/core'
import { badCursor, storeCorrupt, storeUnavailable } from './store-errors.ts'

// By SQLSTATE, or its first two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html. Whatever it is, nothing was done.
const unavailable: Readonly<Record<string, string>> = {
  '08': 'the connection failed',
  '25': 'the transaction is not one that can write',
  '25006': 'the server is read-only',
  '28': 'access denied',
  '2D': 'the pool must not be inside a transaction',
  '3D': 'there is no such database',
  '40': 'another transaction was in the way',
  '42501': 'access denied',
  '53': 'the server is out of resources',
  '53100': 'the disk of the server is full',
  '53200': 'the server is out of memory',
  '53300': 'the server has too many connections',
  '54': 'a value is too large for the server',
  '55': 'the server is busy',
  '55P03': 'other writers were in the way for too long',
  '57': 'the server ended the query',
  '57P01': 'the server is shutting down',
  '57P02': 'the server has crashed',
  '57P03': 'the server is starting or stopping',
  '58': 'the system of the server failed',
  FC002: 'the server is a standby, which may be behind',
  FC003: 'default_transaction_isolation must be read committed',
}
const corrupt: Readonly<Record<string, string>> = {
  '3F': 'the schema is gone',
  '42': 'a table or function of the schema is missing, or is another one',
  XX001: 'the data is damaged',
  XX002: 'an index is damaged',
}

/** The SQLSTATE of an error of the server. */
export function sqlState(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Whether the transaction was undone for the sake of another one: it may be tried again at once. */
export function isOutrun(error: unknown): boolean {
  return sqlState(error)?.startsWith('40') === true
}

/** Whether the server refused what it was told for what it is, so that other calls of the transaction may go well without it. */
export function isOfOneCall(error: unknown): boolean {
  const state = sqlState(error)
  return state !== undefined && reasonOf(unavailable, state) === undefined && reasonOf(corrupt, state) === undefined
}

/** An error of the driver as one of the store. Nothing of the driver's is passed on but the code: messages and details may quote rows. */
export function toPkiError(error: unknown): PkiError {
  if (isPkiError(error)) return error
  const state = sqlState(error)
  if (state === undefined) return storeUnavailable('the server cannot be reached', named(error))
  if (state === 'FC001') return badCursor()
  const damage = reasonOf(corrupt, state)
  const reason = reasonOf(unavailable, state)
  if (damage !== undefined && unavailable[state] === undefined) return storeCorrupt(damage, named(error, state))
  return storeUnavailable(reason ?? 'the server refused a statement', named(error, state))
}

function reasonOf(reasons: Readonly<Record<string, string>>, state: string): string | undefined {
  return reasons[state] ?? reasons[state.slice(0, 2)]
}

/** An error without anything of what was sent. */
function named(error: unknown, state?: string): Error {
  const { name = 'Error', code } = (error ?? {}) as { readonly name?: string; readonly code?: unknown }
  const cause = new Error(state ?? (typeof code === 'string' ? code : name))
  cause.name = name
  return cause
}
