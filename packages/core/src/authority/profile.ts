import { extendedKeyUsageOids, type KeyUsageBit, PkiError } from '@fleetcert/x509'
import type { CertificateRole } from '../store/store.ts'

/** What the operator may change of a profile. */
export interface CertificateProfile {
  /** Default lifetime, seconds. */
  readonly validitySeconds?: number
  /** notBefore lies so far in the past, for devices whose clock is behind. Default 300, at most one day. */
  readonly backdateSeconds?: number
}

/** A profile with nothing left open. */
export interface ResolvedProfile {
  readonly name: string
  readonly role: CertificateRole
  readonly validitySeconds: number
  readonly backdateSeconds: number
  readonly basicConstraints?: { readonly cA: true; readonly pathLength?: number }
  readonly keyUsage: readonly KeyUsageBit[]
  /** OIDs; CAs carry none (Erlang/OTP 26 and later refuse a chain whose CA has an EKU without clientAuth). */
  readonly extendedKeyUsage: readonly string[]
}

const day = 86_400
const year = 365 * day

const builtIn: Readonly<Record<ProfileName, Omit<ResolvedProfile, 'name' | 'backdateSeconds'>>> = {
  root: {
    role: 'root',
    validitySeconds: 10 * year,
    basicConstraints: { cA: true },
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
  },
  issuingCa: {
    role: 'issuingCa',
    validitySeconds: 10 * year,
    basicConstraints: { cA: true, pathLength: 0 },
    keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
  },
  device: {
    role: 'device',
    validitySeconds: year,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [extendedKeyUsageOids.clientAuth],
  },
  service: {
    role: 'service',
    validitySeconds: year,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [extendedKeyUsageOids.clientAuth],
  },
  server: {
    role: 'server',
    validitySeconds: year,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [extendedKeyUsageOids.serverAuth],
  },
}

/** Names of the profiles that every fleet has. */
export type ProfileName = 'root' | 'issuingCa' | 'device' | 'service' | 'server'

/**
 * The built-in profile of that name with the operator's changes.
 * @throws PkiError `ERR_PKI_PROFILE`
 */
export function resolveProfile(name: ProfileName, changes: CertificateProfile = {}): ResolvedProfile {
  const profile = { name, backdateSeconds: 300, ...builtIn[name], ...definedOnly(changes) }
  if (!Number.isSafeInteger(profile.validitySeconds) || profile.validitySeconds < 60) {
    throw new PkiError('ERR_PKI_PROFILE', { reason: `${name}.validitySeconds must be a whole number of at least 60` })
  }
  if (!Number.isSafeInteger(profile.backdateSeconds) || profile.backdateSeconds < 0 || profile.backdateSeconds > day) {
    throw new PkiError('ERR_PKI_PROFILE', { reason: `${name}.backdateSeconds must be a whole number from 0 to ${day}` })
  }
  return Object.freeze(profile)
}

function definedOnly(changes: CertificateProfile): CertificateProfile {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}
