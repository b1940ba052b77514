import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { migrations } from './migrations.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { isBusy, toFailure } from './sqlite-error.ts'
import { StoreFailure, storeCorrupt, storeUnavailable } from './store-failure.ts'

/** 'flcr': tells our files from other SQLite databases (`PRAGMA application_id`). */
const applicationId = 0x66_6c_63_72

/** How long a connection waits for another process's transaction, which takes milliseconds. The thread waits with it: the writer's may, the caller's should not. */
const busyMilliseconds = { writer: 5000, reader: 200, injected: 2000 }
export const writerBusyMilliseconds: number = busyMilliseconds.writer

/** An SQLite database that this package has opened, and so closes. */
export interface OwnedDatabase extends SqliteDatabase {
  close(): void
}

/** Opens the file of that absolute path for writing. Makes it, its folder and its schema if they are not there. The owner alone keeps access. */
export function openWriter(path: string): Promise<OwnedDatabase> {
  return opened(path, { readOnly: false }, async database => {
    await whileBusy(busyMilliseconds.writer, () => {
      // Before anything is written: what is not ours stays as it is.
      readVersion(database)
      restrict(path)
      setUp(database, busyMilliseconds.writer)
      // What a savepoint keeps in order to undo it.
      database.exec('PRAGMA temp_store = MEMORY')
      database.exec('PRAGMA cache_size = -16000')
      // Both are the checkpointer's business; the bounds are for what it does not see, such as one CRL of 40 MB.
      database.exec('PRAGMA wal_autocheckpoint = 16384')
      database.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`)
      migrate(database)
    })
  })
}

/** Opens a file that {@link openWriter} has opened before, for reading. */
export function openReader(path: string): Promise<OwnedDatabase> {
  return opened(path, { readOnly: true }, async database => {
    await whileBusy(busyMilliseconds.writer, () => {
      database.exec(`PRAGMA busy_timeout = ${busyMilliseconds.reader}`)
      database.exec('PRAGMA trusted_schema = OFF')
      readVersion(database)
    })
  })
}

/** Makes the schema of an injected database, or brings it up to date, and sets what every connection needs. */
export async function prepareDatabase(database: SqliteDatabase): Promise<void> {
  try {
    await whileBusy(busyMilliseconds.injected, () => {
      readVersion(database)
      setUp(database, busyMilliseconds.injected)
      migrate(database)
    })
  } catch (error) {
    throw toFailure(error)
  }
}

/** Also where Node.js is older than what else is used here. */
export function nodeSqlite(): typeof import('node:sqlite') {
  const sqlite = process.getBuiltinModule?.('node:sqlite')
  if (sqlite === undefined) throw storeUnavailable('this Node.js has no node:sqlite: 22.13 or newer is needed')
  return sqlite
}

async function opened(
  path: string,
  options: { readonly readOnly: boolean },
  prepare: (database: OwnedDatabase) => Promise<void>,
): Promise<OwnedDatabase> {
  let database: OwnedDatabase | undefined
  try {
    const sqlite = nodeSqlite()
    // The keyring makes the fleet's folder too, but the store is opened first.
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    assertDatabaseFile(path)
    database = new sqlite.DatabaseSync(path, options)
    await prepare(database)
    return database
  } catch (error) {
    database?.close()
    throw toFailure(error)
  }
}

/** Tries again while other processes do the same. Going over to WAL needs the file alone for a moment and does not heed busy_timeout. */
async function whileBusy(milliseconds: number, prepare: () => void): Promise<void> {
  const deadline = performance.now() + milliseconds
  for (;;) {
    try {
      prepare()
      return
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
      await sleep(20)
    }
  }
}

// SQLite takes a file of one byte for an empty database, and would write over it. Its content is left to SQLite to judge: who closes a descriptor of a file drops all locks that the process has on it,
// those of other connections too (https://www.sqlite.org/howtocorrupt.html section 2.2).
function assertDatabaseFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isFile() && stats.size > 0 && stats.size < 100) throw storeCorrupt('the file is not a database')
}

// Whatever the umask was when it was made or restored. SQLite gives -wal and -shm the mode that the database file has when they are made.
function restrict(path: string): void {
  // The bits say nothing on Windows.
  if (process.platform === 'win32') return
  for (const each of [path, `${path}-wal`, `${path}-shm`]) {
    const stats = statSync(each, { throwIfNoEntry: false })
    if (stats !== undefined && (stats.mode & 0o077) !== 0) chmodSync(each, 0o600)
  }
}

function setUp(database: SqliteDatabase, busyTimeout: number): void {
  database.exec(`PRAGMA busy_timeout = ${busyTimeout}`)
  database.exec('PRAGMA foreign_keys = ON')
  database.exec('PRAGMA trusted_schema = OFF')
  database.exec('PRAGMA journal_mode = WAL')
  // With WAL, NORMAL would lose the last transactions in a power failure: certificates that were handed out.
  database.exec('PRAGMA synchronous = FULL')
}

function migrate(database: SqliteDatabase): void {
  assertEncoding(database)
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
  // Another process may make the schema, in one step, between two of the questions: then all is as it should be the second time.
  const first = look(database)
  const { isForeign, version } = first.isForeign ? look(database) : first
  if (isForeign) throw storeCorrupt('the file is a database of another application')
  if (version > migrations.length) {
    throw new StoreFailure('ERR_PKI_STORE_SCHEMA', { found: version, supported: migrations.length })
  }
  return version
}

function look(database: SqliteDatabase): { readonly version: number; readonly isForeign: boolean } {
  const version = pragma(database, 'user_version')
  const id = pragma(database, 'application_id')
  const isEmpty =
    id === 0 && version === 0 && (database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() ?? null) === null
  return { version, isForeign: !isEmpty && id !== applicationId }
}

/** Entries of CRLs are octets put together as text: in UTF-16 they would be others. */
function assertEncoding(database: SqliteDatabase): void {
  const { encoding } = database.prepare('PRAGMA encoding').get() as { readonly encoding: string }
  if (encoding !== 'UTF-8') throw storeCorrupt(`the database is in ${encoding}: expected UTF-8`)
}

function pragma(database: SqliteDatabase, name: 'user_version' | 'application_id'): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number | bigint>
  return Number(row[name])
}
