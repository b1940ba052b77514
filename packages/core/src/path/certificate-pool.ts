import { type Certificate, decodePem, isPkiError } from '@fleetcert/x509'
import { type Candidate, toCandidate } from './candidate.ts'
import type { Budget } from './limits.ts'

/** A certificate as callers hand it over: DER, PEM text with one or more of them, or parsed. */
export type CertificateInput = Uint8Array | string | Certificate

/** Certificates by whose subject they are. */
export interface CertificatePool {
  /** Those whose subject is this name, the likeliest issuer of `subject` first. */
  issuersOf(subject: Candidate, at: Date): readonly Candidate[]
  named(name: string): readonly Candidate[]
  has(certificate: Candidate): boolean
}

/**
 * Trust anchors are the caller's own: one that cannot be read is an error.
 *
 * @throws PkiError as `parseCertificate`
 */
export function readAnchors(inputs: CertificateInput | readonly CertificateInput[]): Candidate[] {
  return Array.from(eachOf(inputs), toCandidate)
}

/** The others are anybody's: one that cannot be read is of no use, and does no harm either. */
export function readPool(inputs: CertificateInput | readonly CertificateInput[], budget: Budget): Candidate[] {
  const pool: Candidate[] = []
  for (const input of eachOf(inputs)) {
    budget.spend('certificates')
    budget.spend('certificateBytes', input instanceof Uint8Array ? input.length : input.der.length)
    try {
      pool.push(toCandidate(input))
    } catch (error) {
      if (!isPkiError(error)) throw error
    }
  }
  return pool
}

/** An index of `candidates`, each once. With `anchors`: only what a chain of names connects to one of them, so that nothing is spent on what leads nowhere. */
export function createPool(candidates: readonly Candidate[], anchors?: CertificatePool): CertificatePool {
  const unique = new Map(candidates.map(candidate => [octetsKey(candidate.certificate.der), candidate]))
  const kept = anchors === undefined ? [...unique.values()] : reachable([...unique.values()], anchors)
  const bySubject = groupBy(kept, ({ subject }) => subject)
  const known = new Set(kept.map(({ certificate }) => octetsKey(certificate.der)))
  return {
    issuersOf: (subject, at) => {
      const found = bySubject.get(subject.issuer) ?? []
      return found.length < 2
        ? found
        : [...found].sort((left, right) => likelihood(right, subject, at) - likelihood(left, subject, at))
    },
    named: name => bySubject.get(name) ?? [],
    has: ({ certificate }) => known.has(octetsKey(certificate.der)),
  }
}

/** Key identifiers only order: "the key identifier … is used to facilitate certification path construction" (RFC 5280 section 4.2.1.1), and CAs get them wrong. */
function likelihood(issuer: Candidate, { certificate: { authorityKeyIdentifier } }: Candidate, at: Date): number {
  const { subjectKeyIdentifier, notBefore, notAfter } = issuer.certificate
  let score = at >= notBefore && at <= notAfter ? 1 : 0
  if (authorityKeyIdentifier !== undefined && subjectKeyIdentifier !== undefined) {
    score += Buffer.compare(authorityKeyIdentifier, subjectKeyIdentifier) === 0 ? 4 : -4
  }
  if (!issuer.isSelfIssued) score += 0.5
  return score
}

/** From the anchors downwards; each certificate is looked at once. */
function reachable(candidates: readonly Candidate[], anchors: CertificatePool): Candidate[] {
  const byIssuer = groupBy(candidates, ({ issuer }) => issuer)
  const names = new Set([...byIssuer.keys()].filter(name => anchors.named(name).length > 0))
  const kept: Candidate[] = []
  for (const name of names) {
    for (const candidate of byIssuer.get(name) ?? []) {
      kept.push(candidate)
      names.add(candidate.subject)
    }
  }
  return kept
}

/** One after the other, so that what a limit refuses is not read. */
function* eachOf(inputs: CertificateInput | readonly CertificateInput[]): Generator<Uint8Array | Certificate> {
  const list = Array.isArray(inputs) ? (inputs as readonly CertificateInput[]) : [inputs as CertificateInput]
  for (const input of list) {
    if (typeof input !== 'string') yield input
    else for (const { der } of decodePem(input, 'CERTIFICATE')) yield der
  }
}

function groupBy(candidates: readonly Candidate[], keyOf: (candidate: Candidate) => string): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>()
  for (const candidate of candidates) {
    const key = keyOf(candidate)
    // Empty names chain with nothing: "The issuer field MUST contain a non-empty distinguished name" (RFC 5280 section 4.1.2.4).
    if (key === '') continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [candidate])
    else group.push(candidate)
  }
  return groups
}

function octetsKey(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1')
}
