import { type IoOptions, PkiError } from '@fleetcert/x509'
import {
  assertCertificateId,
  assertCrlParts,
  assertEntriesLimit,
  assertHash,
  assertLeaseSeconds,
  assertLimit,
} from './arguments.ts'
import { type CertificateRow, newRow, storedSubject, toRecord } from './memory/certificate-row.ts'
import { CertificateTable } from './memory/certificate-table.ts'
import { commit } from './memory/commit.ts'
import { copyCrl, copyDate, copyRevocation } from './memory/copies.ts'
import { listCrlEntries } from './memory/crl-entries.ts'
import { CrlTable } from './memory/crl-table.ts'
import { Documents } from './memory/documents.ts'
import { Leases } from './memory/leases.ts'
import { Ledger } from './memory/ledger.ts'
import { listCertificates, listRevoked } from './memory/listings.ts'
import { toOctets } from './memory/octets.ts'
import { pruneCertificates } from './memory/prune.ts'
import { abandonedEvent, reserve } from './memory/reserve.ts'
import { release, revokeAll, revokeDevice, revokeRow } from './memory/revoke.ts'
import { Standing } from './memory/standing.ts'
import { supersede } from './memory/supersede.ts'
import { Tokens } from './memory/tokens.ts'
import { assertExport, assertImport } from './record-arguments.ts'
import type { CertificateId, Store } from './store.ts'

export interface MemoryStoreOptions {
  /** The store's own time: for leases, and for the events of reservations that it abandons. Default: the system's. */
  readonly clock?: () => Date
}

/**
 * A store in this process's memory, for tests and for trying things out: it is gone with the process. It keeps every promise of {@link Store} but durability.
 *
 * @example
 * ```ts
 * const store = memoryStore()
 * await store.open()
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const clock = options.clock ?? (() => new Date())
  const table = new CertificateTable()
  const tokens = new Tokens()
  const ledger = new Ledger()
  const crls = new CrlTable()
  const documents = new Documents()
  const leases = new Leases()
  const standing = new Standing({ table, tokens, ledger, crls, documents, leases })
  let closed = false

  // No method awaits anything, save to copy: what it changes, it changes in one turn, and that is the transaction.
  const enter = (io: IoOptions | undefined): void => {
    if (closed) throw new PkiError('ERR_PKI_CLOSED', {})
    io?.signal?.throwIfAborted()
  }

  /** Of what changes something. */
  const enterToWrite = (io: IoOptions | undefined): void => {
    enter(io)
    standing.assertWritable()
  }

  return {
    async open(io) {
      enter(io)
    },

    async reserve(reservation, events, io) {
      enterToWrite(io)
      assertCertificateId(reservation.id)
      assertHash(reservation.publicKeyHash, 'publicKeyHash')
      const { result, changed, taken } = reserve(table, tokens, reservation)
      if (changed) {
        ledger.append(taken)
        ledger.append(events)
      }
      return result
    },

    async commit(id, der, events, io) {
      enterToWrite(io)
      const { result, changed } = commit(table, id, der)
      if (changed) ledger.append(events)
      return result
    },

    async supersede(id, at, event, io) {
      enterToWrite(io)
      const { ids, events } = supersede(table, id, at, event)
      ledger.append(events)
      return ids
    },

    async abandon(what, io) {
      enterToWrite(io)
      const at = what instanceof Date ? new Date(Math.min(what.getTime(), clock().getTime())) : what.at
      const rows = reservationsToAbandon(table, what)
      for (const row of rows) {
        table.abandon(row)
        ledger.append([abandonedEvent(row, at)])
      }
      return rows.length
    },

    async extendHolder(instance, leaseUntil, io) {
      enterToWrite(io)
      table.extendHolder(instance, copyDate(leaseUntil))
    },

    async register(record, events, io) {
      enterToWrite(io)
      assertCertificateId(record.id)
      assertHash(record.publicKeyHash, 'publicKeyHash')
      assertHash(record.fingerprint, 'fingerprint')
      const fingerprint = toOctets(record.fingerprint)
      const known = table.getByFingerprint(fingerprint) ?? table.get(record.id)
      if (known !== undefined) {
        const isSame =
          known.state === 'pinned' && known.subject.deviceId === record.deviceId && known.fingerprint === fingerprint
        return isSame ? 'registered' : 'taken'
      }
      if (table.isKeyBlocked(toOctets(record.publicKeyHash))) return 'keyBlocked'
      table.insert(
        newRow({
          order: table.nextOrder(),
          subject: storedSubject(record),
          state: 'pinned',
          der: toOctets(record.der),
          fingerprint,
          epoch: table.epochOf(record.deviceId),
        }),
      )
      ledger.append(events)
      return 'registered'
    },

    async certificate(key, io) {
      enter(io)
      const row = 'fingerprint' in key ? table.getByFingerprint(toOctets(key.fingerprint)) : table.get(key)
      return row && toRecord(row)
    },

    async certificateStatus(id, io) {
      enter(io)
      const row = table.get(id)
      if (row === undefined) return undefined
      const { state, revocation } = row
      return revocation === undefined ? { state } : { state, revocation: copyRevocation(revocation) }
    },

    async certificates(query, page, io) {
      enter(io)
      assertLimit(page.limit)
      return listCertificates(table, query, page)
    },

    async revoke(id, revocation, events, io) {
      enterToWrite(io)
      const row = table.get(id)
      if (row === undefined) return undefined
      const created = revokeRow(table, row, revocation)
      if (created) ledger.append(events)
      return { revocation: copyRevocation(row.revocation!), created }
    },

    async revokeDevice(deviceId, revocation, event, io) {
      enterToWrite(io)
      const { ids, events } = revokeDevice(table, deviceId, revocation, event)
      ledger.append(events)
      return ids
    },

    async revokeAll(query, revocation, event, page, io) {
      enterToWrite(io)
      assertLimit(page.limit)
      const ended = revokeAll(table, query, revocation, event, page)
      ledger.append(ended.events)
      return ended.page
    },

    async blockKey(publicKeyHash, events, io) {
      enterToWrite(io)
      assertHash(publicKeyHash, 'publicKeyHash')
      const blocked = table.blockKey(toOctets(publicKeyHash))
      if (blocked) ledger.append(events)
      return blocked
    },

    async release(id, events, io) {
      enterToWrite(io)
      const row = table.get(id)
      if (row === undefined || !release(row)) return false
      table.noteChange(row)
      ledger.append(events)
      return true
    },

    async revoked(scope, page, io) {
      enter(io)
      assertLimit(page.limit)
      return listRevoked(table, scope, page)
    },

    async crlEntries(scope, query, page, io) {
      enter(io)
      assertEntriesLimit(page.limit)
      return listCrlEntries(table, scope, query, page)
    },

    async crlState(scope, io) {
      enter(io)
      const full = crls.head({ ...scope, delta: false })
      const delta = crls.head({ ...scope, delta: true })
      return { position: String(table.lastChange(scope)), ...(full && { full }), ...(delta && { delta }) }
    },

    async nextCrlNumber(scope, io) {
      enterToWrite(io)
      return crls.nextNumber(scope)
    },

    async putCrl(name, crl, lease, events, io) {
      enterToWrite(io)
      assertCrlParts(crl)
      const own = await copyCrl(crl)
      enterToWrite(io)
      if (crls.isCurrent(name, own)) return true
      if (!leases.isCurrent(lease) || !crls.put(name, own)) return false
      ledger.append(events)
      return true
    },

    async crl(name, io) {
      enter(io)
      const crl = crls.current(name)
      // It is replaced by another, never written to: copying may take several turns.
      return crl && copyCrl(crl)
    },

    async document(name, io) {
      enter(io)
      return documents.get(name)
    },

    async putDocument(name, value, expectedVersion, events, io) {
      enterToWrite(io)
      if (documents.isPut(name, value, expectedVersion)) return true
      if (!leases.isCurrent(io?.lease) || !documents.put(name, value, expectedVersion)) return false
      ledger.append(events)
      return true
    },

    async addToken(token, events, io) {
      enterToWrite(io)
      assertHash(token.hash, 'hash')
      if (tokens.add(token, table.epochOf(token.deviceId))) ledger.append(events)
    },

    async token(hash, io) {
      enter(io)
      assertHash(hash, 'hash')
      return tokens.record(hash, row => table.get(row.subject.id) === row)
    },

    async lease(name, holder, seconds, io) {
      enterToWrite(io)
      assertLeaseSeconds(seconds)
      return leases.take(name, holder, seconds, clock())
    },

    async releaseLease(lease, io) {
      enterToWrite(io)
      leases.release(lease)
    },

    async ledger({ after, limit }, io) {
      enter(io)
      assertLimit(limit)
      return ledger.page(after, limit)
    },

    async newestEventAt(io) {
      enter(io)
      return ledger.newestAt()
    },

    async cursor(consumer, io) {
      enter(io)
      return ledger.cursor(consumer)
    },

    async saveCursor(consumer, cursor, lease, io) {
      enterToWrite(io)
      if (!leases.isCurrent(lease)) return false
      ledger.saveCursor(consumer, cursor)
      return true
    },

    async prune(marks, limit, io) {
      enterToWrite(io)
      assertLimit(limit)
      let count = 0
      if (marks.ledgerBefore !== undefined) count += ledger.prune(marks.ledgerBefore, limit)
      if (marks.certificatesExpiredBefore !== undefined) {
        count += pruneCertificates(table, crls, marks.certificatesExpiredBefore, limit - count)
        count += tokens.prune(marks.certificatesExpiredBefore, limit - count)
      }
      return count
    },

    async state(io) {
      enter(io)
      return standing.state()
    },

    async changeState(from, to, io) {
      enter(io)
      return standing.change(from, to)
    },

    async exportRecords(request, io) {
      enter(io)
      assertExport(request)
      return standing.export(request)
    },

    async importRecords(mark, records, io) {
      enter(io)
      assertImport(mark, records)
      standing.import(mark, records)
    },

    async close() {
      closed = true
    },

    async [Symbol.asyncDispose]() {
      await this.close()
    },
  }
}

function reservationsToAbandon(table: CertificateTable, what: Date | CertificateId): readonly CertificateRow[] {
  if (!(what instanceof Date)) {
    const row = table.get(what)
    return row?.state === 'reserved' ? [row] : []
  }
  return [...table.reserved()].filter(row => row.holder !== undefined && row.holder.leaseUntil < what)
}
