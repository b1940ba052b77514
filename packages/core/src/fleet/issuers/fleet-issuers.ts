import { type IoOptions, PkiError } from '@fleetcert/x509'
import { createIssuer, type Issuer } from '../../authority/issuer.ts'
import type { LedgerWatch } from '../../revocation/ledger-watch.ts'
import type { Signer } from '../../signer/signer.ts'
import type { Events, Lease, Store } from '../../store/store.ts'
import {
  encodeFleetDocument,
  type FleetDocument,
  type FoundDocument,
  findFleetDocument,
  fleetDocumentName,
} from '../fleet-document.ts'
import type { AuthorityRecord } from './authority-record.ts'
import { type Authority, createIssuerSet, type IssuerSet } from './issuer-set.ts'

/** Half of the second within which another process's change is heard of. */
const freshMilliseconds = 500
/** From then on whoever asks sees to it that it is read again, and does not wait for it. */
const aheadMilliseconds = 250
const attempts = 10

/** What a change of the CAs is to write. */
export interface IssuerChange {
  readonly document: FleetDocument
  readonly events: Events
}

/** The CAs of an open fleet, kept right while other processes change them. */
export interface FleetIssuers {
  /** As this process last heard. */
  readonly current: IssuerSet
  /** Whether the ledger told of a change that is not in it. */
  isBehind(): boolean
  /** Whether that is no older than half a second. */
  isFresh(): boolean
  /** No older than half a second. Rejects where that cannot be known. */
  fresh(options?: IoOptions): IssuerSet | Promise<IssuerSet>
  /** As of now. */
  read(options?: IoOptions): Promise<IssuerSet>
  /**
   * Compare-and-swap until it is done; counts here at once. `next` is asked again where another process was faster, and answers `undefined` where there is nothing to change.
   * @throws PkiError `ERR_PKI_STORE_UNAVAILABLE`, and what `next` throws
   */
  change(
    next: (set: IssuerSet) => IssuerChange | undefined,
    options?: IoOptions & { readonly lease?: Lease },
  ): Promise<IssuerSet>
  /** Told of each set that is another. */
  listen(listener: (set: IssuerSet) => void): void
  /** The key of a CA, wherever this fleet keeps it. */
  openKey(record: AuthorityRecord): Promise<Signer | undefined>
}

export interface FleetIssuersParts {
  readonly store: Store
  readonly watch: LedgerWatch
  /** As it was read at the opening. */
  readonly found: FoundDocument
  /** PEM of each CA that is trusted beside the fleet's own. */
  readonly alsoTrust: readonly string[]
  /** `undefined` where it is missing. */
  readonly openKey: (record: AuthorityRecord) => Promise<Signer | undefined>
}

/**
 * The fleet document, read again when the ledger tells that it has changed, or where nobody reads the ledger, each half second in which it is asked for.
 * It has no timer: see {@link followIssuers}.
 */
export function createFleetIssuers({ store, watch, found, alsoTrust, openKey }: FleetIssuersParts): FleetIssuers {
  const issuers = new Map<string, Issuer>()
  const listeners: ((set: IssuerSet) => void)[] = []
  let readAt = performance.now()
  /** Whether the ledger was followed when the document was last read: nothing that came since can have been missed. */
  let isFollowed = watch.hasBegun
  let heard = 0
  let heardAtReading = 0
  let reading: Promise<IssuerSet> | undefined

  const issuerOf = (record: Authority['record']): Issuer => {
    const { certificate } = record.own
    let issuer = issuers.get(certificate)
    if (issuer === undefined) {
      const keyName = record.keyName ?? 'none: it is another’s'
      issuer = createIssuer(Buffer.from(certificate, 'base64'), keyName, () => openKey(record))
      issuers.set(certificate, issuer)
    }
    return issuer
  }
  const toSet = (document: FleetDocument, version: number): IssuerSet =>
    createIssuerSet(document, version, issuerOf, alsoTrust)
  let current = toSet(found.document, found.version)

  const take = (document: FleetDocument, version: number): IssuerSet => {
    if (version > current.version) {
      current = toSet(document, version)
      for (const listener of listeners) listener(current)
    }
    return current
  }

  const readNow = async (options?: IoOptions): Promise<IssuerSet> => {
    const begun = performance.now()
    const heardBefore = heard
    const wasFollowed = watch.hasBegun
    const now = await findFleetDocument(store, options)
    if (now === undefined) throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document vanished' })
    take(now.document, now.version)
    readAt = begun
    heardAtReading = heardBefore
    isFollowed = wasFollowed
    return current
  }
  /** One for all who ask while it runs; not to be aborted by one of them. */
  const readShared = (): Promise<IssuerSet> => {
    reading ??= readNow().finally(() => {
      reading = undefined
    })
    return reading
  }

  watch.listen({
    heard(change) {
      if (change === undefined || change.type === 'issuersChanged') heard += 1
    },
  })

  const isFresh = (): boolean => {
    if (heard !== heardAtReading) return false
    if (isFollowed && watch.isFresh()) return true
    const age = performance.now() - readAt
    if (age >= freshMilliseconds) return false
    // If it fails, what is known ages, and whoever asks then meets the failure.
    if (age >= aheadMilliseconds) readShared().catch(() => {})
    return true
  }

  return {
    get current() {
      return current
    },
    isBehind: () => heard !== heardAtReading,
    isFresh,
    fresh(options) {
      if (isFresh()) return current
      options?.signal?.throwIfAborted()
      return readShared()
    },
    read: readNow,
    async change(next, options) {
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const set = await readNow(options)
        const change = next(set)
        if (change === undefined) return set
        const value = encodeFleetDocument(change.document)
        // It may have been done, also where the answer was lost.
        const put = store.putDocument(fleetDocumentName, value, set.version, change.events, options)
        put.catch(() => watch.doubt(undefined))
        if (await put) {
          return take(change.document, set.version + 1)
        }
      }
      throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'the fleet document changes all the time' })
    },
    listen(listener) {
      listeners.push(listener)
    },
    openKey,
  }
}

/** Reads anew each half second where nobody else does, so that what has no time to ask is right, too. Does not keep the process alive; a store that is down is asked again. */
export function followIssuers(issuers: FleetIssuers, closed: AbortSignal): void {
  const timer = setInterval(() => {
    if (!issuers.isFresh()) void Promise.resolve(issuers.fresh()).catch(() => {})
  }, freshMilliseconds).unref()
  closed.addEventListener('abort', () => clearInterval(timer), { once: true })
}
