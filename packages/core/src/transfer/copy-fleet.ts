import { randomUUID } from 'node:crypto'
import { checkNames, type IoOptions, isPkiError, type KnownNames, PkiError } from '@fleetcert/x509'
import { recordKey } from '../store/record-keys.ts'
import type { CrlName, Page, Store } from '../store/store.ts'
import type { LedgerEntry, StoreRecord, StoreRecordKind } from '../store/store-records.ts'
import { changedCertificates, openReservations } from './changed-certificates.ts'
import { type CopyNote, decodeCopyNote, encodeCopyNote } from './copy-note.ts'
import { differing, importVerified } from './verified-import.ts'

/** What a copy is at. */
export interface CopyProgress {
  /** `certificates`: all of them; `changes`: the ledger, and what it tells of; `rest`: what has no place in the ledger; `sealed`: the source is sealed, and what was left is copied. */
  readonly phase: 'certificates' | 'changes' | 'rest' | 'sealed'
  /** Records that this call has written to the target and compared so far. */
  readonly records: number
  /** Ordinal of the certificate that was copied last. */
  readonly ordinal: number
  /** Ordinal of the newest certificate when this call began. */
  readonly lastOrdinal: number
}

/** How a fleet is copied. */
export interface CopyFleetOptions extends IoOptions {
  /**
   * Also cuts over: seals the source, copies what is left, and makes the target a store like any other. Default false: everything is copied, the source goes on, and the target waits for the call that seals.
   */
  readonly seal?: boolean
  /** Told after every page. What it throws ends the copy. */
  readonly onProgress?: (progress: CopyProgress) => void
}

/** How a copy ended. */
export interface CopiedFleet {
  /** Whether the fleet is in the target now, and the source is sealed. */
  readonly moved: boolean
  /** Records that this call has written to the target and compared. None where the fleet had moved already. */
  readonly records: number
}

const optionNames: KnownNames<CopyFleetOptions> = { signal: true, seal: true, onProgress: true }
const pageRecords = 500
const mostRounds = 10

/** What has no place in the ledger, or need not have: all of it is looked at again each time. */
const restKinds: readonly StoreRecordKind[] = [
  'device',
  'blockedKey',
  'token',
  'document',
  'crlScope',
  'crl',
  'crlPart',
  'lease',
  'consumer',
  'head',
]

/**
 * Copies a fleet from one store to another, of any kind, while it is at work.
 *
 * Everything that is written is read back and compared. Hubs go on issuing and revoking on the source: what they change is copied after the rest, from the ledger. Called again after it was interrupted, wherever that
 * was, it goes on where it stopped: how far it has come is kept in the target. Until the call with `seal` has resolved, the target is no fleet: `openFleet` refuses it (`ERR_PKI_STORE_INCOMPLETE`).
 *
 * With `seal`, the source is sealed once all but the latest is copied: from then on every process that would change it is refused with `ERR_PKI_STORE_MOVED`, what reads is answered. Then the latest is copied and the target
 * is opened. Should that fail, the source stays sealed: the same call again ends the move, or `from.changeState('sealed', 'open')` gives the source back. Never do that once the target may have been opened: two stores would
 * issue for one fleet.
 *
 * Both stores must be open-able by this process, and only one copy at a time may write to a target. Neither is closed.
 *
 * @throws PkiError `ERR_PKI_STORE_IN_USE`: the target holds something else. `ERR_PKI_STORE_EMPTY`: the source holds nothing. `ERR_PKI_STORE_INCOMPLETE`: the source is itself the target of a copy that has not ended.
 * `ERR_PKI_STORE_MOVED`: the source was sealed for another target. `ERR_PKI_STORE_RECORD`: the target cannot keep a record. `ERR_PKI_COPY_MISMATCH`: what was read back is not what was written.
 * `ERR_PKI_COPY_BUSY`: another copy writes to the target. What the stores reject.
 *
 * @example
 * ```ts
 * await copyFleet(sqliteStore({ file: 'fleet.db' }), redisStore({ client })) // hubs go on meanwhile
 * await copyFleet(sqliteStore({ file: 'fleet.db' }), redisStore({ client }), { seal: true })
 * ```
 */
export async function copyFleet(from: Store, to: Store, options: CopyFleetOptions = {}): Promise<CopiedFleet> {
  for (const [label, store] of Object.entries({ from, to })) {
    if (typeof store?.exportRecords !== 'function') throw new TypeError(`copyFleet: ${label}: expected a Store`)
  }
  checkNames('copyFleet', options, optionNames)
  const { seal = false, onProgress, signal } = options
  const io: IoOptions = signal === undefined ? {} : { signal }
  await from.open(io)
  await to.open(io)
  const source = await from.state(io)
  const target = await to.state(io)
  const isSameFleet = source.fleetId === target.fleetId
  if (source.state === 'empty') throw new PkiError('ERR_PKI_STORE_EMPTY', {})
  if (source.state === 'receiving') throw new PkiError('ERR_PKI_STORE_INCOMPLETE', {})
  if (isSameFleet && source.state === 'sealed' && target.state === 'open') return { moved: true, records: 0 }
  if (target.state !== 'empty' && !(isSameFleet && target.state === 'receiving')) {
    throw new PkiError('ERR_PKI_STORE_IN_USE', {})
  }

  const former = decodeCopyNote(target.note ?? '')
  // What was sealed for another target is at work there.
  if (source.state === 'sealed' && former?.sealing !== true) throw new PkiError('ERR_PKI_STORE_MOVED', {})

  const copy = createCopy(from, to, source.fleetId, io, onProgress)
  await copy.begin(former, source.state === 'sealed')
  await copy.certificates()
  await copy.changes()
  await copy.rest()
  if (!seal) return { moved: false, records: copy.records() }

  // The fewer there are left, the shorter the source is sealed.
  for (let rounds = 0; rounds < mostRounds && (await copy.changes()) > pageRecords; rounds++);
  if (source.state === 'open' && (await from.state(io)).state !== 'open') throw new PkiError('ERR_PKI_STORE_MOVED', {})
  await copy.sealing()
  if (!(await from.changeState('open', 'sealed', io))) throw new PkiError('ERR_PKI_STORE_INCOMPLETE', {})
  copy.sealed()
  await copy.changes()
  await copy.rest()
  await copy.end()
  if (!(await to.changeState('receiving', 'open', io))) throw new PkiError('ERR_PKI_STORE_IN_USE', {})
  return { moved: true, records: copy.records() }
}

interface Copy {
  /** Goes on where an earlier call has stopped. */
  begin(former: CopyNote | undefined, isSealed: boolean): Promise<void>
  /** All certificates that there were when the copy began. */
  certificates(): Promise<void>
  /** The ledger up to where it ends now, and what it tells of. How many entries have come meanwhile. */
  changes(): Promise<number>
  /** What the ledger does not tell of. */
  rest(): Promise<void>
  /** The target is the one for which the source is going to be sealed. */
  sealing(): Promise<void>
  /** From now on nothing changes any more. */
  sealed(): void
  /** Nobody else has written to the target. */
  end(): Promise<void>
  records(): number
}

function createCopy(
  from: Store,
  to: Store,
  fleetId: string,
  io: IoOptions,
  onProgress: CopyFleetOptions['onProgress'],
): Copy {
  const run = randomUUID()
  let note: CopyNote = { run, certificatesAfter: '', ledgerAfter: 0, begunAt: 0 }
  let phase: CopyProgress['phase'] = 'certificates'
  let records = 0
  let lastOrdinal = 0
  let isSealed = false

  const assertAlone = async (): Promise<void> => {
    const { note: text = '' } = await to.state(io)
    if (decodeCopyNote(text)?.run !== run) throw new PkiError('ERR_PKI_COPY_BUSY', {})
  }

  /** Written and compared before the note says that it is there. */
  const write = async (page: readonly StoreRecord[]): Promise<void> => {
    if (page.length === 0) return
    await assertAlone()
    await importVerified(to, { fleetId, note: encodeCopyNote(note) }, page, io)
    records += page.length
    const ordinal = note.certificatesAfter === undefined ? lastOrdinal : Number(note.certificatesAfter)
    onProgress?.({ phase: isSealed ? 'sealed' : phase, records, ordinal, lastOrdinal })
  }

  const keep = async (next: Omit<CopyNote, 'run'>): Promise<void> => {
    note = { ...(note.sealing === true && { sealing: true }), ...next, run }
    await to.importRecords({ fleetId, note: encodeCopyNote(note) }, [], io)
  }

  const head = async (): Promise<Extract<StoreRecord, { kind: 'head' }>> => {
    const [record] = (await from.exportRecords({ keys: [{ kind: 'head' }] }, io)).items
    if (record?.kind !== 'head') throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the store has no head' })
    return record
  }

  /** The next page is read while this one is written. */
  async function* pages(kind: StoreRecordKind, after?: string): AsyncGenerator<readonly StoreRecord[]> {
    const read = (cursor: string | undefined): Promise<Page<StoreRecord>> => {
      const page = from.exportRecords({ kind, limit: pageRecords, ...(cursor !== undefined && { after: cursor }) }, io)
      // Who has given up in between does not ask for it.
      page.catch(() => {})
      return page
    }
    for (let reading: Promise<Page<StoreRecord>> | undefined = read(after); reading !== undefined; ) {
      const { items, next }: Page<StoreRecord> = await reading
      reading = next === undefined ? undefined : read(next)
      yield items
    }
  }

  const restart = async (): Promise<void> => {
    const newest = await head()
    lastOrdinal = newest.lastOrdinal
    await keep({ certificatesAfter: '', ledgerAfter: 0, begunAt: newest.lastSequence })
  }

  const certificates = async (): Promise<void> => {
    if (note.certificatesAfter === undefined) return
    phase = 'certificates'
    for await (const page of pages('certificate', note.certificatesAfter)) {
      await write(page)
      const last = page.at(-1)
      if (last?.kind !== 'certificate') continue
      note = { ...note, certificatesAfter: String(last.ordinal) }
      // Those that have come since are told of by the ledger.
      if (last.ordinal >= lastOrdinal) break
    }
    await keep({ ledgerAfter: note.ledgerAfter, begunAt: note.begunAt })
  }

  const isStillThere = async (sequence: number): Promise<boolean> => {
    if (sequence === 0) return true
    try {
      await from.ledger({ after: String(sequence), limit: 1 }, io)
      return true
    } catch (error) {
      if (isPkiError(error, 'ERR_PKI_CURSOR')) return false
      throw error
    }
  }

  const changes = async (): Promise<number> => {
    phase = 'changes'
    // Entries that were dropped before they were copied told of changes: everything is looked at again.
    if (!(await isStillThere(Math.max(note.ledgerAfter, note.begunAt)))) {
      await restart()
      await certificates()
      phase = 'changes'
    }
    // Not to an end that moves on: hubs may be faster than a copy is.
    const { lastSequence } = await head()
    for await (const page of pages('event', String(note.ledgerAfter))) {
      const entries = page.filter((record): record is LedgerEntry => record.kind === 'event')
      const told = entries.filter(({ sequence }) => sequence > note.begunAt)
      for await (const changed of changedCertificates(from, told, io)) await write(await differing(to, changed, io))
      await write(entries)
      note = { ...note, ledgerAfter: entries.at(-1)?.sequence ?? note.ledgerAfter }
      if (note.ledgerAfter >= lastSequence) break
    }
    await keep(note)
    return (await head()).lastSequence - note.ledgerAfter
  }

  const rest = async (): Promise<void> => {
    phase = 'rest'
    for await (const page of openReservations(from, io)) await write(await differing(to, page, io))
    const announced = new Map<string, bigint>()
    for (const kind of restKinds) {
      for await (const page of pages(kind)) {
        if (kind === 'crlPart') await announceMissing(page, announced)
        const known = page.flatMap(record => {
          if (record.kind === 'crlPart') return announced.get(nameOf(record)) === record.crlNumber ? record : []
          // The ledger has gone on since it was copied.
          if (record.kind === 'head')
            return { ...record, lastSequence: Math.min(record.lastSequence, note.ledgerAfter) }
          return record
        })
        const different = await differing(to, known, io)
        if (kind === 'crl') await announce(page, different, announced)
        else await write(different)
      }
    }
    // A CRL is whole once its parts are there: it is compared behind them.
    if (!isSealed) return
    for await (const page of pages('crl')) {
      const [different] = await differing(to, page, io)
      if (different === undefined) continue
      throw new PkiError('ERR_PKI_COPY_MISMATCH', { kind: different.kind, reason: 'a CRL was read back otherwise' })
    }
  }

  const announce = async (
    crls: readonly StoreRecord[],
    different: readonly StoreRecord[],
    announced: Map<string, bigint>,
  ): Promise<void> => {
    if (different.length > 0) {
      await assertAlone()
      await to.importRecords({ fleetId, note: encodeCopyNote(note) }, different, io)
    }
    for (const crl of crls) if (crl.kind === 'crl') announced.set(nameOf(crl), crl.crlNumber)
  }

  /** A CRL that was published since the others were listed. One that is gone already comes with what has replaced it. */
  const announceMissing = async (parts: readonly StoreRecord[], announced: Map<string, bigint>): Promise<void> => {
    for (const part of parts) {
      if (part.kind !== 'crlPart' || announced.get(nameOf(part)) === part.crlNumber) continue
      const { issuerKeyId, shard, delta } = part
      const { items } = await from.exportRecords({ keys: [{ kind: 'crl', issuerKeyId, shard, delta }] }, io)
      await announce(items, items, announced)
    }
  }

  return {
    async begin(former, wasSealed) {
      lastOrdinal = (await head()).lastOrdinal
      if (former === undefined) await restart()
      // Whoever has unsealed the source may choose another target.
      else await keep({ ...former, sealing: wasSealed })
    },
    certificates,
    changes,
    rest,
    async sealing() {
      await assertAlone()
      await keep({ ...note, sealing: true })
    },
    sealed() {
      isSealed = true
    },
    end: assertAlone,
    records: () => records,
  }
}

function nameOf({ issuerKeyId, shard, delta }: Required<CrlName>): string {
  return recordKey({ kind: 'crl', issuerKeyId, shard, delta })
}
