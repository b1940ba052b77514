import { type DistinguishedName, encodePem, type IoOptions, PkiError } from '@fleetcert/x509'
import { type CertificateTemplate, createCertificateTemplate } from '../authority/certificate-template.ts'
import { checkClock } from '../authority/check-clock.ts'
import { type IssueContext, type IssuedCertificate, type IssueOrder, issueCertificate } from '../authority/issue.ts'
import type { Issuer } from '../authority/issuer.ts'
import type { ResolvedProfile } from '../authority/profile.ts'
import { type Validity, validityAt } from '../authority/validity.ts'
import type { Signer } from '../signer/signer.ts'
import { type CertifiedKey, certifiedKey } from './certified-key.ts'
import type { FleetParts } from './create-fleet.ts'
import { currentCertificate } from './current-certificate.ts'
import { statusAt } from './device-record.ts'
import type { DeviceCredential, EnrollRequest, Fleet, RenewRequest, ServerCredential } from './fleet.ts'
import { serverNames } from './hosts.ts'
import { checkAttributes, checkIdentifier } from './identifier.ts'

const defaultOverlapSeconds = 86_400

interface EnrollmentParts extends FleetParts {
  readonly context: IssueContext
  readonly issuingCa: Issuer
  /** PEM. */
  readonly chain: string
  /** PEM. */
  readonly trustAnchors: string
}

/** The part of a fleet that makes certificates. */
export type Enrollment = Pick<Fleet, 'enroll' | 'renew' | 'issueServer'>

export function createEnrollment(parts: EnrollmentParts): Enrollment {
  const { store, clock, context, issuingCa, profiles, publisher, organization } = parts
  const templates = new Map<ResolvedProfile, CertificateTemplate>()

  const templateOf = (profile: ResolvedProfile, signer: Signer): CertificateTemplate => {
    let template = templates.get(profile)
    if (template === undefined) {
      const { subjectDer, subjectKeyIdentifier } = issuingCa.certificate
      template = createCertificateTemplate(
        profile,
        {
          signatureAlgorithm: signer.algorithm,
          nameDer: subjectDer,
          ...(subjectKeyIdentifier === undefined ? {} : { subjectKeyIdentifier }),
        },
        publisher === undefined
          ? undefined
          : { crl: publisher.crl(issuingCa.keyId, 0), caIssuers: publisher.caIssuers(issuingCa.keyId) },
      )
      templates.set(profile, template)
    }
    return template
  }

  const named = (commonName: string | undefined): DistinguishedName => [
    ...(organization === undefined ? [] : [[{ type: 'O', value: organization }]]),
    ...(commonName === undefined ? [] : [[{ type: 'CN', value: commonName }]]),
  ]

  const issue = async (
    profile: ResolvedProfile,
    key: CertifiedKey,
    order: Pick<
      IssueOrder,
      'subject' | 'subjectAltName' | 'expect' | 'deviceId' | 'owner' | 'attributes' | 'eventType'
    >,
    validitySeconds: number | undefined,
    options: IoOptions | undefined,
  ): Promise<{ issued: IssuedCertificate; validity: Validity }> => {
    const now = clock()
    const validity = validityAt(now, profile, validitySeconds, issuingCa.certificate)
    await checkClock(store, now, options)
    const signer = await issuingCa.signer()
    const issued = await issueCertificate(
      context,
      {
        ...order,
        template: templateOf(profile, signer),
        issuerKeyId: issuingCa.keyId,
        signer,
        subjectPublicKeyInfo: key.subjectPublicKeyInfo,
        validity,
      },
      options,
    )
    return { issued, validity }
  }

  const credential = (
    { issued, validity }: { issued: IssuedCertificate; validity: Validity },
    key: CertifiedKey,
  ): Omit<DeviceCredential, 'deviceId'> => ({
    certificate: encodePem('CERTIFICATE', issued.der),
    chain: parts.chain,
    trustAnchors: parts.trustAnchors,
    ...(key.privateKey === undefined ? {} : { privateKey: key.privateKey }),
    fingerprint: issued.fingerprint,
    serialNumber: issued.id.serialNumber,
    issuerKeyId: issued.id.issuerKeyId,
    notBefore: validity.notBefore,
    notAfter: validity.notAfter,
  })

  return {
    async enroll(deviceId: string, request: EnrollRequest = {}, options?: IoOptions): Promise<DeviceCredential> {
      checkIdentifier(deviceId, 'deviceId')
      const { role = 'device', owner, attributes } = request
      if (role !== 'device' && role !== 'service') throw new TypeError("role: expected 'device' or 'service'")
      if (owner !== undefined) checkIdentifier(owner, 'owner')
      const key = await certifiedKey(request.csr)
      const result = await issue(
        profiles[role],
        key,
        {
          ...deviceNames(named(deviceId), deviceId),
          deviceId,
          ...(owner === undefined ? {} : { owner }),
          ...(attributes === undefined ? {} : { attributes: checkAttributes(attributes) }),
          expect: 'newDevice',
        },
        request.validitySeconds,
        options,
      )
      return { deviceId, ...credential(result, key) }
    },

    async renew(deviceId: string, request: RenewRequest = {}, options?: IoOptions): Promise<DeviceCredential> {
      checkIdentifier(deviceId, 'deviceId')
      const { overlapSeconds = defaultOverlapSeconds } = request
      if (!Number.isSafeInteger(overlapSeconds) || overlapSeconds < 0 || overlapSeconds > 100 * 366 * 86_400) {
        throw new PkiError('ERR_PKI_VALIDITY', { reason: 'overlapSeconds must be a whole number from 0 to 100 years' })
      }
      const key = await certifiedKey(request.csr)
      const current = await currentCertificate(store, deviceId, clock(), options)
      if (current?.fingerprint === undefined) throw new PkiError('ERR_PKI_DEVICE_UNKNOWN', { deviceId })
      const status = statusAt(current, clock())
      if (status !== 'active') throw new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId, status })
      const result = await issue(
        profiles[current.role === 'service' ? 'service' : 'device'],
        key,
        {
          ...deviceNames(named(deviceId), deviceId),
          deviceId,
          ...(current.owner === undefined ? {} : { owner: current.owner }),
          ...(current.attributes === undefined ? {} : { attributes: current.attributes }),
          expect: { supersedes: current.fingerprint, at: new Date(clock().getTime() + overlapSeconds * 1000) },
          eventType: 'renewed',
        },
        request.validitySeconds,
        options,
      )
      return { deviceId, ...credential(result, key) }
    },

    async issueServer(request, options?: IoOptions): Promise<ServerCredential> {
      const hosts = [...request.hosts]
      const subjectAltName = serverNames(hosts)
      const key = await certifiedKey(request.csr)
      // RFC 9525 has servers identified by subjectAltName alone; the common name is for mbedTLS 2, which knows no IP addresses there.
      const first = subjectAltName[0] as { readonly value: string }
      const subject = named(first.value.length <= 64 ? first.value : undefined)
      const result = await issue(
        profiles.server,
        key,
        // A subject is needed unless subjectAltName is critical.
        { subject: subject.length > 0 ? subject : named('server'), subjectAltName, expect: 'any' },
        request.validitySeconds,
        options,
      )
      return { hosts, ...credential(result, key) }
    },
  }
}

/** CN and `urn:fleetcert:device:<deviceId>`, both from the caller. */
function deviceNames(subject: DistinguishedName, deviceId: string): Pick<IssueOrder, 'subject' | 'subjectAltName'> {
  return { subject, subjectAltName: [{ type: 'uri', value: `urn:fleetcert:device:${deviceId}` }] }
}
