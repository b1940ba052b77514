import { PkiError } from '@fleetcert/x509'
import type { CertificateProfile, CertificateProfiles } from '../authority/certificate-profile.ts'
import { isBuiltInProfile, type ResolvedProfile } from '../authority/profile.ts'
import { resolveProfile } from '../authority/resolve-profile.ts'

/** The end-entity profiles of a fleet. Both methods throw PkiError `ERR_PKI_PROFILE` for a name that no profile of that kind has. */
export interface FleetProfiles {
  /** @param name default: the role's own */
  device(role: 'device' | 'service', name?: string): ResolvedProfile
  /** @param name default `server` */
  server(name?: string): ResolvedProfile
}

/**
 * What the operator says of profiles, checked and completed.
 *
 * @param organization O of subjects that name no other
 * @throws PkiError `ERR_PKI_PROFILE`, `ERR_PKI_NAME`
 */
export function createFleetProfiles(profiles: CertificateProfiles = {}, organization?: string): FleetProfiles {
  const { device, service, server, ...custom } = profiles
  const byName = new Map<string, ResolvedProfile>([
    ['device', resolveProfile('device', 'device', device, organization)],
    ['service', resolveProfile('service', 'service', service ?? endingOf(device), organization)],
    ['server', resolveProfile('server', 'server', server, organization)],
  ])
  for (const [name, profile] of Object.entries(custom)) {
    if (profile === undefined) continue
    if (isBuiltInProfile(name)) throw new PkiError('ERR_PKI_PROFILE', { reason: `${name} cannot be changed` })
    if (!/^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(name)) {
      throw new PkiError('ERR_PKI_PROFILE', { reason: 'the name of a profile is 1 to 64 of A–Z a–z 0–9 . _ -' })
    }
    byName.set(name, resolveProfile(name, kindOf(name, profile), profile, organization))
  }

  const named = (name: string, role: 'device' | 'service' | 'server'): ResolvedProfile => {
    const profile = byName.get(name)
    // The name may come from a stranger: it is not repeated.
    if (profile === undefined) throw new PkiError('ERR_PKI_PROFILE', { reason: 'no profile has that name' })
    if (profile.role !== role)
      throw new PkiError('ERR_PKI_PROFILE', { reason: `the profile is not one for the role ${role}` })
    return profile
  }
  return {
    device: (role, name = role) => named(name, role),
    server: (name = 'server') => named(name, 'server'),
  }
}

function kindOf(name: string, profile: CertificateProfile): 'device' | 'server' {
  const kind: unknown = profile?.kind ?? 'device'
  if (kind !== 'device' && kind !== 'server') {
    throw new PkiError('ERR_PKI_PROFILE', { reason: `${name}: kind must be device or server` })
  }
  return kind
}

/** What a service takes over from the devices: not their further purposes, and not their endlessness. */
function endingOf(device: CertificateProfiles['device']): CertificateProfiles['service'] {
  if (typeof device !== 'object' || device === null) return device
  const { endless: _endless, extendedKeyUsage: _extendedKeyUsage, ...rest } = device
  return rest as CertificateProfiles['service']
}
