import { type IoOptions, PkiError, type Store } from '@fleetcert/core'
import { type OwnedDatabase, openFile, prepareDatabase } from './open-database.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { toPkiError } from './sqlite-error.ts'
import { type OperationArguments, type OperationName, type OperationResult, StoreDatabase } from './store-database.ts'

export type SqliteStoreOptions = (
  | {
      /** Path of the database file. It and its folder are made if they are not there; the file is readable by its owner alone. The folder must be writable: SQLite keeps two files beside it. */
      readonly file: string
    }
  | {
      /** An open database of yours, for the store alone. It is migrated and set up like a file, and stays open when the store is closed. */
      readonly database: SqliteDatabase
    }
) & {
  /** The store's own time: for leases, and for the events of reservations that it abandons. Default: the system's. */
  readonly clock?: () => Date
}

/**
 * A store in one SQLite file, through node:sqlite. Several processes of one machine may share the file.
 *
 * No I/O until it is opened (`openFleet` does that). Every change is one transaction that is on the disk (WAL, `synchronous=FULL`) before the call resolves.
 * Rejections: `ERR_PKI_STORE_UNAVAILABLE` (locked, full, not writable: try again later), `ERR_PKI_STORE_CORRUPT` (damaged, or not a database of ours),
 * `ERR_PKI_STORE_SCHEMA` (written by a newer version), `ERR_PKI_CURSOR`, `ERR_PKI_CLOSED`.
 *
 * @example
 * ```ts
 * const fleet = await openFleet({ store: sqliteStore({ file: 'fleet.db' }), keyring: fileKeyring('keys') })
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const clock = options.clock ?? (() => new Date())
  let opening: Promise<StoreDatabase> | undefined
  let owned: OwnedDatabase | undefined
  let closed = false

  const enter = (io: IoOptions | undefined): void => {
    if (closed) throw new PkiError('ERR_PKI_CLOSED', {})
    io?.signal?.throwIfAborted()
  }

  const open = async (): Promise<StoreDatabase> => {
    try {
      if ('database' in options) {
        await prepareDatabase(options.database)
        return new StoreDatabase(options.database)
      }
      owned = openFile(options.file)
      await prepareDatabase(owned, options.file)
      return new StoreDatabase(owned)
    } catch (error) {
      closeOwned()
      throw toPkiError(error)
    }
  }

  const ready = (): Promise<StoreDatabase> => {
    opening ??= open().catch(error => {
      // The next call tries again.
      opening = undefined
      throw error
    })
    return opening
  }

  const closeOwned = (): void => {
    owned?.close()
    owned = undefined
  }

  const apply = async <Name extends OperationName>(
    io: IoOptions | undefined,
    name: Name,
    ...args: OperationArguments<Name>
  ): Promise<OperationResult<Name>> => {
    enter(io)
    const database = await ready()
    // Both may have happened while this waited.
    enter(io)
    return database.apply(name, ...args)
  }

  return {
    async open(io) {
      enter(io)
      await ready()
      enter(io)
    },
    reserve: (reservation, events, io) => apply(io, 'reserve', reservation, events),
    commit: (id, der, events, io) => apply(io, 'commit', id, der, events),
    abandon: (what, io) => apply(io, 'abandon', what, clock()),
    extendHolder: (instance, leaseUntil, io) => apply(io, 'extendHolder', instance, leaseUntil),
    register: (record, events, io) => apply(io, 'register', record, events),
    certificate: (key, io) => apply(io, 'certificate', key),
    certificates: (query, page, io) => apply(io, 'certificates', query, page),
    revoke: (id, revocation, events, io) => apply(io, 'revoke', id, revocation, events),
    revokeDevice: (deviceId, revocation, event, io) => apply(io, 'revokeDevice', deviceId, revocation, event),
    release: (id, events, io) => apply(io, 'release', id, events),
    revoked: (scope, page, io) => apply(io, 'revoked', scope, page),
    nextCrlNumber: (scope, io) => apply(io, 'nextCrlNumber', scope),
    putCrl: (scope, crl, lease, events, io) => apply(io, 'putCrl', scope, crl, lease, events),
    crl: (scope, io) => apply(io, 'crl', scope),
    document: (name, io) => apply(io, 'document', name),
    putDocument: (name, value, expectedVersion, events, io) =>
      apply(io, 'putDocument', name, value, expectedVersion, io?.lease, events),
    addToken: (token, io) => apply(io, 'addToken', token),
    lease: (name, holder, seconds, io) => apply(io, 'lease', name, holder, seconds, clock()),
    releaseLease: (lease, io) => apply(io, 'releaseLease', lease),
    ledger: (request, io) => apply(io, 'ledger', request),
    newestEventAt: io => apply(io, 'newestEventAt'),
    cursor: (consumer, io) => apply(io, 'cursor', consumer),
    saveCursor: (consumer, cursor, lease, io) => apply(io, 'saveCursor', consumer, cursor, lease),
    prune: (marks, limit, io) => apply(io, 'prune', marks, limit),
    async close() {
      if (closed) return
      closed = true
      await opening?.catch(() => {})
      closeOwned()
    },
    async [Symbol.asyncDispose]() {
      await this.close()
    },
  }
}
