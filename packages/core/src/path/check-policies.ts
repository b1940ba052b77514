import { isPkiError } from '@fleetcert/x509'
import type { Candidate } from './candidate.ts'
import type { Budget } from './limits.ts'
import { type Place, pathError } from './path-error.ts'
import { anyPolicy, type PolicyExtensions, readPolicyExtensions } from './policy-extensions.ts'
import { createPolicyGraph } from './policy-graph.ts'

/** Which certificate policies a path must hold: the policy inputs of RFC 5280 section 6.1.1. Without any, only what the certificates themselves demand binds. */
export interface PolicyOptions {
  /** Dotted OIDs of which one will do. Default: any. */
  readonly acceptable?: readonly string[]
  /** Whether the path must hold one of them. Default: where a CA of the path demands it. */
  readonly requireExplicit?: boolean
  /** Whether policy mappings are forbidden. Default false. */
  readonly inhibitMapping?: boolean
  /** Whether `anyPolicy` counts for nothing. Default false. */
  readonly inhibitAny?: boolean
}

/**
 * The policies under which a path is valid (RFC 5280 section 6.1 as RFC 9618 has mended it): the user-constrained policy set, dotted OIDs; `2.5.29.32.0` stands for any. The anchor's own say nothing.
 *
 * @throws PkiError `ERR_PKI_PATH_POLICY`, `ERR_PKI_PATH_LIMIT`
 */
export function checkPolicies(path: readonly Candidate[], options: PolicyOptions, budget: Budget): ReadonlySet<string> {
  const length = path.length - 1
  const graph = createPolicyGraph(budget)
  let explicitPolicy = options.requireExplicit === true ? 0 : length + 1
  let policyMapping = options.inhibitMapping === true ? 0 : length + 1
  let inhibitAny = options.inhibitAny === true ? 0 : length + 1

  for (let depth = length - 1; depth >= 0; depth--) {
    const candidate = path[depth]!
    const place = { certificate: candidate.certificate, depth }
    const found = policiesOf(candidate, place)
    if (found.policies === undefined) graph.clear()
    else graph.addPolicies(found.policies, inhibitAny > 0 || (depth > 0 && candidate.isSelfIssued))
    if (explicitPolicy <= 0 && graph.isNull) throw noPolicy(place, '6.1.3 (f)')
    if (depth > 0) {
      if (found.mappings !== undefined) {
        checkMappings(found.mappings, place)
        graph.map(found.mappings, policyMapping > 0)
      }
      if (!candidate.isSelfIssued) {
        explicitPolicy = Math.max(0, explicitPolicy - 1)
        policyMapping = Math.max(0, policyMapping - 1)
        inhibitAny = Math.max(0, inhibitAny - 1)
      }
      explicitPolicy = Math.min(explicitPolicy, found.requireExplicitPolicy ?? explicitPolicy)
      policyMapping = Math.min(policyMapping, found.inhibitPolicyMapping ?? policyMapping)
      inhibitAny = Math.min(inhibitAny, found.inhibitAnyPolicy ?? inhibitAny)
    } else {
      // 6.1.5 (a) and (b).
      explicitPolicy = found.requireExplicitPolicy === 0 ? 0 : Math.max(0, explicitPolicy - 1)
      const policies = userConstrained(graph.authorityConstrained(), options.acceptable)
      if (explicitPolicy <= 0 && policies.size === 0) throw noPolicy(place, '6.1.5 (g)')
      return policies
    }
  }
  return new Set()
}

/** RFC 9618 section 5.6. */
function userConstrained(
  authority: ReadonlySet<string>,
  acceptable: readonly string[] | undefined,
): ReadonlySet<string> {
  if (acceptable === undefined || acceptable.includes(anyPolicy)) return authority
  if (authority.has(anyPolicy)) return new Set(acceptable)
  return new Set(acceptable.filter(policy => authority.has(policy)))
}

/** 6.1.4 (a): "verify that the special value anyPolicy does not appear as an issuerDomainPolicy or a subjectDomainPolicy". */
function checkMappings(mappings: NonNullable<PolicyExtensions['mappings']>, place: Place): void {
  const mapsAny = [...mappings].some(([policy, mapped]) => policy === anyPolicy || mapped.has(anyPolicy))
  if (!mapsAny) return
  const details = { rule: 'RFC 5280 section 6.1.4 (a)', reason: 'a mapping from or to anyPolicy' }
  throw pathError('ERR_PKI_PATH_POLICY', place, details)
}

function policiesOf(candidate: Candidate, place: Place): PolicyExtensions {
  try {
    return readPolicyExtensions(candidate)
  } catch (cause) {
    if (!isPkiError(cause)) throw cause
    const details = { rule: 'RFC 5280 section 4.2.1.4', reason: 'malformed policy extensions', cause }
    throw pathError('ERR_PKI_PATH_POLICY', place, details)
  }
}

function noPolicy(place: Place, paragraph: string): Error {
  const details = { rule: `RFC 5280 section ${paragraph}`, reason: 'no policy that all certificates of the chain hold' }
  return pathError('ERR_PKI_PATH_POLICY', place, details)
}
