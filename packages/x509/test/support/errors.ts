import { expect } from 'vitest'
import { isPkiError, type PkiError, type PkiErrorCode } from '../../src/index.ts'

/** The PkiError that `act` throws; anything else, or nothing, fails the test. */
export function pkiErrorOf(act: () => unknown): PkiError {
  let result: unknown
  try {
    result = act()
  } catch (error) {
    if (isPkiError(error)) return error
    throw error
  }
  throw new Error(`expected a PkiError, got ${String(result)}`)
}

/** `act` throws a PkiError of `code`, whose message has `reason` in it if one is given. */
export function expectPkiError(act: () => unknown, code: PkiErrorCode, reason?: string): void {
  const error = pkiErrorOf(act)
  expect(error.code).toBe(code)
  if (reason !== undefined) expect(error.message).toContain(reason)
}

/** What `act` makes of foreign bytes: a value or a PkiError. Anything else is thrown on. */
export function outcomeOf<Value>(act: () => Value): { readonly value: Value } | { readonly error: PkiError } {
  try {
    return { value: act() }
  } catch (error) {
    if (isPkiError(error)) return { error }
    throw error
  }
}
