import { checkNames, encodePem, type IoOptions, keyId, PkiError } from '@fleetcert/x509'
import { createCertificateTemplate } from '../../authority/certificate-template.ts'
import { checkedNow } from '../../authority/check-clock.ts'
import { type IssueContext, issueCertificate } from '../../authority/issue.ts'
import { resolveProfile } from '../../authority/resolve-profile.ts'
import { validityAt } from '../../authority/validity.ts'
import type { Verification } from '../../authority/verification/verification.ts'
import { certifiedKeyOfRequest } from '../certified-key.ts'
import type { FleetParts } from '../create-fleet.ts'
import type { IssuerOperations } from './issuer-operations.ts'
import { isSameName } from './same-name.ts'

/** Makes `fleet.signSubordinate`. */
export function createSubordinateSigning(
  parts: FleetParts & { readonly context: IssueContext; readonly verification: Verification },
): IssuerOperations['signSubordinate'] {
  const { store, clock, issuers, publisher, context, verification, checkBlocked } = parts
  const profile = resolveProfile('issuingCa', 'issuingCa')

  return async (csr, request = {}, options?: IoOptions) => {
    checkNames('signSubordinate', request, { validitySeconds: true })
    const { subject, subjectPublicKeyInfo } = await certifiedKeyOfRequest(
      csr,
      profile.keyRules,
      verification,
      checkBlocked,
    )
    const set = await issuers.fresh(options)
    const keyOfIts = keyId(subjectPublicKeyInfo)
    if (subject.length === 0) throw new PkiError('ERR_PKI_NAME', { reason: 'a CA needs a name' })
    const isOurs = set.authorities.some(
      ({ issuer }) => issuer.keyId === keyOfIts || isSameName(issuer.certificate.subject, subject),
    )
    if (isOurs) throw new PkiError('ERR_PKI_NAME', { reason: 'a CA of this fleet has that name or key' })
    const root = set.authorities.find(
      ({ role, state, record }) => role === 'root' && state === 'active' && record.keyName,
    )
    if (root === undefined) throw new PkiError('ERR_PKI_KEY_MISSING', { name: 'root' })
    const { issuer } = root
    const now = await checkedNow(store, clock, options)
    const validity = validityAt(now, profile, request.validitySeconds, issuer.certificate)
    const signer = await issuer.signer()
    const urls =
      publisher === undefined
        ? undefined
        : { crl: publisher.crl(issuer.keyId, 0), caIssuers: publisher.caIssuers(issuer.keyId) }
    const template = { signatureAlgorithm: signer.algorithm, certificate: issuer.certificate }
    const { der, id } = await issueCertificate(
      context,
      {
        template: createCertificateTemplate(profile, template, urls),
        signer,
        subject,
        subjectPublicKeyInfo,
        validity,
        issuerKeyId: issuer.keyId,
        subjectAltName: [],
        expect: 'any',
      },
      options,
    )
    return {
      certificate: encodePem('CERTIFICATE', der),
      chain: encodePem('CERTIFICATE', issuer.certificate.der),
      serialNumber: id.serialNumber,
      ...validity,
    }
  }
}
