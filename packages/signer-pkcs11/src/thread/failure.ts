import type { ThreadFailure } from './thread-messages.ts'

const failureKey: unique symbol = Symbol('failure')

interface FailureError extends Error {
  readonly [failureKey]: ThreadFailure
}

/** An error that carries what the caller is told. */
export function failed(kind: ThreadFailure['kind'], reason: string): Error {
  return Object.assign(new Error(reason), { [failureKey]: { kind, reason } })
}

/** What the caller is told of an error of this thread: what {@link failed} made, what the token answered, or what else was thrown. */
export function failureOf(error: unknown): ThreadFailure {
  const failure = (error as Partial<FailureError> | undefined)?.[failureKey]
  if (failure !== undefined) return failure
  const name = returnValue(error)
  // Nothing of the message: it may hold what was handed over.
  if (name === undefined) return { kind: 'refused', reason: 'pkcs11js failed' }
  return { kind: kinds.get(name) ?? 'refused', reason: name }
}

/** `CKR_…` as the error of pkcs11js names it; `undefined` for any other error. */
export function returnValue(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return /\bCKR_[A-Z0-9_]+/.exec(error.message)?.[0]
}

const kinds: ReadonlyMap<string, ThreadFailure['kind']> = new Map([
  ...all('session', [
    'CKR_SESSION_HANDLE_INVALID',
    'CKR_SESSION_CLOSED',
    'CKR_USER_NOT_LOGGED_IN',
    'CKR_DEVICE_REMOVED',
    'CKR_DEVICE_ERROR',
    'CKR_GENERAL_ERROR',
    'CKR_FUNCTION_FAILED',
    'CKR_FUNCTION_CANCELED',
    'CKR_CRYPTOKI_NOT_INITIALIZED',
    // Of an operation that another failure has left half done.
    'CKR_OPERATION_ACTIVE',
    'CKR_OPERATION_NOT_INITIALIZED',
  ]),
  ...all('token', ['CKR_TOKEN_NOT_PRESENT', 'CKR_TOKEN_NOT_RECOGNIZED', 'CKR_SLOT_ID_INVALID', 'CKR_SESSION_COUNT']),
  ...all('pin', [
    'CKR_PIN_INCORRECT',
    'CKR_PIN_INVALID',
    'CKR_PIN_LEN_RANGE',
    'CKR_PIN_EXPIRED',
    'CKR_PIN_LOCKED',
    'CKR_USER_PIN_NOT_INITIALIZED',
  ]),
  ...all('writable', ['CKR_DEVICE_MEMORY', 'CKR_HOST_MEMORY', 'CKR_TOKEN_WRITE_PROTECTED', 'CKR_SESSION_READ_ONLY']),
])

function all(kind: ThreadFailure['kind'], names: readonly string[]): [string, ThreadFailure['kind']][] {
  return names.map(name => [name, kind])
}
