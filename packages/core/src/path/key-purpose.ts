import { type Certificate, extendedKeyUsageOids, type KeyUsageBit } from '@fleetcert/x509'
import { objectIdentifier } from '@fleetcert/x509/der'

/** What the certificate is to be used for: a name of RFC 5280 section 4.2.1.12, a dotted OID, or `any`, which asks nothing. */
export type PathPurpose =
  | 'clientAuth'
  | 'serverAuth'
  | 'codeSigning'
  | 'emailProtection'
  | 'timeStamping'
  | 'any'
  | `${number}.${string}`

/** Bits of which one at least must be set where there is a keyUsage, "consistent" with the purpose (RFC 5280 section 4.2.1.12). */
const consistentBits: Readonly<Partial<Record<string, readonly KeyUsageBit[]>>> = {
  [extendedKeyUsageOids.serverAuth]: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
  [extendedKeyUsageOids.clientAuth]: ['digitalSignature', 'keyAgreement'],
  [extendedKeyUsageOids.codeSigning]: ['digitalSignature'],
  [extendedKeyUsageOids.emailProtection]: ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement'],
  [extendedKeyUsageOids.timeStamping]: ['digitalSignature', 'nonRepudiation'],
}

/** The OID of a purpose; `undefined` for `any`. */
export function purposeOid(purpose: PathPurpose): string | undefined {
  if (purpose === 'any') return undefined
  if (Object.hasOwn(extendedKeyUsageOids, purpose)) {
    return extendedKeyUsageOids[purpose as keyof typeof extendedKeyUsageOids]
  }
  try {
    objectIdentifier(purpose)
    return purpose
  } catch {
    throw new TypeError('"purpose" must be clientAuth, serverAuth, another name of a key purpose, a dotted OID, or any')
  }
}

/**
 * Whether extendedKeyUsage allows the purpose: none allows all, and `anyExtendedKeyUsage` too. In a CA's certificate it binds what the CA issues, as every TLS library has it,
 * though RFC 5280 says nothing of that.
 */
export function allowsPurpose({ extendedKeyUsage }: Certificate, oid: string): boolean {
  return (
    extendedKeyUsage === undefined ||
    extendedKeyUsage.includes(oid) ||
    extendedKeyUsage.includes(extendedKeyUsageOids.anyExtendedKeyUsage)
  )
}

/** "the certificate MUST only be used for a purpose consistent with both extensions" (RFC 5280 section 4.2.1.12). */
export function hasConsistentKeyUsage({ keyUsage }: Certificate, oid: string): boolean {
  const bits = consistentBits[oid]
  return keyUsage === undefined || bits === undefined || bits.some(bit => keyUsage.includes(bit))
}
