import { isPkiError, type PkiErrorCode } from '@fleetcert/core'
import { type CliFailure, ownFailure } from './cli-error.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'

const hints: Partial<Record<PkiErrorCode, string>> = {
  ERR_PKI_DEVICE_EXISTS: 'fleetcert rotate <id> renews it, fleetcert revoke <id> ends it',
  ERR_PKI_DEVICE_UNKNOWN: 'fleetcert list shows those that there are',
  ERR_PKI_KEY_PASSPHRASE: 'set FLEETCERT_KEY_PASSPHRASE to the passphrase that the keys were made with',
  ERR_PKI_ISSUER_IN_USE:
    'fleetcert rollover says what and until when; fleetcert rotate renews it (--overlap 1s: at once); --force cuts it off',
  ERR_PKI_KEY_MISSING: 'put the key file back from a backup, or give the folder that it is in by --dir',
  ERR_PKI_KEY_PERMISSIONS: 'chmod 600 the key, chmod go-w its folder, and own both',
  ERR_PKI_STORE_LOST: 'put fleet.db back from a backup: a new one would be another fleet',
  ERR_PKI_STORE_UNAVAILABLE: 'another process may hold the database, or the disk may be full: try again',
  ERR_PKI_STORE_SCHEMA: 'update fleetcert',
  ERR_PKI_CLOCK: 'set the clock of this machine',
}
const notFound: readonly string[] = ['ERR_PKI_DEVICE_UNKNOWN', 'ERR_PKI_CERTIFICATE_UNKNOWN', 'ERR_PKI_ISSUER_UNKNOWN']
const systemSentences: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'there is a file of that name already',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no folder',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
}

/** What to tell of an error: one sentence, and how to mend it. Never a stack, a key or a token. */
export function failureOf(error: unknown, signal: AbortSignal): CliFailure {
  if (signal.aborted && (error === signal.reason || isAbort(error))) {
    return { code: 'INTERRUPTED', message: 'interrupted', exitCode: exitCodes.interrupted }
  }
  const own = ownFailure(error)
  if (own !== undefined) return own
  if (isPkiError(error)) {
    const { reason } = error.details as { readonly reason?: unknown }
    const hint = (typeof reason === 'string' ? systemSentences[reason] : undefined) ?? hints[error.code]
    const failure = { code: error.code, message: error.message, exitCode: exitCodeOf(error.code) }
    return hint === undefined ? failure : { ...failure, hint }
  }
  if (!(error instanceof Error)) return { code: 'FAILED', message: String(error), exitCode: exitCodes.failed }
  const { code, path } = error as NodeJS.ErrnoException
  const sentence = code === undefined ? undefined : systemSentences[code]
  if (code !== undefined && sentence !== undefined) {
    const { port } = error as Error & { readonly port?: number }
    const what = path ?? (port === undefined ? undefined : `port ${port}`)
    const message = what === undefined ? sentence : `${what}: ${sentence}`
    return { code, message, exitCode: code === 'ENOENT' ? exitCodes.notFound : exitCodes.failed }
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return { code: 'USAGE', message: error.message, exitCode: exitCodes.usage }
  }
  return { code: code ?? 'FAILED', message: error.message, exitCode: exitCodes.failed }
}

function exitCodeOf(code: PkiErrorCode): ExitCode {
  if (notFound.includes(code)) return exitCodes.notFound
  return code === 'ERR_PKI_STORE_UNAVAILABLE' ? exitCodes.unavailable : exitCodes.failed
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR')
  )
}
