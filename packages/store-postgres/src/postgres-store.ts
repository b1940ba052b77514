import {
  type CommitResult,
  checkNames,
  type IoOptions,
  type KnownNames,
  type RegisterResult,
  type ReserveResult,
  type Store,
} from '@fleetcert/core'
import { type Durability, openServer, quoted } from './open-server.ts'
import { crl, crlEntries, crlState, nextCrlNumber, uploadCrl } from './operations/crls.ts'
import { document, putDocument } from './operations/documents.ts'
import { exportRecords } from './operations/export-records.ts'
import { changeState, state } from './operations/fleet-state.ts'
import { importRecords } from './operations/import-records.ts'
import { lease, releaseLease, toLease } from './operations/leases.ts'
import { cursor, ledger, newestEventAt, saveCursor } from './operations/ledger.ts'
import { certificate, certificateStatus, certificates, revoked } from './operations/listings.ts'
import { prune } from './operations/prune.ts'
import { abandon, commit, extendHolder, register, reserve, supersede } from './operations/reservations.ts'
import {
  blockKey,
  release,
  revoke,
  revokeAll,
  revokeDevice,
  toEnded,
  toIds,
  toRevoked,
} from './operations/revocations.ts'
import { addToken, token } from './operations/tokens.ts'
import type { PostgresPool } from './postgres-pool.ts'
import { type Change, type Server, serverOf } from './server.ts'
import { storeClosed } from './store-errors.ts'
import { untilAborted } from './until-aborted.ts'

/** What a store needs of PostgreSQL, and of whoever runs it. */
export interface PostgresStoreOptions {
  /** A pool of node-postgres, `new Pool(…)`, with `connectionTimeoutMillis`: without it, a warning says that the pool may not get over a network that was cut. It is yours: the store never ends it, and its `error` events are yours, too. A pooler that hands out a connection for each transaction may stand between. */
  readonly pool: PostgresPool
  /** The schema of this fleet: one for each, made on open where the role may. A name of lower-case letters, digits and `_`. Default `fleetcert`. */
  readonly schema?: string
  /** Whether the server must say that it keeps what it commits. Default `checked`. */
  readonly durability?: Durability
  /** How long a query may take, waiting for a connection and for other writers included. Default 5. */
  readonly timeoutSeconds?: number
  /** The store's own time: for leases, and for the events of reservations that it abandons. Default: the server's, which is one for all processes. */
  readonly clock?: () => Date
}

/**
 * A store in PostgreSQL (14 or newer), for any number of processes on any number of machines.
 *
 * No I/O until it is opened (`openFleet` does that), which makes the schema, or brings it up to date. Every change is one call of a procedure in that schema, which makes it and commits it: nothing is held open between two messages.
 * Changes that wait together share a transaction, in which writers are one at a time, so the ledger's sequence rises in the order of commits. It is on the disk before its call resolves, whatever `synchronous_commit` is set to;
 * on open, a server with `fsync` or `full_page_writes` off is refused, and so is a standby.
 * An abort signal takes a change back as long as it waits for its transaction; then it runs to its end, and what has become durable stays.
 * Rejections: `ERR_PKI_STORE_UNAVAILABLE` (not reachable, not writable, no answer in time, not durable; ask again: what was done meanwhile is answered the same), `ERR_PKI_STORE_CORRUPT`,
 * `ERR_PKI_STORE_SCHEMA` (written by a newer version), `ERR_PKI_CURSOR`, `ERR_PKI_CLOSED`, and of what would write those of a fleet that has moved.
 *
 * @example
 * ```ts
 * const pool = new Pool({ connectionString: 'postgres://hub@localhost/fleet' })
 * const fleet = await openFleet({ store: postgresStore({ pool }), keyring: fileKeyring('keys') })
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  checkNames('postgresStore', options, optionNames)
  const { pool, schema = 'fleetcert', durability = 'checked', timeoutSeconds = 5, clock } = options
  checkOptions({ pool, schema, durability, timeoutSeconds })
  const server = serverOf(pool, { schema: quoted(schema), timeoutSeconds })
  const now = (): number | undefined => clock?.().getTime()
  let opening: Promise<void> | undefined
  let isOpen = false
  let closing: Promise<void> | undefined

  const enter = (io: IoOptions | undefined): void => {
    if (closing !== undefined) throw storeClosed()
    io?.signal?.throwIfAborted()
  }

  const open = async (): Promise<void> => {
    try {
      await openServer(server, schema, durability)
      isOpen = true
      if (pool.options !== undefined && !pool.options.connectionTimeoutMillis) warnOfPool()
    } finally {
      // After a failure the next call tries again.
      if (!isOpen) opening = undefined
    }
  }

  const ready = async (io: IoOptions | undefined): Promise<void> => {
    enter(io)
    if (isOpen) return
    opening ??= open()
    await untilAborted(opening, io?.signal)
    // Both may have happened meanwhile.
    enter(io)
  }

  /** Asks, in one query or in steps; between two of them it may be stopped. */
  const read = async <T>(
    io: IoOptions | undefined,
    operation: (server: Server, isStopped: () => void) => Promise<T>,
  ): Promise<T> => {
    await ready(io)
    return operation(server, () => enter(io))
  }

  /** Makes a change. What it is made of is read before anything is awaited: it is the caller's. */
  const write = async <T>(
    io: IoOptions | undefined,
    change: () => Change,
    answerOf: (answer: unknown) => T = answer => answer as T,
  ): Promise<T> => {
    enter(io)
    const made = change()
    if (!isOpen) await ready(io)
    return answerOf(await server.change(made, io?.signal))
  }

  return {
    open: io => ready(io),
    reserve: (reservation, events, io) => write<ReserveResult>(io, () => reserve(reservation, events)),
    commit: (id, der, events, io) => write<CommitResult>(io, () => commit(id, der, events)),
    supersede: (id, at, event, io) => write(io, () => supersede(id, at, event), toIds),
    abandon: (what, io) => write<number>(io, () => abandon(what, now())),
    extendHolder: (instance, leaseUntil, io) => write(io, () => extendHolder(instance, leaseUntil), nothing),
    register: (record, events, io) => write<RegisterResult>(io, () => register(record, events)),
    certificate: (key, io) => read(io, to => certificate(to, key)),
    certificateStatus: (id, io) => read(io, to => certificateStatus(to, id)),
    certificates: (query, page, io) => read(io, to => certificates(to, query, page)),
    revoke: (id, revocation, events, io) => write(io, () => revoke(id, revocation, events), toRevoked),
    revokeDevice: (deviceId, revocation, event, io) =>
      write(io, () => revokeDevice(deviceId, revocation, event), toIds),
    revokeAll: (query, revocation, event, page, io) =>
      write(
        io,
        () => revokeAll(query, revocation, event, page),
        answer => toEnded(query, answer),
      ),
    blockKey: (publicKeyHash, events, io) => write<boolean>(io, () => blockKey(publicKeyHash, events)),
    release: (id, events, io) => write<boolean>(io, () => release(id, events)),
    revoked: (scope, page, io) => read(io, to => revoked(to, scope, page)),
    crlEntries: (scope, query, page, io) => read(io, to => crlEntries(to, scope, query, page)),
    crlState: (scope, io) => read(io, to => crlState(to, scope)),
    nextCrlNumber: (scope, io) =>
      write(
        io,
        () => nextCrlNumber(scope),
        answer => BigInt(answer as string),
      ),
    async putCrl(name, parts, held, events, io) {
      const change = await read(io, (to, stopped) => uploadCrl(to, name, parts, held, events, stopped))
      return write<boolean>(io, () => change)
    },
    crl: (name, io) => read(io, (to, stopped) => crl(to, name, stopped)),
    document: (name, io) => read(io, to => document(to, name)),
    putDocument: (name, value, expectedVersion, events, io) =>
      write<boolean>(io, () => putDocument(name, value, expectedVersion, io?.lease, events)),
    addToken: (added, events, io) => write(io, () => addToken(added, events), nothing),
    token: (hash, io) => read(io, to => token(to, hash)),
    lease: (name, holder, seconds, io) =>
      write(
        io,
        () => lease(name, holder, seconds, now()),
        answer => toLease(name, answer),
      ),
    releaseLease: (held, io) => write(io, () => releaseLease(held), nothing),
    ledger: (request, io) => read(io, to => ledger(to, request)),
    newestEventAt: io => read(io, to => newestEventAt(to)),
    cursor: (consumer, io) => read(io, to => cursor(to, consumer)),
    saveCursor: (consumer, place, held, io) => write<boolean>(io, () => saveCursor(consumer, place, held)),
    prune: (marks, limit, io) => prune(change => write(io, () => change), marks, limit),
    state: io => read(io, to => state(to)),
    changeState: (from, to, io) => write<boolean>(io, () => changeState(from, to)),
    exportRecords: (request, io) => read(io, to => exportRecords(to, request)),
    importRecords: (mark, records, io) => write(io, () => importRecords(mark, records), nothing),
    close() {
      closing ??= (async () => {
        await opening?.catch(() => {})
        await server.settled()
      })()
      return closing
    },
    async [Symbol.asyncDispose]() {
      await this.close()
    },
  }
}

const nothing = (): void => {}

function warnOfPool(): void {
  process.emitWarning(
    'The pool has no connectionTimeoutMillis: a connection that nobody answers stays in it for good',
    {
      type: 'FleetcertWarning',
      code: 'connectionTimeoutMillis',
    },
  )
}

const optionNames: KnownNames<PostgresStoreOptions> = {
  pool: true,
  schema: true,
  durability: true,
  timeoutSeconds: true,
  clock: true,
}

/** What callers without TypeScript get wrong. */
function checkOptions({
  pool,
  schema,
  durability,
  timeoutSeconds,
}: Required<Omit<PostgresStoreOptions, 'clock'>>): void {
  if (typeof (pool as { readonly query?: unknown } | undefined)?.query !== 'function') {
    throw new TypeError('postgresStore: pool: expected a pool of node-postgres')
  }
  if (typeof schema !== 'string' || !/^[a-z_][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith('pg_')) {
    throw new TypeError('postgresStore: schema: expected a name of lower-case letters, digits and _')
  }
  if (durability !== 'checked' && durability !== 'declared') {
    throw new TypeError("postgresStore: durability: expected 'checked' or 'declared'")
  }
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 3600)) {
    throw new RangeError('postgresStore: timeoutSeconds: expected a number above 0')
  }
}
