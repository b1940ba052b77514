import { encodePem, type GeneralName, type IoOptions, PkiError, parseCertificate } from '@fleetcert/x509'
import { type CertificateTemplate, createCertificateTemplate } from '../authority/certificate-template.ts'
import { checkedNow } from '../authority/check-clock.ts'
import { type IssueContext, type IssuedCertificate, type IssueOrder, issueCertificate } from '../authority/issue.ts'
import type { Issuer } from '../authority/issuer.ts'
import type { ResolvedProfile } from '../authority/profile.ts'
import { type Validity, validityAt } from '../authority/validity.ts'
import type { Verification } from '../authority/verification/verification.ts'
import type { Signer } from '../signer/signer.ts'
import type { CertificateRecord } from '../store/store.ts'
import { type CertifiedKey, certifiedKey } from './certified-key.ts'
import type { FleetParts } from './create-fleet.ts'
import { shardOf } from './crl-shards.ts'
import { currentCertificate } from './current-certificate.ts'
import { statusAt } from './device-record.ts'
import type { DeviceCredential, EnrollRequest, Fleet, RenewRequest, ServerCredential } from './fleet.ts'
import { serverNames } from './hosts.ts'
import { checkAttributes, checkIdentifier } from './identifier.ts'
import { subjectNames } from './subject-names.ts'

const defaultOverlapSeconds = 86_400

interface EnrollmentParts extends FleetParts {
  readonly context: IssueContext
  readonly verification: Verification
  readonly issuingCa: Issuer
  /** PEM. */
  readonly chain: string
  /** PEM. */
  readonly trustAnchors: string
}

/** The part of a fleet that makes certificates. */
export type Enrollment = Pick<Fleet, 'enroll' | 'renew' | 'issueServer'>

export function createEnrollment(parts: EnrollmentParts): Enrollment {
  const { store, clock, context, verification, issuingCa, profiles, publisher, checkBlocked } = parts
  const templates = new Map<ResolvedProfile, CertificateTemplate[]>()

  const templateOf = (profile: ResolvedProfile, signer: Signer, shard = 0): CertificateTemplate => {
    let ofShards = templates.get(profile)
    if (ofShards === undefined) {
      ofShards = []
      templates.set(profile, ofShards)
    }
    let template = ofShards[shard]
    if (template === undefined) {
      template = createCertificateTemplate(
        profile,
        { signatureAlgorithm: signer.algorithm, certificate: issuingCa.certificate },
        publisher === undefined
          ? undefined
          : {
              crl: publisher.crl(issuingCa.keyId, shard),
              caIssuers: publisher.caIssuers(issuingCa.keyId),
              ocsp: publisher.ocsp,
            },
      )
      ofShards[shard] = template
    }
    return template
  }

  /** Names, device and expectation, without what is the same for all. */
  type Wish = Pick<
    IssueOrder,
    'subject' | 'subjectAltName' | 'expect' | 'deviceId' | 'owner' | 'attributes' | 'eventType'
  >

  /** How a serial number's shard comes into the certificate, where there are several. */
  const placeIn = (profile: ResolvedProfile, signer: Signer): IssueOrder['place'] =>
    parts.shards === 1
      ? undefined
      : serialNumber => {
          const shard = shardOf(serialNumber, parts.shards)
          return { shard, template: templateOf(profile, signer, shard) }
        }

  const orderOf = (
    profile: ResolvedProfile,
    wish: Wish,
    key: CertifiedKey,
    signer: Signer,
    validity: Validity,
  ): IssueOrder => {
    const place = placeIn(profile, signer)
    const { subjectPublicKeyInfo } = key
    const template = templateOf(profile, signer)
    const order = { ...wish, template, issuerKeyId: issuingCa.keyId, signer, subjectPublicKeyInfo, validity }
    return place === undefined ? order : { ...order, place }
  }

  const issue = async (
    profile: ResolvedProfile,
    wish: Wish,
    request: { readonly csr?: string | Uint8Array; readonly validitySeconds?: number },
    options: IoOptions | undefined,
  ): Promise<Omit<DeviceCredential, 'deviceId'>> => {
    const key = await certifiedKey(request.csr, profile.keyRules, verification, checkBlocked)
    const now = await checkedNow(store, clock, options)
    const validity = validityAt(now, profile, request.validitySeconds, issuingCa.certificate)
    const order = orderOf(profile, wish, key, await issuingCa.signer(), validity)
    return credentialOf(await issueCertificate(context, order, options), validity, key)
  }

  const credentialOf = (
    issued: IssuedCertificate,
    { notBefore, notAfter }: Validity,
    { privateKey }: CertifiedKey,
  ): Omit<DeviceCredential, 'deviceId'> => {
    const credential = {
      certificate: encodePem('CERTIFICATE', issued.der),
      chain: parts.chain,
      trustAnchors: parts.trustAnchors,
      fingerprint: issued.fingerprint,
      serialNumber: issued.id.serialNumber,
      issuerKeyId: issued.id.issuerKeyId,
      notBefore,
      notAfter,
    }
    return privateKey === undefined ? credential : { ...credential, privateKey }
  }

  return {
    async enroll(deviceId: string, request: EnrollRequest = {}, options?: IoOptions): Promise<DeviceCredential> {
      checkIdentifier(deviceId, 'deviceId')
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
      return { deviceId, ...(await issue(profile, wish, request, options)) }
    },

    async renew(deviceId: string, request: RenewRequest = {}, options?: IoOptions): Promise<DeviceCredential> {
      checkIdentifier(deviceId, 'deviceId')
      const { overlapSeconds = defaultOverlapSeconds } = request
      if (!Number.isSafeInteger(overlapSeconds) || overlapSeconds < 0 || overlapSeconds > 100 * 366 * 86_400) {
        throw new PkiError('ERR_PKI_VALIDITY', { reason: 'overlapSeconds must be a whole number from 0 to 100 years' })
      }
      const asked =
        request.subjectAltName === undefined ? undefined : subjectNames(request.subjectAltName, { wildcards: false })
      const current = await currentCertificate(store, deviceId, clock(), options)
      if (current?.fingerprint === undefined) throw new PkiError('ERR_PKI_DEVICE_UNKNOWN', { deviceId })
      const status = statusAt(current, clock())
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
      return { deviceId, ...(await issue(profile, wish, request, options)) }
    },

    async issueServer(request, options?: IoOptions): Promise<ServerCredential> {
      const hosts = [...request.hosts]
      const hostNames = serverNames(hosts)
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
      return { hosts, ...(await issue(profile, { subject, subjectAltName, expect: 'any' }, request, options)) }
    },
  }
}

const deviceUrn = 'urn:fleetcert:device:'

/** CN and `urn:fleetcert:device:<deviceId>`, both from the caller; in endless certificates the serialNumber that IEEE 802.1AR-2018 section 8.6 asks for, too. */
function deviceNames(
  profile: ResolvedProfile,
  deviceId: string,
  added: readonly GeneralName[],
): Pick<IssueOrder, 'subject' | 'subjectAltName'> {
  const serialNumber = profile.endless ? [[{ type: 'serialNumber', value: deviceId }]] : []
  return {
    subject: [...profile.subject, ...serialNumber, [{ type: 'CN', value: deviceId }]],
    subjectAltName: [{ type: 'uri', value: `${deviceUrn}${deviceId}` }, ...added],
  }
}

/** The names that the caller of an earlier enrolment added. What a pinned certificate says is a stranger's word. */
function addedNames({ state, der }: CertificateRecord): readonly GeneralName[] {
  if (state !== 'issued' || der === undefined) return []
  const names = parseCertificate(der).subjectAltName ?? []
  return names.filter(name => name.type !== 'uri' || !name.value.startsWith(deviceUrn))
}
