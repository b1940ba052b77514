import { type DistinguishedName, extendedKeyUsageOids, type KeyUsageBit } from '@fleetcert/x509'
import type { CertificateRole } from '../store/store.ts'
import { type KeyRules, keyKinds } from './key-policy.ts'

/** A profile with nothing left open. */
export interface ResolvedProfile {
  readonly name: string
  readonly role: CertificateRole
  readonly validitySeconds: number
  /** notAfter is 99991231235959Z, whatever `validitySeconds` says. */
  readonly endless?: true
  readonly backdateSeconds: number
  readonly basicConstraints?: { readonly cA: true; readonly pathLength?: number }
  /** NameConstraints, whole Extension. */
  readonly nameConstraints?: Uint8Array
  readonly keyUsage: readonly KeyUsageBit[]
  /** OIDs; CAs carry none (Erlang/OTP 26 and later refuse a chain whose CA has an EKU without clientAuth). */
  readonly extendedKeyUsage: readonly string[]
  /** Writes id-pkix-ocsp-nocheck, and no URLs (RFC 6960 section 4.2.2.2.1). */
  readonly ocspNoCheck?: true
  /** What the subject holds beside the common name. */
  readonly subject: DistinguishedName
  readonly keyRules: KeyRules
}

const day = 86_400
const year = 365 * day

/** Names of the profiles that every fleet has. */
export type ProfileName = 'root' | 'issuingCa' | 'device' | 'service' | 'server' | 'ocspResponder'

const common = {
  backdateSeconds: 300,
  subject: [],
  keyRules: { keys: keyKinds, rsaMinimumBits: 2048 },
} as const satisfies Partial<ResolvedProfile>

/** The built-in profiles as they are when nobody changes them. */
export const builtInProfiles: Readonly<Record<ProfileName, ResolvedProfile>> = {
  root: {
    ...common,
    name: 'root',
    role: 'root',
    validitySeconds: 10 * year,
    basicConstraints: { cA: true },
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
  },
  issuingCa: {
    ...common,
    name: 'issuingCa',
    role: 'issuingCa',
    validitySeconds: 10 * year,
    basicConstraints: { cA: true, pathLength: 0 },
    keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
  },
  device: {
    ...common,
    name: 'device',
    role: 'device',
    validitySeconds: year,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [extendedKeyUsageOids.clientAuth],
  },
  service: {
    ...common,
    name: 'service',
    role: 'service',
    validitySeconds: year,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [extendedKeyUsageOids.clientAuth],
  },
  server: {
    ...common,
    name: 'server',
    role: 'server',
    validitySeconds: year,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [extendedKeyUsageOids.serverAuth],
  },
  // Short, since nobody can ask whether it is revoked.
  ocspResponder: {
    ...common,
    name: 'ocspResponder',
    role: 'ocspResponder',
    validitySeconds: 30 * day,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [extendedKeyUsageOids.ocspSigning],
    ocspNoCheck: true,
  },
}

/** Whether the fleet itself has a profile of that name. */
export function isBuiltInProfile(name: string): name is ProfileName {
  return Object.hasOwn(builtInProfiles, name)
}
