import { checkNames, type IoOptions, type KnownNames, PkiError } from '@fleetcert/x509'
import { checkedOverlap } from './checked-overlap.ts'
import { type CredentialIssuerParts, createCredentialIssuer, type Wish } from './credential-issuer.ts'
import { currentCertificate } from './current-certificate.ts'
import { addedNames, deviceNames } from './device-names.ts'
import { statusAt } from './device-record.ts'
import type { DeviceCredential, EnrollRequest, Fleet, RenewRequest, ServerCredential } from './fleet.ts'
import { serverNames } from './hosts.ts'
import { checkAttributes, checkIdentifier } from './identifier.ts'
import { asRecorded } from './issuers/ended-certificates.ts'
import { createPresentedRenewal } from './renewal/renew-presented.ts'
import { subjectNames } from './subject-names.ts'
import { createTokenEnrollment } from './tokens/enroll-with-token.ts'

const defaultOverlapSeconds = 86_400
const enrollNames: KnownNames<EnrollRequest> = {
  csr: true,
  role: true,
  owner: true,
  attributes: true,
  validitySeconds: true,
  profile: true,
  subjectAltName: true,
  token: true,
}
const renewNames: KnownNames<RenewRequest> = {
  csr: true,
  validitySeconds: true,
  profile: true,
  subjectAltName: true,
  overlapSeconds: true,
  presented: true,
  graceSeconds: true,
}
const serverRequestNames: KnownNames<Parameters<Fleet['issueServer']>[0]> = {
  hosts: true,
  csr: true,
  validitySeconds: true,
  profile: true,
  subjectAltName: true,
}

/** The part of a fleet that makes certificates. */
export type Enrollment = Pick<Fleet, 'enroll' | 'renew' | 'issueServer'>

export function createEnrollment(parts: CredentialIssuerParts): Enrollment {
  const { store, clock, profiles } = parts
  const issuer = createCredentialIssuer(parts)
  const enrollWithToken = createTokenEnrollment(parts, issuer)
  const renewPresented = createPresentedRenewal(parts, issuer)

  return {
    async enroll(deviceId: string, request: EnrollRequest = {}, options?: IoOptions): Promise<DeviceCredential> {
      checkIdentifier(deviceId, 'deviceId')
      checkNames('enroll', request, enrollNames)
      if (request.token !== undefined) return enrollWithToken(deviceId, request, options)
      const { role = 'device', owner, attributes } = request
      if (role !== 'device' && role !== 'service') throw new TypeError("role: expected 'device' or 'service'")
      if (owner !== undefined) checkIdentifier(owner, 'owner')
      const profile = profiles.device(role, request.profile)
      const wish: Wish = {
        ...deviceNames(profile, deviceId, subjectNames(request.subjectAltName, { wildcards: false })),
        deviceId,
        ...(owner !== undefined && { owner }),
        ...(attributes !== undefined && { attributes: checkAttributes(attributes) }),
        expect: 'newDevice',
      }
      const key = await issuer.key(request.csr, profile)
      return { deviceId, ...(await issuer.issue(profile, wish, key, request.validitySeconds, options)) }
    },

    async renew(deviceId: string, request: RenewRequest = {}, options?: IoOptions): Promise<DeviceCredential> {
      checkIdentifier(deviceId, 'deviceId')
      checkNames('renew', request, renewNames)
      if (request.presented !== undefined) return renewPresented(deviceId, request, options)
      if (request.graceSeconds !== undefined) throw new TypeError('graceSeconds: expected with presented alone')
      const overlapSeconds = checkedOverlap(request.overlapSeconds ?? defaultOverlapSeconds, 'overlapSeconds')
      const asked =
        request.subjectAltName === undefined ? undefined : subjectNames(request.subjectAltName, { wildcards: false })
      const current = await currentCertificate(store, deviceId, clock(), options)
      if (current?.fingerprint === undefined) throw new PkiError('ERR_PKI_DEVICE_UNKNOWN', { deviceId })
      // By its own record: the operator may give a device a certificate of this CA whatever became of the last one.
      const status = statusAt(asRecorded(current), clock())
      if (status !== 'active') throw new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId, status })
      const ownProfile = current.state === 'issued' ? current.profile : undefined
      const profile = profiles.device(current.role === 'service' ? 'service' : 'device', request.profile ?? ownProfile)
      const wish: Wish = {
        ...deviceNames(profile, deviceId, asked ?? addedNames(current)),
        deviceId,
        ...(current.owner !== undefined && { owner: current.owner }),
        ...(current.attributes !== undefined && { attributes: current.attributes }),
        expect: { supersedes: current.fingerprint, at: new Date(clock().getTime() + overlapSeconds * 1000) },
        eventType: 'renewed',
      }
      const key = await issuer.key(request.csr, profile)
      return { deviceId, ...(await issuer.issue(profile, wish, key, request.validitySeconds, options)) }
    },

    async issueServer(request, options?: IoOptions): Promise<ServerCredential> {
      checkNames('issueServer', request, serverRequestNames)
      // Checked before it is copied: the copy of a string would be one host for each letter.
      const hostNames = serverNames(request.hosts)
      const hosts = [...request.hosts]
      const added = subjectNames(request.subjectAltName, { wildcards: true })
      const subjectAltName = [
        ...hostNames,
        ...added.filter(({ value }) => !hostNames.some(host => host.value === value)),
      ]
      const profile = profiles.server(request.profile)
      // RFC 9525 has servers identified by subjectAltName alone; the common name is for mbedTLS 2, which knows no IP addresses there.
      const first = hostNames[0]!
      // A subject is needed unless subjectAltName is critical.
      const commonName = first.value.length <= 64 ? first.value : profile.subject.length === 0 ? 'server' : undefined
      const subject = [...profile.subject, ...(commonName === undefined ? [] : [[{ type: 'CN', value: commonName }]])]
      const key = await issuer.key(request.csr, profile)
      const wish: Wish = { subject, subjectAltName, expect: 'any' }
      return { hosts, ...(await issuer.issue(profile, wish, key, request.validitySeconds, options)) }
    },
  }
}
