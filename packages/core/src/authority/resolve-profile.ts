import { extendedKeyUsageOids, type KeyUsageBit, PkiError } from '@fleetcert/x509'
import { objectIdentifier } from '@fleetcert/x509/der'
import type { CertificateProfile, ServerOptions, ServiceProfile } from './certificate-profile.ts'
import { type KeyKind, type KeyRules, keyKinds } from './key-policy.ts'
import { builtInProfiles, type ResolvedProfile } from './profile.ts'
import { subjectOf } from './subject-attributes.ts'

type Changes = CertificateProfile | ServiceProfile | (ServerOptions & { readonly kind?: never })

const members = [
  'kind',
  'validitySeconds',
  'endless',
  'backdateSeconds',
  'subject',
  'keys',
  'rsaMinimumBits',
  'keyUsage',
  'extendedKeyUsage',
  'clientAuth',
] as const
type Member = (typeof members)[number]

const day = 86_400
const longestSeconds = 100 * 366 * day
const { anyExtendedKeyUsage, clientAuth, ocspSigning, timeStamping } = extendedKeyUsageOids
const neverInProfiles: readonly string[] = [anyExtendedKeyUsage, ocspSigning, timeStamping]

/**
 * `base` with the changes of an operator. What the types forbid is checked again: profiles come from JSON files too.
 *
 * @throws PkiError `ERR_PKI_PROFILE`; `ERR_PKI_NAME` for subject attributes
 */
export function resolveProfile(
  name: string,
  base: 'root' | 'issuingCa' | 'device' | 'service' | 'server' | 'ocspResponder',
  changes: Changes = {},
  organization?: string,
): ResolvedProfile {
  const refuse = (reason: string): PkiError => new PkiError('ERR_PKI_PROFILE', { reason: `${name}: ${reason}` })
  const given = ownMembers(changes, refuse)
  const { keyUsage, extendedKeyUsage, role, validitySeconds, backdateSeconds } = builtInProfiles[base]
  if (given.kind !== undefined && given.kind !== (base === 'server' ? 'server' : 'device')) {
    throw refuse(`kind must be ${base === 'server' ? 'server' : 'device'}`)
  }
  for (const member of ['endless', 'extendedKeyUsage'] as const) {
    if (given[member] !== undefined && base !== 'device') throw refuse(`${member} is for devices alone`)
  }
  if (given.clientAuth !== undefined && base !== 'server') throw refuse('clientAuth is for servers alone')
  if (given.endless !== undefined && given.endless !== true) throw refuse('endless must be true or absent')
  if (given.endless !== undefined && given.validitySeconds !== undefined) {
    throw refuse('endless and validitySeconds exclude each other')
  }
  const keyRules = keyRulesOf(given, refuse)
  return Object.freeze({
    ...builtInProfiles[base],
    name,
    role,
    validitySeconds: wholeNumber(given, 'validitySeconds', 60, longestSeconds, refuse) ?? validitySeconds,
    ...(given.endless === undefined ? {} : { endless: true as const }),
    backdateSeconds: wholeNumber(given, 'backdateSeconds', 0, day, refuse) ?? backdateSeconds,
    keyUsage: [...keyUsage, ...addedKeyUsage(given, keyRules, refuse)],
    extendedKeyUsage: [...extendedKeyUsage, ...addedPurposes(given, extendedKeyUsage, refuse)],
    subject: subjectOf(given.subject, organization),
    keyRules,
  })
}

type Given = Partial<Record<Member, unknown>>
type Refuse = (reason: string) => PkiError

function ownMembers(changes: unknown, refuse: Refuse): Given {
  if (typeof changes !== 'object' || changes === null) throw refuse('expected an object')
  for (const key of Object.keys(changes)) {
    // A misspelt `validitySeconds` must not be a certificate for a year.
    if (!members.some(member => member === key)) throw refuse('a member that profiles do not have')
  }
  return changes
}

function wholeNumber(given: Given, member: Member, least: number, most: number, refuse: Refuse): number | undefined {
  const value = given[member]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw refuse(`${member} must be a whole number from ${least} to ${most}`)
  }
  return value
}

function list(given: Given, member: Member, refuse: Refuse): readonly string[] | undefined {
  const value = given[member]
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string')) {
    throw refuse(`${member} must be a list of strings`)
  }
  return [...new Set<string>(value)]
}

function keyRulesOf(given: Given, refuse: Refuse): KeyRules {
  const keys = list(given, 'keys', refuse) ?? keyKinds
  if (keys.length === 0 || !keys.every(isKeyKind)) throw refuse('keys must name kinds of keys')
  const rsaMinimumBits = wholeNumber(given, 'rsaMinimumBits', 2048, 4096, refuse)
  if (rsaMinimumBits !== undefined && !keys.includes('RSA')) throw refuse('rsaMinimumBits without RSA keys')
  return { keys, rsaMinimumBits: rsaMinimumBits ?? 2048 }
}

function isKeyKind(kind: string): kind is KeyKind {
  return keyKinds.some(known => known === kind)
}

function addedKeyUsage(given: Given, { keys }: KeyRules, refuse: Refuse): KeyUsageBit[] {
  return (list(given, 'keyUsage', refuse) ?? []).map(bit => {
    switch (bit) {
      case 'nonRepudiation':
        return bit
      case 'keyAgreement':
        // RFC 8813 section 3 and RFC 9295: an Ed25519 key signs, an RSA key enciphers, neither agrees.
        if (keys.every(kind => kind === 'P-256' || kind === 'P-384')) return bit
        throw refuse('keyAgreement needs keys to be P-256 and P-384 alone')
      case 'keyEncipherment':
        if (keys.every(kind => kind === 'RSA')) return bit
        throw refuse('keyEncipherment needs keys to be RSA alone')
      default:
        throw refuse('keyUsage may add nonRepudiation, keyAgreement and keyEncipherment')
    }
  })
}

function addedPurposes(given: Given, own: readonly string[], refuse: Refuse): readonly string[] {
  if (given.clientAuth !== undefined && typeof given.clientAuth !== 'boolean') {
    throw refuse('clientAuth must be true or false')
  }
  const purposes = [
    ...(list(given, 'extendedKeyUsage', refuse) ?? []),
    ...(given.clientAuth === true ? [clientAuth] : []),
  ]
  for (const purpose of purposes) {
    if (!isObjectIdentifier(purpose)) throw refuse('extendedKeyUsage must be dotted OIDs')
    if (neverInProfiles.includes(purpose)) {
      throw refuse('extendedKeyUsage never holds anyExtendedKeyUsage, OCSPSigning or timeStamping')
    }
  }
  return purposes.filter(purpose => !own.includes(purpose))
}

function isObjectIdentifier(text: string): boolean {
  try {
    objectIdentifier(text)
    return true
  } catch {
    return false
  }
}
