import { type IoOptions, isPkiError, type PkiError } from '@fleetcert/x509'
import { type Candidate, whyNoCa } from './candidate.ts'
import type { CertificatePool } from './certificate-pool.ts'
import type { Budget } from './limits.ts'
import { pathError } from './path-error.ts'
import type { SignatureChecker } from './signature-checker.ts'

/** What {@link findPath} goes by. */
export interface PathSearch {
  readonly anchors: CertificatePool
  readonly pool: CertificatePool
  readonly signatures: SignatureChecker
  readonly budget: Budget
  readonly at: Date
  /** Judges a whole path, target first and anchor last. A PkiError refuses it, and another is tried. */
  judge(path: readonly Candidate[]): Promise<void>
  /** Told of certificates that have no issuer among those at hand. */
  onDeadEnd?(candidate: Candidate): unknown
}

/** How far a path came before it failed: the error of the one that came furthest is the one to show. */
const rank = { nothing: 0, signature: 1, certificate: 2, wholePath: 3, unknownRevocation: 4, revoked: 5 } as const

/**
 * The first path from `target` to a trust anchor that `judge` accepts: depth first, likeliest issuers first. Each signature is verified once, when its certificate joins a path.
 * Neither the target's own certificate nor the same name with the same key comes twice in a path (RFC 4158 section 5.2).
 *
 * @throws PkiError of the path that came furthest, or `ERR_PKI_PATH_LIMIT`
 */
export async function findPath(
  target: Candidate,
  search: PathSearch,
  options: IoOptions = {},
): Promise<readonly Candidate[]> {
  let best: { readonly error: PkiError; readonly rank: number } = {
    error: pathError('ERR_PKI_PATH_NOT_FOUND', placeOf([target]), {
      rule: 'RFC 5280 section 6.1',
      reason: 'no issuer among the certificates given',
    }),
    rank: rank.nothing,
  }
  const note = (error: PkiError, reached: number): void => {
    if (reached > best.rank) best = { error, rank: reached }
  }

  /** Whether `issuer` signed the last certificate of `path`. */
  const isSignedBy = async (path: readonly Candidate[], issuer: Candidate): Promise<boolean> => {
    const verdict = await search.signatures.checkCertificate(path.at(-1)!, issuer)
    if (verdict === 'right') return true
    const rule = 'RFC 5280 section 6.1.3 (a) (1)'
    if (verdict === 'wrong') {
      note(
        pathError('ERR_PKI_PATH_SIGNATURE', placeOf(path), { rule, reason: 'not signed by its issuer’s key' }),
        rank.signature,
      )
    } else {
      note(pathError('ERR_PKI_PATH_ALGORITHM', placeOf(path), { rule, reason: verdict.refused }), rank.certificate)
    }
    return false
  }

  const tryAnchor = async (
    path: readonly Candidate[],
    anchor: Candidate,
  ): Promise<readonly Candidate[] | undefined> => {
    search.budget.spend('steps')
    if (!(await isSignedBy(path, anchor))) return undefined
    const whole = [...path, anchor]
    try {
      await search.judge(whole)
      return whole
    } catch (error) {
      if (!isPkiError(error) || isPkiError(error, 'ERR_PKI_PATH_LIMIT')) throw error
      note(error, rankOf(error))
      return undefined
    }
  }

  const extend = async (path: readonly Candidate[]): Promise<readonly Candidate[] | undefined> => {
    options.signal?.throwIfAborted()
    const last = path.at(-1)!
    const anchors = search.anchors.issuersOf(last, search.at)
    for (const anchor of anchors) {
      // An anchor is trusted by itself, so the certificate that is one is no issuer of itself.
      if (Buffer.compare(anchor.certificate.der, last.certificate.der) === 0) continue
      const found = await tryAnchor(path, anchor)
      if (found !== undefined) return found
    }
    const issuers = search.pool.issuersOf(last, search.at).filter(issuer => !isOn(path, issuer))
    if (anchors.length === 0 && issuers.length === 0) search.onDeadEnd?.(last)
    for (const issuer of issuers) {
      search.budget.spend('steps')
      const longer = [...path, issuer]
      if (longer.length >= search.budget.pathLength) {
        const details = { rule: 'limits.pathLength', reason: `more than ${search.budget.pathLength} certificates` }
        note(pathError('ERR_PKI_PATH_LENGTH', placeOf(longer), details), rank.certificate)
        break
      }
      const whyNot = whyNoCa(issuer.certificate)
      if (whyNot !== undefined) {
        note(pathError(whyNot.code, placeOf(longer), whyNot), rank.certificate)
        continue
      }
      if (!(await isSignedBy(path, issuer))) continue
      const found = await extend(longer)
      if (found !== undefined) return found
    }
    return undefined
  }

  const found = await extend([target])
  if (found === undefined) throw best.error
  return found
}

function isOn(path: readonly Candidate[], candidate: Candidate): boolean {
  return path.some(({ subject, key }) => subject === candidate.subject && key === candidate.key)
}

function placeOf(path: readonly Candidate[]) {
  return { certificate: path.at(-1)!.certificate, depth: path.length - 1 }
}

function rankOf(error: PkiError): number {
  if (error.code === 'ERR_PKI_PATH_REVOKED') return rank.revoked
  return error.code === 'ERR_PKI_PATH_REVOCATION_UNKNOWN' ? rank.unknownRevocation : rank.wholePath
}
