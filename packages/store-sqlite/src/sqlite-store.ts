import { assertExport, assertImport, type IoOptions, PkiError, type Store } from '@fleetcert/core'
import { copyCrl, readCrl } from './copy-crl.ts'
import { entriesOf, toRecords } from './exported-records.ts'
import { openFileStore } from './file-store.ts'
import { openInjectedStore } from './injected-store.ts'
import type { OpenStore } from './open-store.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import type { QueryName, ReadArguments, ReadName, ReadResult } from './store-reader.ts'
import { toPkiError } from './to-pki-error.ts'
import { untilAborted } from './until-aborted.ts'
import type { WriteArguments, WriteName, WriteResult } from './write-call.ts'

export type SqliteStoreOptions = (
  | {
      /** Path of the database file. It and its folder are made if they are not there; the file is readable by its owner alone. The folder must be writable: SQLite keeps two files beside it. A thread of its own writes. */
      readonly file: string
    }
  | {
      /** An open database of yours, for the store alone. It is migrated and set up like a file, and stays open when the store is closed. Everything runs on the calling thread. */
      readonly database: SqliteDatabase
    }
) & {
  /** The store's own time: for leases, and for the events of reservations that it abandons. Default: the system's. */
  readonly clock?: () => Date
}

/**
 * A store in one SQLite file, through node:sqlite. Several processes of one machine may share the file.
 *
 * No I/O until it is opened (`openFleet` does that). Every change is on the disk (WAL, `synchronous=FULL`) before its call resolves; calls that are made together share a transaction, in which each succeeds or fails alone.
 * With `file`, a worker thread writes, so that the calling thread waits for no lock and no disk; reading is done at once, by a connection that waits for no writer. The thread does not keep the process alive while it has nothing to do.
 * An abort signal takes a call back as long as it waits for its transaction; then it runs to its end, and what has become durable stays.
 * Rejections: `ERR_PKI_STORE_UNAVAILABLE` (locked, full, not writable: try again later), `ERR_PKI_STORE_CORRUPT` (damaged, or not a database of ours),
 * `ERR_PKI_STORE_SCHEMA` (written by a newer version), `ERR_PKI_CURSOR`, `ERR_PKI_CLOSED`.
 *
 * @example
 * ```ts
 * const fleet = await openFleet({ store: sqliteStore({ file: 'fleet.db' }), keyring: fileKeyring('keys') })
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  checkOptions(options)
  const clock = options.clock ?? (() => new Date())
  let opening: Promise<OpenStore> | undefined
  let opened: OpenStore | undefined
  let closing: Promise<void> | undefined

  const enter = (io: IoOptions | undefined): void => {
    if (closing !== undefined) throw new PkiError('ERR_PKI_CLOSED', {})
    io?.signal?.throwIfAborted()
  }

  const open = async (): Promise<OpenStore> => {
    try {
      opened = await ('file' in options ? openFileStore(options.file) : openInjectedStore(options.database))
      return opened
    } catch (error) {
      // The next call tries again.
      opening = undefined
      throw error
    }
  }

  const ready = (): Promise<OpenStore> => {
    opening ??= open()
    return opening
  }

  const readyToWrite = async (): Promise<OpenStore> => {
    const store = await ready()
    await store.readyToWrite()
    return store
  }

  /** Waits, and enters again: both may have happened meanwhile. */
  const entered = async <T>(io: IoOptions | undefined, wait: () => Promise<T>): Promise<T> => {
    const value = await untilAborted(wait(), io?.signal)
    enter(io)
    return value
  }

  const read = async <Name extends ReadName>(
    io: IoOptions | undefined,
    name: Name,
    ...args: ReadArguments<Name>
  ): Promise<ReadResult<Name>> => {
    try {
      enter(io)
      const store = opened ?? (await entered(io, ready))
      return store.read(name, ...args)
    } catch (error) {
      throw toPkiError(error)
    }
  }

  const readSoon = async <Name extends QueryName>(
    io: IoOptions | undefined,
    name: Name,
    ...args: ReadArguments<Name>
  ): Promise<ReadResult<Name>> => {
    try {
      enter(io)
      const store = opened ?? (await entered(io, ready))
      return await store.readSoon(name, ...args)
    } catch (error) {
      // Closed between the question and the end of the turn.
      if (closing !== undefined) throw new PkiError('ERR_PKI_CLOSED', {})
      throw toPkiError(error)
    }
  }

  const write = async <Name extends WriteName>(
    io: IoOptions | undefined,
    name: Name,
    args: WriteArguments<Name>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<WriteResult<Name>> => {
    try {
      enter(io)
      const store = opened?.isReadyToWrite() ? opened : await entered(io, readyToWrite)
      return (await store.write({ name, args, transfer }, io?.signal)) as WriteResult<Name>
    } catch (error) {
      throw toPkiError(error)
    }
  }

  return {
    threads: 'file' in options ? 1 : 0,

    async open(io) {
      try {
        enter(io)
        await entered(io, ready)
      } catch (error) {
        throw toPkiError(error)
      }
    },
    reserve: (reservation, events, io) => write(io, 'reserve', [reservation, events]),
    commit: (id, der, events, io) => write(io, 'commit', [id, der, events]),
    supersede: (id, at, event, io) => write(io, 'supersede', [id, at, event]),
    abandon: (what, io) => write(io, 'abandon', [what, clock()]),
    extendHolder: (instance, leaseUntil, io) => write(io, 'extendHolder', [instance, leaseUntil]),
    register: (record, events, io) => write(io, 'register', [record, events]),
    certificate: (key, io) => readSoon(io, 'certificate', key),
    certificateStatus: (id, io) => read(io, 'certificateStatus', id),
    certificates: (query, page, io) => read(io, 'certificates', query, page),
    revoke: (id, revocation, events, io) => write(io, 'revoke', [id, revocation, events]),
    revokeDevice: (deviceId, revocation, event, io) => write(io, 'revokeDevice', [deviceId, revocation, event]),
    revokeAll: (query, revocation, event, page, io) => write(io, 'revokeAll', [query, revocation, event, page]),
    blockKey: (publicKeyHash, events, io) => write(io, 'blockKey', [publicKeyHash, events]),
    release: (id, events, io) => write(io, 'release', [id, events]),
    revoked: (scope, page, io) => read(io, 'revoked', scope, page),
    crlEntries: (scope, query, page, io) => read(io, 'crlEntries', scope, query, page),
    crlState: (scope, io) => read(io, 'crlState', scope),
    nextCrlNumber: (scope, io) => write(io, 'nextCrlNumber', [scope]),
    async putCrl(name, crl, lease, events, io) {
      enter(io)
      const own = await copyCrl(crl)
      return write(io, 'putCrl', [name, own.crl, lease, events], own.buffers)
    },
    crl: (name, io) =>
      readCrl(
        () => read(io, 'crlHead', name),
        (crlNumber, from, count) => read(io, 'crlParts', name, crlNumber, from, count),
      ),
    document: (name, io) => read(io, 'document', name),
    putDocument: (name, value, expectedVersion, events, io) =>
      write(io, 'putDocument', [name, value, expectedVersion, io?.lease, events]),
    addToken: (token, events, io) => write(io, 'addToken', [token, events]),
    token: (hash, io) => read(io, 'token', hash),
    lease: (name, holder, seconds, io) => write(io, 'lease', [name, holder, seconds, clock()]),
    releaseLease: (lease, io) => write(io, 'releaseLease', [lease]),
    ledger: (request, io) => read(io, 'ledger', request),
    newestEventAt: io => read(io, 'newestEventAt'),
    cursor: (consumer, io) => read(io, 'cursor', consumer),
    saveCursor: (consumer, cursor, lease, io) => write(io, 'saveCursor', [consumer, cursor, lease]),
    prune: (marks, limit, io) => write(io, 'prune', [marks, limit]),
    state: io => read(io, 'state'),
    changeState: (from, to, io) => write(io, 'changeState', [from, to]),
    async exportRecords(request, io) {
      assertExport(request)
      const { items, ...rest } = await read(io, 'exportRows', request)
      const records = await toRecords(items, (name, crlNumber, from, count) =>
        read(io, 'crlParts', name, crlNumber, from, count),
      )
      return { items: records, ...rest }
    },
    async exportPacked(request, io) {
      assertExport(request)
      const { others, ...page } = await read(io, 'packRows', request)
      // There are no CRLs among them.
      return { ...page, records: await toRecords(others, async () => undefined) }
    },
    async importRecords(mark, records, io) {
      enter(io)
      assertImport(mark, records)
      return write(io, 'importRecords', [mark, records, entriesOf(records)])
    },
    close() {
      closing ??= (async () => {
        const store = await opening?.catch(() => undefined)
        await store?.close()
      })()
      return closing
    },
    async [Symbol.asyncDispose]() {
      await this.close()
    },
  }
}

/** What callers without TypeScript get wrong: with a misspelt `file` the first sign would be a failure deep inside `openFleet`. */
function checkOptions(options: Partial<{ readonly file: unknown; readonly database: unknown }> | undefined): void {
  const { file, database } = Object(options)
  if (typeof file === 'string' ? file === '' : typeof database?.prepare !== 'function') {
    throw new TypeError('sqliteStore: expected { file: path } or { database }')
  }
}
