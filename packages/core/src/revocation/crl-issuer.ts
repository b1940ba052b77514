import {
  authorityKeyIdentifier,
  crlNumberExtension,
  encodeCertificateList,
  encodePem,
  encodeRevokedEntry,
  encodeTbsCertList,
  type IoOptions,
  isPkiError,
  issuingDistributionPoint,
  keyIdentifierOf,
  PkiError,
} from '@fleetcert/x509'
import { checkedNow } from '../authority/check-clock.ts'
import { type Issuer, signVerified } from '../authority/issuer.ts'
import type { SignedCrl } from '../fleet/fleet.ts'
import type { CrlParts, CrlScope, FleetEventType, RevokedEntry, Store } from '../store/store.ts'
import { joinParts, splitParts } from './crl-parts.ts'
import { untilAborted } from './until-aborted.ts'

/** How long CRLs last. */
export interface CrlTimes {
  /** thisUpdate to nextUpdate. */
  readonly validitySeconds: number
  /** A new one is made when less than this is left. */
  readonly overlapSeconds: number
}

/** One CA's CRLs. */
export interface CrlIssuer {
  /** The current CRL of a shard; made anew when there is none, when a revocation came after it, or when it is about to age. */
  current(shard: number, options?: IoOptions): Promise<SignedCrl>
}

export interface CrlIssuerContext {
  readonly store: Store
  readonly issuer: Issuer
  /** Holder of the building lease. */
  readonly instance: string
  readonly clock: () => Date
  readonly times: CrlTimes
  /** What the IDP names. Empty: it says `onlyContains…` instead. */
  readonly urls: (shard: number) => readonly string[]
  /** A root's CRL: its IDP says onlyContainsCACerts and no URL, for the root certificate carries none (OpenSSL's error 44). */
  readonly certificatesAreCas: boolean
}

const changesCrl: ReadonlySet<FleetEventType> = new Set(['revoked', 'held', 'released'])
const leaseSeconds = 60
const clockToleranceMilliseconds = 5000

export function createCrlIssuer(context: CrlIssuerContext): CrlIssuer {
  const building = new Map<number, Promise<SignedCrl>>()
  return {
    async current(shard: number, options: IoOptions = {}): Promise<SignedCrl> {
      const scope = { issuerKeyId: context.issuer.keyId, shard }
      for (;;) {
        options.signal?.throwIfAborted()
        const stored = await findGood(context, scope, options)
        if (stored !== undefined) return stored
        const running = building.get(shard)
        if (running === undefined) {
          const build = buildCrl(context, scope).finally(() => building.delete(shard))
          building.set(shard, build)
          return untilAborted(build, options.signal)
        }
        // Many ask, one builds. What runs already may have begun before a revocation that this caller knows of, so it is looked at again.
        await untilAborted(running, options.signal)
      }
    },
  }
}

/** The stored CRL if it is neither ageing nor outdated. */
async function findGood(
  context: CrlIssuerContext,
  scope: CrlScope,
  options?: IoOptions,
): Promise<SignedCrl | undefined> {
  // The cursor before the CRL: another process may publish in between, and then the CRL is newer than the cursor that was read, never older.
  if (await isOutdated(context, scope, options)) return undefined
  const stored = await context.store.crl(scope, options)
  return stored === undefined || isAging(stored, context) ? undefined : toSigned(scope, stored)
}

function isAging(crl: CrlParts, { clock, times }: CrlIssuerContext): boolean {
  const now = clock().getTime()
  // One from the future was made while the clock was wrong.
  if (crl.thisUpdate.getTime() > now + clockToleranceMilliseconds) return true
  return crl.nextUpdate.getTime() - now < times.overlapSeconds * 1000
}

const consumerOf = (scope: CrlScope): string => `crl-${scope.issuerKeyId}-${scope.shard}`

/** Whether the ledger tells of a revocation since the CRL was built. Reads only what came after it, and remembers how far it read. */
async function isOutdated({ store, issuer }: CrlIssuerContext, scope: CrlScope, options?: IoOptions): Promise<boolean> {
  const consumer = consumerOf(scope)
  let after = await store.cursor(consumer, options)
  for (;;) {
    const page = await store.ledger({ after, limit: 1000 }, options).catch(prunedAway)
    if (page === undefined) return true
    const affected = page.items.some(
      ({ type, certificate }) =>
        type === 'settingsChanged' || (changesCrl.has(type) && certificate?.issuerKeyId === issuer.keyId),
    )
    if (affected) return true
    if (page.items.length === 0) return false
    after = page.next
    await store.saveCursor(consumer, after, undefined, options)
  }
}

/** What lies between the cursor and the ledger's beginning is not known any more. */
function prunedAway(error: unknown): undefined {
  if (!isPkiError(error, 'ERR_PKI_CURSOR')) throw error
}

async function buildCrl(context: CrlIssuerContext, scope: CrlScope): Promise<SignedCrl> {
  const { store, instance, clock } = context
  await checkedNow(store, clock)
  const leaseName = consumerOf(scope)
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const lease = await store.lease(leaseName, instance, leaseSeconds)
    if (lease !== undefined) {
      try {
        const built = await signCrl(context, scope)
        const event = {
          type: 'crlPublished',
          at: clock(),
          details: { issuerKeyId: scope.issuerKeyId, shard: scope.shard, crlNumber: built.crl.crlNumber.toString() },
        } as const
        if (await store.putCrl(scope, built.crl, lease, [event])) {
          await store.saveCursor(leaseName, built.upTo, lease)
          return toSigned(scope, built.crl)
        }
      } finally {
        await store.releaseLease(lease).catch(() => {})
      }
    } else {
      // Another process builds it: take its result.
      await new Promise(resolve => setTimeout(resolve, 50))
      const stored = await findGood(context, scope)
      if (stored !== undefined) return stored
    }
  }
  throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'another process holds the CRL lease' })
}

async function signCrl(context: CrlIssuerContext, scope: CrlScope): Promise<{ crl: CrlParts; upTo: string }> {
  const { store, issuer, clock, times } = context
  // The ledger's end is noted before the listing: a revocation in between is listed, and listed again by the next CRL, never missed.
  const upTo = await ledgerEnd(store, await store.cursor(consumerOf(scope)))
  const previous = await store.crl(scope)
  const thisUpdate = new Date(Math.floor(clock().getTime() / 1000) * 1000)
  const entries: Uint8Array[] = []
  let after: string | undefined
  do {
    const page = await store.revoked(scope, { limit: 1000, ...(after === undefined ? {} : { after }) })
    for (const entry of page.items) {
      if (previous === undefined || !mayBeDropped(entry, previous.thisUpdate, thisUpdate)) {
        entries.push(encodeRevokedEntry(entry))
      }
    }
    after = page.next
    if (after !== undefined) await new Promise(resolve => setImmediate(resolve))
  } while (after !== undefined)

  const signer = await issuer.signer()
  const crlNumber = await store.nextCrlNumber(scope)
  const nextUpdate = new Date(thisUpdate.getTime() + times.validitySeconds * 1000)
  const urls = context.certificatesAreCas ? [] : context.urls(scope.shard)
  const tbsCertList = encodeTbsCertList({
    signatureAlgorithm: signer.algorithm,
    issuerDer: issuer.certificate.subjectDer,
    thisUpdate,
    nextUpdate,
    entries,
    extensions: [
      authorityKeyIdentifier(
        issuer.certificate.subjectKeyIdentifier ?? keyIdentifierOf(issuer.certificate.subjectPublicKeyInfo),
      ),
      crlNumberExtension(crlNumber),
      issuingDistributionPoint(
        context.certificatesAreCas
          ? { onlyContainsCACerts: true }
          : urls.length > 0
            ? { urls }
            : { onlyContainsUserCerts: true },
      ),
    ],
  })
  const signature = await signVerified(signer, tbsCertList)
  const der = encodeCertificateList(tbsCertList, signer.algorithm, signature)
  return { crl: { crlNumber, thisUpdate, nextUpdate, parts: splitParts(der) }, upTo }
}

/**
 * RFC 5280 section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL issued beyond the revoked certificate's validity period."
 * It must have been revoked before that CRL, too, and be expired now: a CRL that was made while the clock ran ahead drops nothing.
 */
function mayBeDropped(entry: RevokedEntry, previousThisUpdate: Date, thisUpdate: Date): boolean {
  return (
    entry.notAfter < previousThisUpdate &&
    entry.revocation.revocationDate < previousThisUpdate &&
    entry.notAfter < thisUpdate
  )
}

async function ledgerEnd(store: Store, after: string): Promise<string> {
  for (;;) {
    const page = await store.ledger({ after, limit: 1000 }).catch(prunedAway)
    if (page === undefined) {
      after = ''
      continue
    }
    if (page.items.length === 0) return page.next
    after = page.next
  }
}

function toSigned(scope: CrlScope, { parts, crlNumber, thisUpdate, nextUpdate }: CrlParts): SignedCrl {
  const der = joinParts(parts)
  let pem: string | undefined
  return {
    ...scope,
    der,
    // Megabytes of base64 for the few who ask.
    get pem(): string {
      pem ??= encodePem('X509 CRL', der)
      return pem
    },
    crlNumber,
    thisUpdate,
    nextUpdate,
  }
}
