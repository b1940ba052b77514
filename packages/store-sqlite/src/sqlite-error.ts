import { StoreFailure, storeCorrupt, storeUnavailable } from './store-failure.ts'

// https://www.sqlite.org/rescode.html, primary result codes.
const unavailable: Readonly<Record<number, string>> = {
  3: 'access denied',
  5: 'locked by another process',
  6: 'locked by another connection',
  7: 'out of memory',
  8: 'read-only',
  9: 'interrupted',
  10: 'input or output failed',
  13: 'the disk is full',
  14: 'the file cannot be opened',
  15: 'the locking protocol failed',
  22: 'the file is too large for this system',
  23: 'access denied',
}
const corrupt: Readonly<Record<number, string>> = {
  11: 'the database file is damaged',
  24: 'the database file is of an unknown format',
  26: 'the file is not a database',
}
// better-sqlite3 names the codes, with suffixes for extended ones.
const names: Readonly<Record<string, number>> = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  INTERRUPT: 9,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  NOLFS: 22,
  AUTH: 23,
  FORMAT: 24,
  NOTADB: 26,
}
const busy = 5

// Of the file system, when the file is opened.
const fileErrors: Readonly<Record<string, string>> = {
  EACCES: 'access to the file or its folder is denied',
  EISDIR: 'the file is a folder',
  ENOTDIR: 'the folder of the file is a file',
  ENOSPC: 'the disk is full',
  EPERM: 'access to the file or its folder is denied',
  EROFS: 'the file system is read-only',
}

interface DriverError {
  readonly code?: unknown
  /** node:sqlite: the extended result code. */
  readonly errcode?: unknown
  readonly message?: unknown
  /** Of errors of the file system. */
  readonly syscall?: unknown
}

/** The {@link StoreFailure} for an error of the driver or of the file system; any other error as it is. No message of the driver is passed on: it may quote SQL. */
export function toFailure(error: unknown): unknown {
  if (error instanceof StoreFailure || typeof error !== 'object' || error === null) return error
  const { code, message, syscall } = error as DriverError
  const resultCode = resultCodeOf(error)
  if (resultCode !== undefined) {
    if (unavailable[resultCode]) return storeUnavailable(unavailable[resultCode], error)
    if (corrupt[resultCode]) return storeCorrupt(corrupt[resultCode], error)
    // All SQL is ours, so what it names was there when the schema was made.
    if (resultCode === 1 && /^no such (?:table|column)/.test(String(message))) {
      return storeCorrupt('a table of the schema is missing', error)
    }
  }
  if (code === 'ERR_INVALID_STATE') return storeUnavailable('the database is not open', error)
  if (typeof syscall === 'string') return storeUnavailable(fileErrors[String(code)] ?? String(code), error)
  return error
}

/** Whether another connection is in the way, so that trying again may help. */
export function isBusy(error: unknown): boolean {
  return resultCodeOf(error) === busy
}

/** SQLite's primary result code, of an error of the driver. */
export function resultCodeOf(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as DriverError
  if (typeof errcode === 'number') return errcode & 0xff
  if (typeof code !== 'string') return undefined
  const name = /^SQLITE_([A-Z]+)/.exec(code)?.[1]
  return name === undefined ? undefined : name === 'ERROR' ? 1 : names[name]
}
