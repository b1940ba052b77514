import {
  type BasicOcspResponse,
  type Certificate,
  type CertificateRevocationList,
  type IoOptions,
  isPkiError,
  type PkiError,
} from '@fleetcert/x509'
import { type Candidate, toCandidate } from './candidate.ts'
import { type CertificateInput, type CertificatePool, createPool, readAnchors, readPool } from './certificate-pool.ts'
import { checkPath } from './check-path.ts'
import { checkPolicies, type PolicyOptions } from './check-policies.ts'
import {
  checkRevocation,
  type RevocationCheck,
  type RevocationContext,
  type RevocationMode,
} from './check-revocation.ts'
import type { Fetcher } from './create-fetcher.ts'
import { type CrlEvidence, toCrlEvidence } from './crl-evidence.ts'
import { createEvidenceFetcher } from './fetch-evidence.ts'
import { findPath } from './find-path.ts'
import { type PathPurpose, purposeOid } from './key-purpose.ts'
import { type Budget, createBudget, type PathLimits, type PathWork } from './limits.ts'
import { readOcspResponse } from './ocsp-status.ts'
import { pathError } from './path-error.ts'
import { verificationKey } from './path-signature.ts'
import { createSignatureChecker, type SignatureChecker } from './signature-checker.ts'

/** What {@link verifyPath} is asked. */
export interface VerifyPathOptions {
  /** The certificate to verify. PEM may hold one certificate only. */
  readonly certificate: CertificateInput
  /** Certificates that may lie between: the chain that a peer sent, in any order, with anything else in it. One that cannot be read is passed over. */
  readonly chain?: CertificateInput | readonly CertificateInput[]
  /** Whom to believe. Their own validity, constraints and key usage bind. */
  readonly trustAnchors: CertificateInput | readonly CertificateInput[]
  /** The moment to judge by. */
  readonly at: Date
  /** What the certificate is to be used for; binds the CAs of the path too, where they have an extendedKeyUsage. */
  readonly purpose: PathPurpose
  /** What must be proved not to be revoked. There is no default: who does not want it says `off`. */
  readonly revocation: RevocationMode
  /** Complete and delta CRLs. One that cannot be read is an error. */
  readonly crls?: readonly (Uint8Array | string | CertificateRevocationList)[]
  /** OCSP responses. One that cannot be read is an error; one that only says why there is no answer counts as none. */
  readonly ocspResponses?: readonly (Uint8Array | BasicOcspResponse)[]
  /**
   * For CRLs of certificates about which nothing was given, and for issuers that are missing (`http` addresses in crlDistributionPoints and authorityInfoAccess). Default: nothing is ever fetched.
   * An address that the fetcher may ask counts as CRL given: `ifGiven` then fails when it does not answer.
   */
  readonly fetcher?: Fetcher
  /** Certificate policies to insist on. */
  readonly policies?: PolicyOptions
  /** How much work the call may do. */
  readonly limits?: PathLimits
}

/** A path that was proved. */
export interface VerifiedPath {
  /** The target first, each followed by its issuer, the trust anchor last. */
  readonly path: readonly Certificate[]
  /** The last of `path`. */
  readonly trustAnchor: Certificate
  /** The certificate policies that it holds (RFC 5280 section 6.1.6), dotted OIDs; `2.5.29.32.0` is any policy. Empty: none. */
  readonly policies: readonly string[]
  /** What is known of each but the anchor, the target first; empty with `revocation: 'off'`. */
  readonly revocation: readonly RevocationCheck[]
  /** What it took. */
  readonly work: PathWork
}

/**
 * Proves that `certificate` chains to one of `trustAnchors` and may be used for `purpose` at the moment `at` (RFC 5280 section 6), or rejects with the reason.
 *
 * Issuers are looked for in `chain`, by name, key identifiers only telling which to try first; of several paths the first that holds is taken. Held against it are: signatures (RSA from 2048 bits with PKCS #1 or PSS,
 * ECDSA on NIST and Brainpool curves, EdDSA, ML-DSA where Node has it; never SHA-1), validity, names, basicConstraints, path lengths, keyUsage, extendedKeyUsage, name constraints, certificate policies, critical extensions, and revocation.
 *
 * Nothing is fetched: addresses in a stranger's certificate are his. Every kind of work has a limit.
 *
 * @throws PkiError `ERR_PKI_PATH_NOT_FOUND`, `ERR_PKI_PATH_SELF_SIGNED`, `ERR_PKI_PATH_SIGNATURE`, `ERR_PKI_PATH_ALGORITHM`, `ERR_PKI_PATH_NOT_YET_VALID`, `ERR_PKI_PATH_EXPIRED`, `ERR_PKI_PATH_NOT_A_CA`,
 * `ERR_PKI_PATH_LENGTH`, `ERR_PKI_PATH_KEY_USAGE`, `ERR_PKI_PATH_PURPOSE`, `ERR_PKI_PATH_NAME_CONSTRAINTS`, `ERR_PKI_PATH_EXTENSION`, `ERR_PKI_PATH_POLICY`, `ERR_PKI_PATH_REVOKED`,
 * `ERR_PKI_PATH_REVOCATION_UNKNOWN`, `ERR_PKI_PATH_LIMIT`; and what the readers throw for a target, an anchor or a CRL that cannot be read.
 *
 * @example
 * ```ts
 * import { verifyPath } from '@fleetcert/core'
 *
 * const { trustAnchor } = await verifyPath({
 *   certificate: deviceCertificate,
 *   chain: whatThePeerSent,
 *   trustAnchors: manufacturerRoots,
 *   at: new Date(),
 *   purpose: 'clientAuth',
 *   revocation: 'checkAll',
 *   crls: [issuingCrl, rootCrl],
 * })
 * ```
 */
export async function verifyPath(options: VerifyPathOptions, io: IoOptions = {}): Promise<VerifiedPath> {
  assertOptions(options)
  const { at, revocation: mode } = options
  const budget = createBudget(options.limits)
  const oid = purposeOid(options.purpose)
  const target = toCandidate(options.certificate)
  const anchors = createPool(readAnchors(options.trustAnchors))
  const candidates = readPool(options.chain ?? [], budget)
  const signatures = createSignatureChecker(budget)
  const evidence = options.fetcher === undefined ? undefined : createEvidenceFetcher(options.fetcher, budget)
  const crls = readCrls(options.crls ?? [], budget)
  const ocspResponses = readOcspResponses(options.ocspResponses ?? [], budget)

  for (;;) {
    // Without a fetcher, nothing is spent on certificates from which no chain of names leads to an anchor.
    const pool = createPool(candidates, evidence === undefined ? anchors : undefined)
    const context: RevocationContext = {
      ...{ mode, at, pool, signatures, budget, crls, ocspResponses },
      ...(evidence === undefined
        ? {}
        : { fetchCrls: (certificate, signal) => evidence.crls(certificate, crls, signal) }),
    }
    let verified: Pick<VerifiedPath, 'policies' | 'revocation'> | undefined
    const judge = async (path: readonly Candidate[]): Promise<void> => {
      checkPath(path, { at, purposeOid: oid, budget })
      checkTargetKey(target)
      const policies = checkPolicies(path, options.policies ?? {}, budget)
      verified = { policies: [...policies], revocation: await checkRevocation(path, context, io) }
    }
    const deadEnds: Candidate[] = []
    const onDeadEnd = (candidate: Candidate): unknown => deadEnds.push(candidate)
    try {
      const path = await findPath(target, { anchors, pool, signatures, budget, at, judge, onDeadEnd }, io)
      const certificates = path.map(({ certificate }) => certificate)
      return { path: certificates, trustAnchor: certificates.at(-1)!, ...verified!, work: { ...budget.work } }
    } catch (error) {
      if (!isPkiError(error) || isPkiError(error, 'ERR_PKI_PATH_LIMIT')) throw error
      const fetched: Candidate[] = []
      for (const deadEnd of deadEnds) fetched.push(...((await evidence?.issuers(deadEnd, io)) ?? []))
      if (fetched.length === 0) {
        if (isNoPath(error)) await throwIfSelfSigned(target, anchors, signatures)
        throw error
      }
      candidates.push(...fetched)
    }
  }
}

function isNoPath(error: PkiError): boolean {
  return error.code === 'ERR_PKI_PATH_NOT_FOUND' || error.code === 'ERR_PKI_PATH_SIGNATURE'
}

/** The keys of the CAs were judged when they verified; a path to a key that anybody can break is worth nothing either. */
function checkTargetKey({ certificate }: Candidate): void {
  const key = verificationKey(certificate.subjectPublicKeyInfo)
  if (!('refused' in key)) return
  const details = { rule: 'RFC 5280 section 6.1.5 (c)', reason: key.refused }
  throw pathError('ERR_PKI_PATH_ALGORITHM', { certificate, depth: 0 }, details)
}

/** A signature by its own key is what tells it from a certificate whose issuer is missing. */
async function throwIfSelfSigned(
  target: Candidate,
  anchors: CertificatePool,
  signatures: SignatureChecker,
): Promise<void> {
  if (!target.isSelfIssued || (await signatures.checkCertificate(target, target)) !== 'right') return
  const reason = anchors.has(target)
    ? 'it is itself one of the trust anchors, which prove nothing of themselves'
    : 'no trust anchor issued it'
  throw pathError(
    'ERR_PKI_PATH_SELF_SIGNED',
    { certificate: target.certificate, depth: 0 },
    { rule: 'RFC 5280 section 6.1', reason },
  )
}

function readCrls(inputs: NonNullable<VerifyPathOptions['crls']>, budget: Budget): CrlEvidence[] {
  return inputs.map(input => {
    budget.spend('revocationData')
    budget.spend(
      'revocationBytes',
      typeof input === 'string' || input instanceof Uint8Array ? input.length : input.der.length,
    )
    return toCrlEvidence(input)
  })
}

function readOcspResponses(
  inputs: NonNullable<VerifyPathOptions['ocspResponses']>,
  budget: Budget,
): BasicOcspResponse[] {
  return inputs.flatMap(input => {
    budget.spend('revocationData')
    budget.spend('revocationBytes', input instanceof Uint8Array ? input.length : input.der.length)
    return readOcspResponse(input) ?? []
  })
}

const modes: ReadonlySet<unknown> = new Set<RevocationMode>(['checkAll', 'checkEndEntity', 'ifGiven', 'off'])

function assertOptions({ at, revocation, crls = [], ocspResponses = [] }: VerifyPathOptions): void {
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw new TypeError('"at" must be a valid Date')
  if (!modes.has(revocation)) throw new TypeError('"revocation" must be checkAll, checkEndEntity, ifGiven or off')
  // A single one would be taken for a list of numbers or letters.
  for (const [label, list] of Object.entries({ crls, ocspResponses })) {
    if (!Array.isArray(list)) throw new TypeError(`"${label}" must be an array`)
  }
  if (revocation === 'off' && crls.length + ocspResponses.length > 0) {
    throw new TypeError('"crls" and "ocspResponses" must be absent when "revocation" is off')
  }
}
