import { extensionOids, isPkiError } from '@fleetcert/x509'
import { type Candidate, unknownCriticalExtension, whyNoCa } from './candidate.ts'
import { whyNotAllowed } from './check-names.ts'
import { constrainedNames } from './constrained-name.ts'
import { allowsPurpose, hasConsistentKeyUsage } from './key-purpose.ts'
import type { Budget } from './limits.ts'
import { type NameConstraints, parseNameConstraints } from './name-constraints.ts'
import { type Place, pathError } from './path-error.ts'

/** What {@link checkPath} holds a path against. */
export interface PathRules {
  readonly at: Date
  /** Dotted; `undefined` asks nothing. */
  readonly purposeOid: string | undefined
  readonly budget: Budget
}

/**
 * RFC 5280 section 6.1 without signatures and name chaining, which building the path has proved, without policies and without revocation. `path` has the target first and the trust anchor last.
 * The anchor's own fields bind as RFC 5937 wants it: its validity, its constraints, and that it is a CA, save where it is too old to say so.
 *
 * @throws PkiError of the first rule that is broken, from the anchor downwards
 */
export function checkPath(path: readonly Candidate[], rules: PathRules): void {
  const constraints: NameConstraints[] = []
  let maxPathLength = Number.POSITIVE_INFINITY
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const candidate = path[depth]!
    const place = { certificate: candidate.certificate, depth }
    const isAnchor = depth === path.length - 1
    checkValidity(place, rules.at)
    checkCriticalExtensions(place)
    if (!isAnchor && (depth === 0 || !candidate.isSelfIssued)) checkNames(candidate, place, constraints, rules.budget)
    checkPurpose(place, rules.purposeOid)
    if (depth === 0) continue
    checkIsCa(place, isAnchor)
    // 6.1.4 (l): "If the certificate was not self-issued, verify that max_path_length is greater than zero and decrement".
    if (!isAnchor && !candidate.isSelfIssued && maxPathLength-- <= 0) {
      throw pathError('ERR_PKI_PATH_LENGTH', place, { rule: 'RFC 5280 section 6.1.4 (l)', reason: 'a CA too many' })
    }
    // (m)
    maxPathLength = Math.min(maxPathLength, candidate.certificate.basicConstraints?.pathLength ?? maxPathLength)
    const own = nameConstraintsOf(candidate, place)
    if (own !== undefined) constraints.push(own)
  }
}

function checkValidity(place: Place, at: Date): void {
  const { notBefore, notAfter } = place.certificate
  const rule = 'RFC 5280 section 6.1.3 (a) (2)'
  if (at < notBefore) {
    throw pathError('ERR_PKI_PATH_NOT_YET_VALID', place, { rule, reason: `notBefore is ${notBefore.toISOString()}` })
  }
  // A certificate is valid through the second that notAfter names.
  if (at.getTime() >= notAfter.getTime() + 1000) {
    throw pathError('ERR_PKI_PATH_EXPIRED', place, { rule, reason: `notAfter is ${notAfter.toISOString()}` })
  }
}

function checkCriticalExtensions(place: Place): void {
  const oid = unknownCriticalExtension(place.certificate)
  if (oid === undefined) return
  const rule = place.depth === 0 ? 'RFC 5280 section 6.1.5 (f)' : 'RFC 5280 section 6.1.4 (o)'
  throw pathError('ERR_PKI_PATH_EXTENSION', place, { rule, reason: `critical extension ${oid}` })
}

function checkNames(candidate: Candidate, place: Place, constraints: readonly NameConstraints[], budget: Budget): void {
  if (constraints.length === 0) return
  for (const name of constrainedNames(candidate, place.depth === 0)) {
    for (const each of constraints) {
      const reason = whyNotAllowed(name, each, budget)
      if (reason !== undefined) {
        throw pathError('ERR_PKI_PATH_NAME_CONSTRAINTS', place, { rule: 'RFC 5280 section 6.1.3 (b) and (c)', reason })
      }
    }
  }
}

function checkPurpose(place: Place, oid: string | undefined): void {
  if (oid === undefined) return
  const rule = 'RFC 5280 section 4.2.1.12'
  if (!allowsPurpose(place.certificate, oid)) {
    throw pathError('ERR_PKI_PATH_PURPOSE', place, { rule, reason: `extendedKeyUsage without ${oid}` })
  }
  if (place.depth === 0 && !hasConsistentKeyUsage(place.certificate, oid)) {
    throw pathError('ERR_PKI_PATH_KEY_USAGE', place, { rule, reason: `keyUsage does not go with ${oid}` })
  }
}

function checkIsCa(place: Place, isAnchor: boolean): void {
  // Roots from before version 3 say nothing of what they are; the caller has said it by making one a trust anchor.
  if (isAnchor && place.certificate.extensions.length === 0) return
  const whyNot = whyNoCa(place.certificate)
  if (whyNot !== undefined) throw pathError(whyNot.code, place, whyNot)
}

function nameConstraintsOf(candidate: Candidate, place: Place): NameConstraints | undefined {
  const value = candidate.extension(extensionOids.nameConstraints)
  if (value === undefined) return undefined
  try {
    return parseNameConstraints(value)
  } catch (cause) {
    if (!isPkiError(cause)) throw cause
    // Critical or not: "the application MUST either process the constraint or reject the certificate" (RFC 5280 section 4.2.1.10).
    const details = { rule: 'RFC 5280 section 4.2.1.10', reason: 'nameConstraints that cannot be applied', cause }
    throw pathError('ERR_PKI_PATH_NAME_CONSTRAINTS', place, details)
  }
}
