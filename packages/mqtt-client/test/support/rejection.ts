import { inspect } from 'node:util'
import { isPkiError, type PkiError, pkiErrorSentences } from '@fleetcert/x509'
import { expect } from 'vitest'

/** The PkiError that a promise rejects with; every one that tests see is also searched for keys and PEM. */
export async function rejection(promise: Promise<unknown>): Promise<PkiError> {
  const error = await promise.then(
    () => expect.fail('it did not reject'),
    (reason: unknown) => reason,
  )
  if (!isPkiError(error)) throw error
  expectNoPem(error)
  return error
}

/** Fails if an error's text, details or causes hold PEM. */
export function expectNoPem(error: PkiError): void {
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('-----BEGIN')
  expect(error.message).toContain(pkiErrorSentences[error.code])
}
