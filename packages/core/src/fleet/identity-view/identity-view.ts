import { hash } from 'node:crypto'
import { type IoOptions, PkiError, parseFingerprint } from '@fleetcert/x509'
import { checkedNow, isBehind } from '../../authority/check-clock.ts'
import type { LedgerWatch } from '../../revocation/ledger-watch.ts'
import { untilAborted } from '../../revocation/until-aborted.ts'
import type { CertificateRecord, Store } from '../../store/store.ts'
import { deviceRecordOf } from '../device-record.ts'
import type { CertificateEvidence, Identification, IdentifyOptions } from '../fleet.ts'
import { identificationOf } from '../identify.ts'
import type { FleetIssuers } from '../issuers/fleet-issuers.ts'
import type { IdentityCounters } from './identity-counters.ts'
import type { IdentityViewSettings } from './identity-view-options.ts'
import { createKeeper, type KeptCertificate, latin1, recordOf } from './kept-certificate.ts'
import { createKeptCertificates } from './kept-certificates.ts'

/** What is being read is not given to those who ask later than this: half of the second in which another process's change is heard of. */
const shareMilliseconds = 500

/** What the certificates that were asked for are worth, kept in memory and kept right by the ledger. */
export interface IdentityView {
  identify(evidence: CertificateEvidence, options?: IdentifyOptions): Promise<Identification>
  /**
   * What is in memory of a good certificate, with the store unasked. `undefined` for any other, and where the ledger was last read to its end longer ago than that, or something may have changed since that nobody was told of.
   * @throws PkiError `ERR_PKI_CLOCK`
   */
  lastKnown(evidence: CertificateEvidence, seconds: number): LastKnown | undefined
  counters(): IdentityCounters
}

/** Good when it was last known. */
export type LastKnown = Extract<Identification, { status: 'active' }> & { readonly lastKnownAt: Date }

interface Reading {
  readonly begun: number
  readonly record: Promise<CertificateRecord | undefined>
}

/**
 * Answers from memory while the ledger has been read to its end within the last half second, and since this process's own last revocation. Otherwise, and for what is not kept, the store is asked; when it cannot be
 * asked, nothing is answered.
 *
 * Only certificates that the fleet has are kept, so a stranger with endless certificates of his own displaces none. What is kept is what is on record: whether it has expired, or is superseded, is judged at each question.
 */
export function createIdentityView(parts: {
  readonly store: Store
  readonly clock: () => Date
  readonly watch: LedgerWatch
  /** What became of all that a CA has issued is judged at each question, too. */
  readonly issuers: Pick<FleetIssuers, 'current' | 'isFresh' | 'isBehind' | 'fresh'>
  readonly options: Pick<IdentityViewSettings, 'cacheBytes' | 'cacheEntries'>
}): IdentityView {
  const { store, clock, watch, issuers } = parts
  const { cacheBytes, cacheEntries } = parts.options
  const isOn = cacheBytes > 0 && cacheEntries > 0
  const keep = createKeeper()
  const kept = createKeptCertificates({ bytes: cacheBytes, entries: cacheEntries })
  const readings = new Map<string, Reading>()
  const count = { hits: 0, misses: 0, shared: 0, unknown: 0, lastKnown: 0, failed: 0 }

  watch.listen({
    heard(change) {
      readings.clear()
      if (kept.size === 0) return
      const { fingerprint, deviceId } = change ?? {}
      if (fingerprint === undefined && deviceId === undefined) {
        // Of a server, a CA or a responder: nobody's identity. Without any name it may be about everybody.
        if (change?.certificate === undefined) kept.clear()
        return
      }
      if (fingerprint !== undefined) kept.drop(latin1(parseFingerprint(fingerprint)))
      // A renewal is told by the new certificate, and changes what the others of its device are worth.
      if (deviceId !== undefined) kept.dropDevice(deviceId)
    },
    // A reading that was begun before must not answer who asks after it, nor one that found nothing who asks after the enrolment.
    disturbed: () => readings.clear(),
    doubted: deviceId => kept.dropDevice(deviceId),
  })

  /** The time, for judging by what the ledger told. @throws PkiError `ERR_PKI_CLOCK` */
  const timeByWatch = (): Date => {
    const now = clock()
    if (isBehind(now, watch.newestAt)) throw new PkiError('ERR_PKI_CLOCK', {})
    return now
  }

  const fromMemory = (key: string, evidence: CertificateEvidence): Identification | undefined => {
    const found = kept.get(key)
    if (found === undefined) return undefined
    found.isWanted = true
    const now = timeByWatch()
    count.hits += 1
    return identificationNow(withDer(found, evidence), now)
  }

  const identificationNow = (record: CertificateRecord, now: Date): Identification =>
    identificationOf(record, now, issuers.current.endingOf(record.id.issuerKeyId))

  const read = (key: string): Promise<CertificateRecord | undefined> => {
    // Before the store is asked: what changes from here on may be missing in its answer.
    const { epoch, hasBegun } = watch
    return store.certificate({ fingerprint: octetsOf(key) }).then(record => {
      if (isOn && hasBegun && watch.epoch === epoch && record !== undefined) {
        const { deviceId } = record
        // Whose it is does not depend on the time.
        if (deviceId !== undefined && deviceRecordOf(record, record.notBefore) !== undefined) {
          kept.add(keep(key, deviceId, record))
        }
      }
      return record
    })
  }

  const sharedReading = (key: string): Promise<CertificateRecord | undefined> => {
    const begun = performance.now()
    const running = readings.get(key)
    if (running !== undefined && begun - running.begun < shareMilliseconds) {
      count.shared += 1
      // Each gets an answer of its own.
      return running.record.then(structuredClone<CertificateRecord | undefined>)
    }
    count.misses += 1
    const end = (): void => {
      if (readings.get(key) === reading) readings.delete(key)
    }
    const reading = { begun, record: read(key) }
    readings.set(key, reading)
    reading.record.then(end, end)
    return reading.record
  }

  const counted = (identification: Identification): Identification => {
    if (identification.status === 'unknown') count.unknown += 1
    return identification
  }

  const fromStore = async (
    key: string,
    evidence: CertificateEvidence,
    options: IoOptions | undefined,
  ): Promise<Identification> => {
    const isFresh = watch.isFresh()
    const signal = options?.signal
    const reading = signal === undefined ? sharedReading(key) : untilAborted(sharedReading(key), signal)
    const record = isFresh ? await reading : (await Promise.all([reading, checkedNow(store, clock, options)]))[0]
    const now = isFresh ? timeByWatch() : clock()
    return counted(record === undefined ? unknown : identificationNow(asShown(record, evidence), now))
  }

  const wholeFromStore = async (key: string, options: IoOptions): Promise<Identification> => {
    count.misses += 1
    const [record, now] = await Promise.all([
      store.certificate({ fingerprint: octetsOf(key) }, options),
      checkedNow(store, clock, options),
    ])
    return counted(record === undefined ? unknown : identificationNow(record, now))
  }

  const answer = async (
    key: string,
    evidence: CertificateEvidence,
    options: IoOptions | undefined,
  ): Promise<Identification> => {
    if (isOn && !watch.isFresh()) {
      if (kept.get(key) === undefined) watch.look()
      else {
        // The caller may use its memory again while we wait.
        const own = 'der' in evidence ? { der: new Uint8Array(evidence.der) } : evidence
        // What cannot be heard of is asked for: the store will say what is wrong with it.
        const heardOfAll = watch.refresh().catch(() => false)
        const known = (await untilAborted(heardOfAll, options?.signal)) ? fromMemory(key, own) : undefined
        return known ?? fromStore(key, own, options)
      }
    }
    return fromStore(key, evidence, options)
  }

  /** The same once it is known which CAs are good. */
  const answerWhenFresh = async (
    key: string,
    evidence: CertificateEvidence,
    options: IoOptions | undefined,
  ): Promise<Identification> => {
    // The caller may use its memory again while we wait.
    const own = 'der' in evidence ? { der: new Uint8Array(evidence.der) } : evidence
    await untilAborted(Promise.resolve(issuers.fresh()), options?.signal)
    return answer(key, own, options)
  }

  return {
    async identify(evidence, options) {
      options?.signal?.throwIfAborted()
      const key = keyOf(evidence)
      try {
        const isFresh = issuers.isFresh()
        if (options?.withDer === true) {
          if (!isFresh) await untilAborted(Promise.resolve(issuers.fresh()), options.signal)
          return await wholeFromStore(key, options)
        }
        const known = isFresh && isOn && watch.isFresh() ? fromMemory(key, evidence) : undefined
        if (known !== undefined) return known
        if (options?.fromMemory !== true) {
          return isFresh ? await answer(key, evidence, options) : await answerWhenFresh(key, evidence, options)
        }
        if (!isFresh) Promise.resolve(issuers.fresh()).catch(() => {})
      } catch (error) {
        count.failed += 1
        throw error
      }
      if (isOn && !watch.isFresh()) watch.look()
      throw new PkiError('ERR_PKI_BUSY', { retryAfterSeconds: 1 })
    },
    lastKnown(evidence, seconds) {
      const silence = watch.silence()
      const found = kept.get(keyOf(evidence))
      if (found === undefined || issuers.isBehind() || !(silence <= seconds * 1000)) return undefined
      found.isWanted = true
      const now = timeByWatch()
      const lastKnownAt = new Date(now.getTime() - silence)
      // What begins to count only now was never found good.
      if (identificationNow(recordOf(found), lastKnownAt).status !== 'active') return undefined
      const identification = identificationNow(withDer(found, evidence), now)
      if (identification.status !== 'active') return undefined
      count.lastKnown += 1
      return { ...identification, lastKnownAt }
    },
    counters: () => ({ ...count, entries: kept.size, bytes: kept.bytes }),
  }
}

const unknown: Identification = { status: 'unknown' }

/** The octets of the fingerprint, as the key of a Map. */
function keyOf(evidence: CertificateEvidence): string {
  if (!('der' in evidence)) return latin1(parseFingerprint(evidence.fingerprint))
  if (!(evidence.der instanceof Uint8Array)) throw new TypeError('evidence.der: expected a Uint8Array')
  return hash('sha256', evidence.der, 'binary')
}

function octetsOf(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, 'latin1'))
}

/** The DER is in the answer where it was shown, and of pinned certificates: the same from memory and from the store. */
function withDer(kept: KeptCertificate, evidence: CertificateEvidence): CertificateRecord {
  const record = recordOf(kept)
  // The caller's own array: he has it already.
  if (record.der === undefined && 'der' in evidence) record.der = evidence.der
  return record
}

function asShown(record: CertificateRecord, evidence: CertificateEvidence): CertificateRecord {
  if ('der' in evidence || record.state === 'pinned') return record
  const { der: _, ...others } = record
  return others
}
