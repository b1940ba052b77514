import type { CertificateRevocationList, CrlReason, RevokedCertificate } from '@fleetcert/x509'
import type { Candidate } from './candidate.ts'
import { pointsOf, reasonsFor } from './crl-coverage.ts'
import { type CrlEvidence, entryOf } from './crl-evidence.ts'
import { allReasons } from './distribution-points.ts'

/** What CRLs or OCSP answers say of a certificate. */
export type RevocationStatus =
  | { readonly status: 'good'; readonly thisUpdate: Date; readonly nextUpdate: Date }
  | { readonly status: 'revoked'; readonly reason: CrlReason; readonly revocationDate: Date }
  /** `isGiven`: something was given that should have told. */
  | { readonly status: 'unknown'; readonly isGiven: boolean; readonly reason: string }

/** Whose key signed a CRL, if it may; otherwise why not. */
export type SignerCheck = (
  evidence: CrlEvidence,
) => Promise<{ readonly signer: Candidate } | { readonly whyNot: string }>

/**
 * RFC 5280 section 6.3.3 over the CRLs at hand. Of each key the newest speaks, and what one of several keys lists is revoked: a CA that has changed its key may list with each what it signed with each.
 * A CRL that is too old proves nothing good, but what it lists stays revoked where nothing newer says otherwise.
 */
export async function crlStatus(
  certificate: Candidate,
  crls: readonly CrlEvidence[],
  { at, checkSigner }: { readonly at: Date; readonly checkSigner: SignerCheck },
): Promise<RevocationStatus> {
  const points = pointsOf(certificate)
  if (points === undefined) return { status: 'unknown', isGiven: true, reason: 'malformed crlDistributionPoints' }
  const own = crls.filter(({ issuer }) => issuer === certificate.issuer)
  const complete = own
    .filter(({ baseCrlNumber }) => baseCrlNumber === undefined)
    .sort((left, right) => right.crl.thisUpdate.getTime() - left.crl.thisUpdate.getTime())
  const deltas = own.filter(({ baseCrlNumber }) => baseCrlNumber !== undefined)
  const stale: { readonly evidence: CrlEvidence; readonly key: string; readonly covered: number }[] = []
  const good: KeyedEvidence[] = []
  const byKey = new Map<string, { readonly reasons: number; readonly newest: Date }>()
  let reasons = 0
  let isGiven = false
  let why = 'no CRL of the issuer'

  for (const evidence of complete) {
    const covered = reasonsFor(certificate, points, evidence.scope)
    if (covered === 0) {
      if (!isGiven) why = 'no CRL whose scope holds the certificate'
      continue
    }
    isGiven = true
    const signed = evidence.useless === undefined ? await checkSigner(evidence) : { whyNot: evidence.useless }
    if ('whyNot' in signed) {
      why = signed.whyNot
      continue
    }
    const { key } = signed.signer
    if (!isCurrent(evidence, at)) {
      why = 'a CRL that is not current'
      stale.push({ evidence, key, covered })
      continue
    }
    const known = byKey.get(key) ?? { reasons: 0, newest: evidence.crl.thisUpdate }
    if ((covered & ~known.reasons) === 0 && evidence.crl.thisUpdate < known.newest) continue
    const delta = await newestDelta({ evidence, key }, deltas, { at, checkSigner })
    const listed = listedIn(certificate, evidence, delta)
    if (listed !== undefined) return revoked(listed)
    byKey.set(key, { ...known, reasons: known.reasons | covered })
    reasons |= covered
    good.push({ evidence: delta ?? evidence, key })
  }
  for (const delta of deltas) {
    if (reasonsFor(certificate, points, delta.scope) === 0) continue
    isGiven = true
    if (delta.useless !== undefined || !isCurrent(delta, at)) continue
    const signed = await checkSigner(delta)
    if ('whyNot' in signed || isOutdatedBy({ evidence: delta, key: signed.signer.key }, good)) continue
    // Whether or not there is a complete CRL that it goes with: what it lists is revoked.
    const listed = entryOf(delta, certificate.certificate.serialNumber)
    if (listed !== undefined && listed.reason !== 'removeFromCRL') return revoked(listed)
  }
  for (const { evidence, key, covered } of stale) {
    // Something newer by its key speaks for all that it spoke for.
    if ((covered & ~(byKey.get(key)?.reasons ?? 0)) === 0) continue
    const listed = entryOf(evidence, certificate.certificate.serialNumber)
    if (listed !== undefined) return revoked(listed)
  }
  if (reasons === allReasons) {
    const [first] = good
      .map(({ evidence }) => evidence.crl)
      .sort((left, right) => Number(left.nextUpdate) - Number(right.nextUpdate))
    return { status: 'good', thisUpdate: first!.thisUpdate, nextUpdate: first!.nextUpdate! }
  }
  return { status: 'unknown', isGiven, reason: good.length > 0 ? 'CRLs of some reasons only' : why }
}

function isCurrent({ crl: { thisUpdate, nextUpdate } }: CrlEvidence, at: Date): boolean {
  // "Conforming CRL issuers MUST include the nextUpdate field in all CRLs" (section 5.1.2.5): without it, nobody knows how long it holds.
  return nextUpdate !== undefined && at >= thisUpdate && at <= nextUpdate
}

/** A CRL, and the key that signed it. */
interface KeyedEvidence {
  readonly evidence: CrlEvidence
  readonly key: string
}

/**
 * The newest delta CRL that goes with a complete one: 6.3.3 (c), and section 5.2.4 for which may be combined;
 * (h): "validate the signature on the delta CRL using the public key validated in step (f)", the complete one's.
 */
async function newestDelta(
  { evidence: { crl, scopeOctets }, key }: KeyedEvidence,
  deltas: readonly CrlEvidence[],
  { at, checkSigner }: { readonly at: Date; readonly checkSigner: SignerCheck },
): Promise<CrlEvidence | undefined> {
  let newest: CrlEvidence | undefined
  for (const delta of deltas) {
    const { crlNumber } = delta.crl
    if (delta.useless !== undefined || crl.crlNumber === undefined || crlNumber === undefined) continue
    if (crl.crlNumber < delta.baseCrlNumber! || crl.crlNumber > crlNumber) continue
    if (Buffer.compare(scopeOctets, delta.scopeOctets) !== 0) continue
    if (!haveSameKeyIdentifier(crl, delta.crl)) continue
    if (newest !== undefined && newest.crl.crlNumber! >= crlNumber) continue
    if (!isCurrent(delta, at)) continue
    const signed = await checkSigner(delta)
    if ('signer' in signed && signed.signer.key === key) newest = delta
  }
  return newest
}

/** Whether something newer was found good already. Numbers of CRLs by several keys of a CA have nothing to do with each other. */
function isOutdatedBy({ evidence, key }: KeyedEvidence, good: readonly KeyedEvidence[]): boolean {
  const number = evidence.crl.crlNumber ?? 0n
  return good.some(newer => newer.key === key && (newer.evidence.crl.crlNumber ?? 0n) > number)
}

function haveSameKeyIdentifier(left: CertificateRevocationList, right: CertificateRevocationList): boolean {
  return Buffer.compare(left.authorityKeyIdentifier ?? noOctets, right.authorityKeyIdentifier ?? noOctets) === 0
}

const noOctets = new Uint8Array(0)

function listedIn(
  { certificate }: Candidate,
  complete: CrlEvidence,
  delta: CrlEvidence | undefined,
): RevokedCertificate | undefined {
  const changed = delta === undefined ? undefined : entryOf(delta, certificate.serialNumber)
  // 6.3.3 (i) and (j): the delta CRL first. removeFromCRL takes the complete one's entry away.
  if (changed !== undefined) return changed.reason === 'removeFromCRL' ? undefined : changed
  return entryOf(complete, certificate.serialNumber)
}

function revoked({ reason = 'unspecified', revocationDate }: RevokedCertificate): RevocationStatus {
  return { status: 'revoked', reason, revocationDate }
}
