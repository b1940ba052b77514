import { extensionOids } from '@fleetcert/x509'
import { contextTag, createDerReader, derTag } from '@fleetcert/x509/der'
import type { Candidate } from './candidate.ts'

export const anyPolicy = '2.5.29.32.0'

/** What a certificate says of policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14). */
export interface PolicyExtensions {
  /** Dotted OIDs; absent without the extension. Qualifiers are not interpreted. */
  readonly policies?: ReadonlySet<string>
  /** From the policies of the issuer's domain to those of the subject's. */
  readonly mappings?: ReadonlyMap<string, ReadonlySet<string>>
  readonly requireExplicitPolicy?: number
  readonly inhibitPolicyMapping?: number
  readonly inhibitAnyPolicy?: number
}

/**
 * @throws PkiError `ERR_PKI_DER`
 */
export function readPolicyExtensions(candidate: Candidate): PolicyExtensions {
  const found: { -readonly [Name in keyof PolicyExtensions]: PolicyExtensions[Name] } = {}
  const policies = candidate.extension(extensionOids.certificatePolicies)
  if (policies !== undefined) found.policies = readPolicies(policies)
  const mappings = candidate.extension(extensionOids.policyMappings)
  if (mappings !== undefined) found.mappings = readMappings(mappings)
  const inhibit = candidate.extension(extensionOids.inhibitAnyPolicy)
  if (inhibit !== undefined) {
    const reader = createDerReader(inhibit)
    found.inhibitAnyPolicy = reader.smallInteger()
    reader.finish()
  }
  const constraints = candidate.extension(extensionOids.policyConstraints)
  return constraints === undefined ? found : { ...found, ...readConstraints(constraints) }
}

function readPolicies(value: Uint8Array): ReadonlySet<string> {
  const reader = createDerReader(value)
  const policies = new Set<string>()
  reader.enter(derTag.sequence)
  do {
    reader.enter(derTag.sequence)
    const oid = reader.objectIdentifier()
    if (!reader.atEnd) reader.element(derTag.sequence)
    reader.leave()
    // "A certificate policy OID MUST NOT appear more than once in a certificate policies extension."
    if (policies.has(oid)) throw reader.error('a policy twice')
    policies.add(oid)
  } while (!reader.atEnd)
  reader.leave()
  reader.finish()
  return policies
}

function readMappings(value: Uint8Array): ReadonlyMap<string, ReadonlySet<string>> {
  const reader = createDerReader(value)
  const mappings = new Map<string, Set<string>>()
  reader.enter(derTag.sequence)
  do {
    reader.enter(derTag.sequence)
    const issuerDomainPolicy = reader.objectIdentifier()
    const subjectDomainPolicy = reader.objectIdentifier()
    reader.leave()
    mappings.set(issuerDomainPolicy, (mappings.get(issuerDomainPolicy) ?? new Set()).add(subjectDomainPolicy))
  } while (!reader.atEnd)
  reader.leave()
  reader.finish()
  return mappings
}

function readConstraints(value: Uint8Array): Pick<PolicyExtensions, 'requireExplicitPolicy' | 'inhibitPolicyMapping'> {
  const reader = createDerReader(value)
  reader.enter(derTag.sequence)
  // "Conforming CAs MUST NOT issue certificates where policy constraints is an empty sequence."
  if (reader.atEnd) throw reader.error('empty policy constraints')
  const requireExplicitPolicy =
    reader.peekTag() === contextTag(0, false) ? reader.smallInteger(contextTag(0, false)) : undefined
  const inhibitPolicyMapping =
    reader.peekTag() === contextTag(1, false) ? reader.smallInteger(contextTag(1, false)) : undefined
  reader.leave()
  reader.finish()
  return {
    ...(requireExplicitPolicy === undefined ? {} : { requireExplicitPolicy }),
    ...(inhibitPolicyMapping === undefined ? {} : { inhibitPolicyMapping }),
  }
}
