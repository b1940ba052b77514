import {
  authorityKeyIdentifier,
  crlNumberExtension,
  deltaCrlIndicator,
  encodeTbsCertListParts,
  freshestCrl,
  type IoOptions,
  isPkiError,
  issuingDistributionPoint,
  keyIdentifierOf,
  PkiError,
} from '@fleetcert/x509'
import { signPartsVerified } from '../authority/sign-verified.ts'
import type { Signer } from '../signer/signer.ts'
import type { CrlEntriesQuery, CrlParts, CrlScope, CrlState, Store } from '../store/store.ts'
import { basesWith } from './crl-bases.ts'
import { checkSuccessor } from './crl-check.ts'
import type { CrlIssuerContext } from './crl-issuer.ts'
import { type CrlBase, type CrlNote, decodeCrlNote, encodeCrlNote } from './crl-note.ts'
import { certificateListParts } from './crl-parts.ts'
import type { Pause } from './crl-pause.ts'
import { assertCrlLint } from './lint/crl/assert-crl-lint.ts'

/** What is published together: a full CRL, and the delta CRL of the same number and time. */
export interface BuiltCrls {
  readonly full: CrlParts
  readonly delta?: CrlParts
}

/** The CRL that is published now. */
export interface PreviousCrl extends CrlParts {
  /** Gives its memory back; absent where others may hold it, too. */
  readonly release?: () => void
}

// About 100 kB and half a millisecond.
const entriesPerPage = 2048
/** What reading a page costs at the least, though everything on it has ended. */
const octetsOfPage = 64 * 1024
// A thisUpdate that is ahead by less is another process's clock.
const clockToleranceMilliseconds = 5000

/**
 * Lists, checks and signs a scope's CRLs, in slices: `pause` comes between them. Nothing is kept yet.
 *
 * Both are made of one listing, so they "provide the same revocation information" and have the same number, as RFC 5280 section 5.2.3 demands of a delta CRL and a complete one "issued at the same time".
 * `undefined`: another process has published in between.
 */
export async function buildCrls(
  context: CrlIssuerContext,
  scope: CrlScope,
  state: CrlState,
  loadPrevious: () => Promise<PreviousCrl | undefined>,
  pause: Pause,
  options: IoOptions,
): Promise<BuiltCrls | undefined> {
  const { store, issuer, times, deltaTimes, settings } = context
  // Before anything is listed: a key that is away is found out at once.
  const signer = await issuer.signer()
  const thisUpdate = timeAfter(context.clock(), state)
  let origin = originOf(state)
  const listing = await listEntries(store, scope, queryOf(origin), pause, options).catch((error: unknown) => {
    if (origin === undefined || !isPkiError(error, 'ERR_PKI_CURSOR')) throw error
  })
  // The store does not know these positions any more: nothing is left out, and delta CRLs begin with this one.
  if (listing === undefined) origin = undefined
  const { entries, changes, position } = listing ?? (await listEntries(store, scope, {}, pause, options))
  const crlNumber = await store.nextCrlNumber(scope, options)
  const previous = await loadPrevious()
  if (previous?.crlNumber !== state.full?.crlNumber) return undefined
  if (previous !== undefined) {
    await checkSuccessor(store, scope, previous, { crlNumber, thisUpdate, entries }, pause, options)
    previous.release?.()
  }

  const made = { crlNumber, position, thisUpdate, nextUpdate: after(thisUpdate, times.validitySeconds) }
  const formerBases = origin?.bases ?? []
  const base = formerBases[0] ?? made
  const bases = deltaTimes === undefined ? undefined : basesWith(formerBases, made, thisUpdate)
  const deltaUrls = context.deltaUrls(scope.shard)
  const common = { crlNumber, thisUpdate }
  const full = await sign(context, scope, signer, options, {
    ...common,
    nextUpdate: made.nextUpdate,
    entries,
    added: deltaTimes === undefined || deltaUrls.length === 0 ? [] : [freshestCrl(deltaUrls)],
    note: { position, settings, ...(bases === undefined ? {} : { bases }) },
  })
  if (deltaTimes === undefined) return { full }
  const delta = await sign(context, scope, signer, options, {
    ...common,
    nextUpdate: after(thisUpdate, deltaTimes.validitySeconds),
    entries: changes,
    added: [deltaCrlIndicator(base.crlNumber)],
    note: { position, settings },
  })
  return { full, delta }
}

/** The CRL that is published now, where it is known what it says. */
interface Origin {
  readonly thisUpdate: Date
  readonly position: string
  /** What a new delta CRL may start from, oldest first; never empty. */
  readonly bases: readonly CrlBase[]
}

function originOf({ full }: CrlState): Origin | undefined {
  const note = decodeCrlNote(full?.note)
  if (full === undefined || note === undefined) return undefined
  const { crlNumber, thisUpdate, nextUpdate } = full
  const { position, bases = [] } = note
  return { thisUpdate, position, bases: bases.length > 0 ? bases : [{ crlNumber, position, thisUpdate, nextUpdate }] }
}

function queryOf(origin: Origin | undefined): CrlEntriesQuery {
  if (origin === undefined) return {}
  const { thisUpdate, position, bases } = origin
  return {
    without: { endedBefore: thisUpdate, unchangedSince: position },
    changedSince: bases[0]!.position,
  }
}

/** @throws PkiError `ERR_PKI_CLOCK` where the last CRL is of a later time: its entries' ends could not be judged. */
function timeAfter(now: Date, { full }: CrlState): Date {
  const time = Math.floor(now.getTime() / 1000) * 1000
  const last = full?.thisUpdate.getTime() ?? 0
  if (last > now.getTime() + clockToleranceMilliseconds) throw new PkiError('ERR_PKI_CLOCK', {})
  return new Date(Math.max(time, last))
}

const after = (date: Date, seconds: number): Date => new Date(date.getTime() + seconds * 1000)

interface Listing {
  readonly entries: readonly Uint8Array[]
  readonly changes: readonly Uint8Array[]
  readonly position: string
}

async function listEntries(
  store: Store,
  scope: CrlScope,
  query: CrlEntriesQuery,
  pause: Pause,
  options: IoOptions,
): Promise<Listing> {
  const entries: Uint8Array[] = []
  const changes: Uint8Array[] = []
  let after: string | undefined
  for (;;) {
    const request = { limit: entriesPerPage, ...(after === undefined ? {} : { after }) }
    const page = await store.crlEntries(scope, query, request, options)
    if (page.entries.length > 0) entries.push(page.entries)
    if (page.changes.length > 0) changes.push(page.changes)
    after = page.next
    if (after === undefined) return { entries, changes, position: page.position }
    await pause(Math.max(page.entries.length + page.changes.length, octetsOfPage))
  }
}

interface Draft {
  readonly crlNumber: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: readonly Uint8Array[]
  /** Extensions beside those that every CRL has. */
  readonly added: readonly Uint8Array[]
  readonly note: CrlNote
}

/** IssuingDistributionPoint, which "MUST NOT" be empty (RFC 5280 section 5.2.5): of a CRL about all that its CA has issued there is none. */
function scopeOf({ about, urls }: CrlIssuerContext, shard: number): readonly Uint8Array[] {
  if (about === 'all') return []
  if (about === 'cas') return [issuingDistributionPoint({ onlyContainsCACerts: true })]
  const published = urls(shard)
  return [issuingDistributionPoint(published.length > 0 ? { urls: published } : { onlyContainsUserCerts: true })]
}

async function sign(
  context: CrlIssuerContext,
  { shard }: CrlScope,
  signer: Signer,
  options: IoOptions,
  { crlNumber, thisUpdate, nextUpdate, entries, added, note }: Draft,
): Promise<CrlParts> {
  const { certificate } = context.issuer
  const tbsCertList = encodeTbsCertListParts({
    signatureAlgorithm: signer.algorithm,
    issuerDer: certificate.subjectDer,
    thisUpdate,
    nextUpdate,
    entries,
    extensions: [
      authorityKeyIdentifier(certificate.subjectKeyIdentifier ?? keyIdentifierOf(certificate.subjectPublicKeyInfo)),
      crlNumberExtension(crlNumber),
      ...scopeOf(context, shard),
      ...added,
    ],
  })
  await assertCrlLint(tbsCertList, certificate, { ...options, isAboutAll: context.about === 'all' })
  const signature = await signPartsVerified(signer, tbsCertList, options)
  return {
    crlNumber,
    thisUpdate,
    nextUpdate,
    note: encodeCrlNote(note),
    parts: certificateListParts(tbsCertList, signer.algorithm, signature),
  }
}
