import { type BasicOcspResponse, type IoOptions, isPkiError } from '@fleetcert/x509'
import type { Candidate } from './candidate.ts'
import type { CertificatePool } from './certificate-pool.ts'
import { checkPath } from './check-path.ts'
import type { CrlEvidence } from './crl-evidence.ts'
import { crlStatus, type RevocationStatus, type SignerCheck } from './crl-status.ts'
import type { Budget } from './limits.ts'
import { ocspStatus } from './ocsp-status.ts'
import { pathError, revokedError } from './path-error.ts'
import type { SignatureChecker } from './signature-checker.ts'

/**
 * What must be proved not to be revoked. A revoked certificate is refused in all modes but `off`.
 *
 * - `checkAll`: every certificate but the trust anchor.
 * - `checkEndEntity`: the target; the CAs as with `ifGiven`.
 * - `ifGiven`: a certificate of whose issuer a CRL or OCSP answer was given whose scope holds it. If none was given, nothing is known, and that passes.
 * - `off`: nothing. CRLs and OCSP answers must not be given.
 */
export type RevocationMode = 'checkAll' | 'checkEndEntity' | 'ifGiven' | 'off'

/** What is known of one certificate of a path. `unchecked`: nothing, which the mode lets pass. */
export type RevocationCheck =
  | {
      /** 0 is the target. */
      readonly depth: number
      readonly status: 'good'
      /** What said so. */
      readonly by: 'crl' | 'ocsp'
      /** When that was made. */
      readonly thisUpdate: Date
      /** Until when this holds. */
      readonly nextUpdate: Date
    }
  | { readonly depth: number; readonly status: 'unchecked' }

/** What revocation is checked with. */
export interface RevocationContext {
  readonly mode: RevocationMode
  readonly at: Date
  readonly pool: CertificatePool
  readonly signatures: SignatureChecker
  readonly budget: Budget
  readonly crls: readonly CrlEvidence[]
  readonly ocspResponses: readonly BasicOcspResponse[]
  /** Fetches CRLs of a certificate; resolves whether there was an address to fetch from. Afterwards `crls` holds what came. */
  fetchCrls?(certificate: Candidate, options: IoOptions): Promise<boolean>
}

/**
 * The status of each certificate of a path but the anchor, from the anchor downwards.
 *
 * @throws PkiError `ERR_PKI_PATH_REVOKED`, `ERR_PKI_PATH_REVOCATION_UNKNOWN`, `ERR_PKI_PATH_LIMIT`
 */
export async function checkRevocation(
  path: readonly Candidate[],
  context: RevocationContext,
  options: IoOptions,
  underWay: ReadonlySet<Candidate> = new Set(),
): Promise<RevocationCheck[]> {
  const checks: RevocationCheck[] = []
  if (context.mode === 'off') return checks
  for (let depth = path.length - 2; depth >= 0; depth--) {
    options.signal?.throwIfAborted()
    const candidate = path[depth]!
    const place = { certificate: candidate.certificate, depth }
    const known = await statusOf(candidate, path.slice(depth + 1), context, options, underWay)
    if (known.status === 'revoked') {
      const { reason, revocationDate } = known
      throw revokedError(place, { rule: 'RFC 5280 section 6.1.3 (a) (3)', revocationReason: reason, revocationDate })
    }
    if (known.status === 'good') {
      const { by, thisUpdate, nextUpdate } = known
      checks.unshift({ depth, status: 'good', by, thisUpdate, nextUpdate })
      continue
    }
    const isRequired = context.mode === 'checkAll' || (context.mode === 'checkEndEntity' && depth === 0)
    if (isRequired || known.isGiven) {
      const details = { rule: 'RFC 5280 section 6.3.3', reason: known.reason }
      throw pathError('ERR_PKI_PATH_REVOCATION_UNKNOWN', place, details)
    }
    checks.unshift({ depth, status: 'unchecked' })
  }
  return checks
}

type KnownStatus =
  | (Extract<RevocationStatus, { status: 'good' }> & { readonly by: 'crl' | 'ocsp' })
  | Exclude<RevocationStatus, { status: 'good' }>

/** Both kinds of evidence are asked: what one of them says is revoked stays out, whatever the other says. */
async function statusOf(
  candidate: Candidate,
  above: readonly Candidate[],
  context: RevocationContext,
  options: IoOptions,
  underWay: ReadonlySet<Candidate>,
): Promise<KnownStatus> {
  const byOcsp = ocspStatus(candidate, above[0]!, context.ocspResponses, context)
  if (byOcsp.status === 'revoked') return byOcsp
  const { at } = context
  const checkSigner = (evidence: CrlEvidence) => signerOf(evidence, above, context, options, underWay)
  let byCrl = await crlStatus(candidate, context.crls, { at, checkSigner })
  if (byCrl.status === 'unknown' && byOcsp.status === 'unknown' && context.fetchCrls !== undefined) {
    // An address that may be asked counts as given: silence from it proves nothing.
    const isAsked = await context.fetchCrls(candidate, options)
    byCrl = await crlStatus(candidate, context.crls, { at, checkSigner })
    if (byCrl.status === 'unknown' && isAsked) byCrl = { ...byCrl, isGiven: true }
  }
  if (byCrl.status === 'revoked') return byCrl
  if (byOcsp.status === 'good') return { ...byOcsp, by: 'ocsp' }
  if (byCrl.status === 'good') return { ...byCrl, by: 'crl' }
  return !byCrl.isGiven && byOcsp.isGiven ? byOcsp : byCrl
}

/**
 * 6.3.3 (f): "Obtain and validate the certification path for the issuer of the complete CRL. The trust anchor for the certification path MUST be the same as the trust anchor used to validate
 * the target certificate. If a key usage extension is present in the CRL issuer's certificate, verify that the cRLSign bit is set." The certificate's own issuer first, whose path is proved;
 * then others of the same name, which must have the bit. `above`: the issuer's path, the anchor last.
 */
async function signerOf(
  evidence: CrlEvidence,
  above: readonly Candidate[],
  context: RevocationContext,
  options: IoOptions,
  underWay: ReadonlySet<Candidate>,
): ReturnType<SignerCheck> {
  const issuer = above[0]!
  const others = [
    ...above.slice(1).filter(({ subject }) => subject === evidence.issuer),
    ...context.pool.named(evidence.issuer),
  ]
  let whyNot = 'a CRL that is not signed by its issuer'
  for (const signer of [issuer, ...others.filter(({ key }) => key !== issuer.key)]) {
    const verdict = await context.signatures.check(evidence.crl, evidence.signed, signer)
    if (verdict !== 'right') {
      if (verdict !== 'wrong') whyNot = `a CRL with ${verdict.refused}`
      continue
    }
    const { keyUsage } = signer.certificate
    if (keyUsage === undefined ? signer !== issuer : !keyUsage.includes('cRLSign')) {
      whyNot = 'a CRL signed with a key that may not sign CRLs'
      continue
    }
    if (above.includes(signer) || (await isCertifiedFrom(above, signer, context, options, underWay))) return { signer }
    whyNot = 'a CRL whose signer the path of the certificate does not vouch for'
  }
  return { whyNot }
}

/**
 * Whether a CA of the path certifies the CRL's signer. RFC 5280 asks for no more than the same anchor; but then any CA below it could certify itself under another CA's name and call that one's certificates good.
 */
async function isCertifiedFrom(
  above: readonly Candidate[],
  signer: Candidate,
  context: RevocationContext,
  options: IoOptions,
  underWay: ReadonlySet<Candidate>,
): Promise<boolean> {
  // A CRL cannot vouch for the key that signed it.
  if (underWay.has(signer)) return false
  const { signatures, budget, at } = context
  for (const [index, issuer] of above.entries()) {
    if (issuer.subject !== signer.issuer) continue
    // Signers whose own status hangs on each other's CRLs could otherwise be gone through in every order.
    budget.spend('steps')
    if ((await signatures.checkCertificate(signer, issuer)) !== 'right') continue
    const path = [signer, ...above.slice(index)]
    try {
      checkPath(path, { at, purposeOid: undefined, budget })
      await checkRevocation(path, context, options, new Set([...underWay, signer]))
      return true
    } catch (error) {
      if (!isPkiError(error) || isPkiError(error, 'ERR_PKI_PATH_LIMIT')) throw error
    }
  }
  return false
}
