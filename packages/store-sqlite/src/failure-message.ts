import { resultCodeOf } from './sqlite-error.ts'
import { StoreFailure } from './store-failure.ts'

/** An error as data. No text of the driver is in it: that may quote SQL. */
export type FailureMessage =
  | Pick<StoreFailure, 'code' | 'details'>
  /** A bug of the caller: the message is one of this package's labelled ones. */
  | { readonly name: 'TypeError' | 'RangeError'; readonly message: string }
  | { readonly unexpected: string }

export function encodeFailure(error: unknown): FailureMessage {
  if (error instanceof StoreFailure) return { code: error.code, details: error.details }
  const resultCode = resultCodeOf(error)
  if (resultCode !== undefined) return { unexpected: `SQLite answered with result code ${resultCode}` }
  if (error instanceof TypeError) return { name: 'TypeError', message: error.message }
  if (error instanceof RangeError) return { name: 'RangeError', message: error.message }
  return { unexpected: `the writer failed with ${error instanceof Error ? error.name : typeof error}` }
}

export function decodeFailure(message: FailureMessage): Error {
  if ('code' in message) return new StoreFailure(message.code, message.details)
  if ('unexpected' in message) return new Error(message.unexpected)
  return message.name === 'TypeError' ? new TypeError(message.message) : new RangeError(message.message)
}
