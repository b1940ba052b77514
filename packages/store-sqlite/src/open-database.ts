import { chmodSync, closeSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PkiError } from '@fleetcert/core'
import { migrations } from './migrations.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { isBusy, storeCorrupt, storeUnavailable } from './sqlite-error.ts'

/** 'flcr': tells our files from other SQLite databases (`PRAGMA application_id`). */
const applicationId = 0x66_6c_63_72

/** How long a call waits for another process's transaction, which takes milliseconds. The calling thread waits with it, so not for long. */
const busyMilliseconds = 2000

/** An SQLite database that this package has opened, and so closes. */
export interface OwnedDatabase extends SqliteDatabase {
  close(): void
}

/** Opens the file, and makes it and its folder if they are not there. */
export function openFile(file: string): OwnedDatabase {
  const sqlite = process.getBuiltinModule('node:sqlite')
  if (sqlite === undefined) throw storeUnavailable('this Node.js has no node:sqlite: 22.13 or newer is needed')
  // The keyring makes the fleet's folder too, but the store is opened first.
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
  assertDatabaseFile(file)
  // SQLite gives a meaning of its own to ':memory:' and 'file:…': an absolute path has none.
  return new sqlite.DatabaseSync(resolve(file))
}

/**
 * Makes the schema, or brings it up to date, and sets what every connection needs. Waits for other processes that do the same.
 * Of a `file`, the owner alone keeps access.
 */
export async function prepareDatabase(database: SqliteDatabase, file?: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      // Before anything is written: what is not ours stays as it is.
      readVersion(database)
      if (file !== undefined) restrict(file)
      setUp(database)
      migrate(database)
      return
    } catch (error) {
      // Going over to WAL needs the file alone for a moment and does not heed busy_timeout.
      if (!isBusy(error) || tries === 50) throw error
      await sleep(20)
    }
  }
}

// SQLite takes a file of one byte for an empty database, and would write over it.
function assertDatabaseFile(file: string): void {
  const descriptor = openSync(file, 'a+', 0o600)
  try {
    const header = Buffer.alloc(16)
    const length = readSync(descriptor, header, 0, header.length, 0)
    if (length > 0 && header.toString('latin1') !== 'SQLite format 3\0') {
      throw storeCorrupt('the file is not a database')
    }
  } finally {
    closeSync(descriptor)
  }
}

// Whatever the umask was when it was made or restored. SQLite gives -wal and -shm the mode that the database file has when they are made.
function restrict(file: string): void {
  // The bits say nothing on Windows.
  if (process.platform === 'win32') return
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && (stats.mode & 0o077) !== 0) chmodSync(path, 0o600)
  }
}

function setUp(database: SqliteDatabase): void {
  database.exec(`PRAGMA busy_timeout = ${busyMilliseconds}`)
  database.exec('PRAGMA foreign_keys = ON')
  database.exec('PRAGMA trusted_schema = OFF')
  database.exec('PRAGMA journal_mode = WAL')
  // With WAL, NORMAL would lose the last transactions in a power failure: certificates that were handed out.
  database.exec('PRAGMA synchronous = FULL')
}

function migrate(database: SqliteDatabase): void {
  if (readVersion(database) === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Read again, now that nobody else can change it.
    for (const step of migrations.slice(readVersion(database))) database.exec(step)
    database.exec(`PRAGMA application_id = ${applicationId}`)
    database.exec(`PRAGMA user_version = ${migrations.length}`)
    database.exec('COMMIT')
  } catch (error) {
    try {
      database.exec('ROLLBACK')
    } catch {
      // The failure that is thrown below has ended the transaction already.
    }
    throw error
  }
}

/** The schema's version, 0 for an empty database. Throws for what is not ours, or newer than this package. */
function readVersion(database: SqliteDatabase): number {
  const version = pragma(database, 'user_version')
  const id = pragma(database, 'application_id')
  const isEmpty =
    id === 0 && version === 0 && (database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() ?? null) === null
  if (!isEmpty && id !== applicationId) throw storeCorrupt('the file is a database of another application')
  if (version > migrations.length) {
    throw new PkiError('ERR_PKI_STORE_SCHEMA', { found: version, supported: migrations.length })
  }
  return version
}

function pragma(database: SqliteDatabase, name: 'user_version' | 'application_id'): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number | bigint>
  return Number(row[name])
}
