import { setImmediate as nextTurn } from 'node:timers/promises'
import { assertExport, assertImport, checkNames, type IoOptions, type KnownNames, type Store } from '@fleetcert/core'
import { connectionOf } from './connection.ts'
import type { Durability } from './durability.ts'
import { fingerprintLookups } from './fingerprint-lookups.ts'
import { openServer } from './open-server.ts'
import { crlEntries, revoked } from './operations/crl-entries.ts'
import { crl, crlState, nextCrlNumber, putCrl } from './operations/crls.ts'
import { document, putDocument } from './operations/documents.ts'
import { exportRecords } from './operations/export-records.ts'
import { changeState, state } from './operations/fleet-state.ts'
import { importRecords } from './operations/import-records.ts'
import { lease, releaseLease } from './operations/leases.ts'
import { cursor, ledger, newestEvents, saveCursor } from './operations/ledger.ts'
import { certificate, certificateStatus, certificates } from './operations/listings.ts'
import { prune } from './operations/prune.ts'
import { abandon, commit, extendHolder, register, reserve, supersede } from './operations/reservations.ts'
import { blockKey, release, revoke, revokeAll, revokeDevice } from './operations/revocations.ts'
import { addToken, token } from './operations/tokens.ts'
import type { RedisClient } from './redis-client.ts'
import { type Server, serverOf } from './server.ts'
import { storeClosed } from './store-errors.ts'
import { untilAborted } from './until-aborted.ts'

/** What a store needs of Redis, and of whoever runs it. */
export interface RedisStoreOptions {
  /** A client of node-redis (standalone, pool, cluster, sentinel) or ioredis (standalone, cluster, sentinel), connected. It is yours: the store never closes it. Its `error` events are yours, too. A standalone client is made to connect anew when nothing at all was answered for `timeoutSeconds`; what is under way on it is rejected then. */
  readonly client: RedisClient
  /** What the keys of this fleet begin with, in braces: `{fleetcert}:…`. So they lie in one slot of a cluster, and several fleets may share a server. Default `fleetcert`. */
  readonly prefix?: string
  /** What the server must do with what it is told; it is asked on open. Default `everysec`, with a warning where a power cut may lose the last second; said explicitly, without. */
  readonly durability?: Durability
  /**
   * How many replicas must have a write before its call resolves (`WAIT`), so that a failover to one of them loses nothing; when they do not in time, it rejects `ERR_PKI_STORE_UNAVAILABLE`. Needs a client of one
   * connection: `createClient` or `new Redis`. Default 0: replication is behind, and a failover may lose what was resolved last.
   */
  readonly replicas?: number
  /** How long a command may take, time without a connection included, before its call rejects `ERR_PKI_STORE_UNAVAILABLE`. Default 5. */
  readonly timeoutSeconds?: number
  /** The store's own time: for leases, and for the events of reservations that it abandons. Default: the server's, which is one for all processes. */
  readonly clock?: () => Date
}

/**
 * A store in Redis (6.2 or newer) or Valkey, for any number of processes on any number of machines.
 *
 * No I/O until it is opened (`openFleet` does that). Every primitive is one Lua script, and Redis runs one script at a time: that is the transaction. Whether what was answered outlives a power cut is the server's set-up:
 * on open, a server without an append-only file, or one that drops keys when its memory is full, is refused, and with `appendfsync everysec` a process warning says that a power cut may lose the last second, unless `durability: 'everysec'` says that this is known.
 * An abort signal takes a call back as long as nothing of it was sent, and stops one of many steps between two of them.
 * Rejections: `ERR_PKI_STORE_UNAVAILABLE` (not reachable, not writable, no answer in time, not durable; ask again: what was done meanwhile is answered the same), `ERR_PKI_STORE_CORRUPT`,
 * `ERR_PKI_STORE_SCHEMA` (written by a newer version), `ERR_PKI_CURSOR`, `ERR_PKI_CLOSED`.
 *
 * @example
 * ```ts
 * const client = await createClient({ url: 'redis://localhost:6379' }).connect()
 * const fleet = await openFleet({ store: redisStore({ client }), keyring: fileKeyring('keys') })
 * ```
 */
export function redisStore(options: RedisStoreOptions): Store {
  checkNames('redisStore', options, optionNames)
  const { prefix = 'fleetcert', durability, timeoutSeconds = 5, replicas = 0 } = options
  // Halves of a character would all be sent as the same octets: fleets of two prefixes would be one.
  if (typeof prefix !== 'string' || !/^[^{}\0]{1,200}$/.test(prefix) || !prefix.isWellFormed()) {
    throw new TypeError('prefix must be text without braces')
  }
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 3600)) throw new RangeError('timeoutSeconds must be above 0')
  if (durability !== undefined && !durabilities.includes(durability)) throw new TypeError('durability is unknown')
  if (!(Number.isSafeInteger(replicas) && replicas >= 0)) throw new RangeError('replicas must be a whole number')
  const connection = connectionOf(options.client)
  if (replicas > 0 && !connection.isSingle) throw new TypeError('replicas needs a client of one connection')
  const server = serverOf(connection, { base: `{${prefix}}:`, timeoutSeconds, replicas })
  const lookup = fingerprintLookups(server)
  const newest = newestEvents(server)
  const clock = (): string => (options.clock === undefined ? '' : String(options.clock().getTime()))
  let opening: Promise<void> | undefined
  let isOpen = false
  let closing: Promise<void> | undefined

  const enter = (io: IoOptions | undefined): void => {
    if (closing !== undefined) throw storeClosed()
    io?.signal?.throwIfAborted()
  }

  const open = async (): Promise<void> => {
    try {
      const kept = await openServer(server, durability ?? 'everysec')
      isOpen = true
      // Whoever says it knows it.
      if (kept === 'everysec' && durability === undefined) warnOfLoss()
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

  /** Asks an operation that may be of several steps; between two of them it may be stopped. */
  const call = async <T>(
    io: IoOptions | undefined,
    operation: (server: Server, isStopped: () => void) => Promise<T>,
  ): Promise<T> => {
    if (isOpen) enter(io)
    else await ready(io)
    return operation(server, () => enter(io))
  }

  return {
    open: io => ready(io),
    reserve: (reservation, events, io) => call(io, to => reserve(to, reservation, events)),
    commit: (id, der, events, io) => call(io, to => commit(to, id, der, events)),
    supersede: (id, at, event, io) => call(io, to => supersede(to, id, at, event)),
    abandon: (what, io) => call(io, (to, stopped) => abandon(to, what, clock, stopped)),
    extendHolder: (instance, leaseUntil, io) => call(io, to => extendHolder(to, instance, leaseUntil)),
    register: (record, events, io) => call(io, to => register(to, record, events)),
    certificate: (key, io) => call(io, to => ('fingerprint' in key ? lookup(key.fingerprint) : certificate(to, key))),
    certificateStatus: (id, io) => call(io, to => certificateStatus(to, id)),
    certificates: (query, page, io) => call(io, (to, stopped) => certificates(to, query, page, stopped)),
    revoke: (id, revocation, events, io) => call(io, to => revoke(to, id, revocation, events)),
    revokeDevice: (deviceId, revocation, event, io) => call(io, to => revokeDevice(to, deviceId, revocation, event)),
    revokeAll: (query, revocation, event, page, io) => call(io, to => revokeAll(to, query, revocation, event, page)),
    blockKey: (publicKeyHash, events, io) => call(io, to => blockKey(to, publicKeyHash, events)),
    release: (id, events, io) => call(io, to => release(to, id, events)),
    revoked: (scope, page, io) => call(io, (to, stopped) => revoked(to, scope, page, stopped)),
    crlEntries: (scope, query, page, io) => call(io, to => crlEntries(to, scope, query, page)),
    crlState: (scope, io) => call(io, to => crlState(to, scope)),
    nextCrlNumber: (scope, io) => call(io, to => nextCrlNumber(to, scope)),
    putCrl: (name, parts, held, events, io) =>
      call(io, (to, stopped) => putCrl(to, name, parts, held, events, stopped)),
    crl: (name, io) => call(io, (to, stopped) => crl(to, name, stopped)),
    document: (name, io) => call(io, to => document(to, name)),
    putDocument: (name, value, expectedVersion, events, io) =>
      call(io, to => putDocument(to, name, value, expectedVersion, io?.lease, events)),
    addToken: (added, events, io) => call(io, to => addToken(to, added, events)),
    token: (hash, io) => call(io, to => token(to, hash)),
    lease: (name, holder, seconds, io) => call(io, to => lease(to, name, holder, seconds, clock())),
    releaseLease: (held, io) => call(io, to => releaseLease(to, held)),
    ledger: (request, io) => call(io, (to, stopped) => ledger(to, request, stopped)),
    newestEventAt: io => call(io, newest),
    cursor: (consumer, io) => call(io, to => cursor(to, consumer)),
    saveCursor: (consumer, place, held, io) => call(io, to => saveCursor(to, consumer, place, held)),
    prune: (marks, limit, io) => call(io, (to, stopped) => prune(to, marks, limit, stopped)),
    state: io => call(io, to => state(to)),
    changeState: (from, to, io) => call(io, server => changeState(server, from, to)),
    async exportRecords(request, io) {
      assertExport(request)
      return call(io, (to, stopped) => exportRecords(to, request, stopped))
    },
    async importRecords(mark, records, io) {
      assertImport(mark, records)
      return call(io, to => importRecords(to, mark, records))
    },
    close() {
      closing ??= (async () => {
        await opening?.catch(() => {})
        // Look-ups are sent at the end of the turn in which they came.
        await nextTurn()
        await server.settled()
      })()
      return closing
    },
    async [Symbol.asyncDispose]() {
      await this.close()
    },
  }
}

const optionNames: KnownNames<RedisStoreOptions> = {
  client: true,
  prefix: true,
  durability: true,
  replicas: true,
  timeoutSeconds: true,
  clock: true,
}

const durabilities: readonly Durability[] = ['everysec', 'always', 'declared']

function warnOfLoss(): void {
  process.emitWarning('Redis is set to appendfsync everysec: a power cut may lose the last second of the fleet', {
    type: 'FleetcertWarning',
    code: 'everysec',
  })
}
