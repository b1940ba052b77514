import { type PkiErrorCode, type PkiErrorDetails, pkiErrorSentences } from './pki-error-codes.ts'

// A registered symbol, so that errors of two copies of this package in one tree know each other.
const brand: unique symbol = Symbol.for('@fleetcert/PkiError')

/**
 * The only error class of the scope. Tell errors apart by {@link PkiError.code}; ask {@link isPkiError}, not `instanceof`.
 * The message never holds PEM, keys, tokens or parameters of a query.
 */
export class PkiError<Code extends PkiErrorCode = PkiErrorCode> extends Error {
  /** Stable; one of the table in docs/errors.md. */
  readonly code: Code
  /** What is known beyond the code; the shape is fixed by the code. */
  readonly details: Readonly<PkiErrorDetails<Code>>

  constructor(code: Code, details: PkiErrorDetails<Code>, options?: { readonly cause?: unknown }) {
    const reason = (details as { reason?: unknown }).reason
    super(typeof reason === 'string' ? `${pkiErrorSentences[code]} (${reason})` : pkiErrorSentences[code], options)
    this.name = 'PkiError'
    this.code = code
    this.details = Object.freeze<PkiErrorDetails<Code>>({ ...details })
    Object.defineProperty(this, brand, { value: true })
  }
}

/** Whether `error` is a {@link PkiError}, of the given code if one is given. Works across copies of this package. */
export function isPkiError<Code extends PkiErrorCode = PkiErrorCode>(
  error: unknown,
  code?: Code,
): error is PkiError<Code> {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [brand]?: unknown })[brand] === true &&
    (code === undefined || (error as PkiError).code === code)
  )
}
