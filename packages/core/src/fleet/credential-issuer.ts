import { encodePem, formatFingerprint, type IoOptions, PkiError } from '@fleetcert/x509'
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
import type { DeviceCredential } from './fleet.ts'

export interface CredentialIssuerParts extends FleetParts {
  readonly context: IssueContext
  readonly verification: Verification
  readonly issuingCa: Issuer
  /** PEM. */
  readonly chain: string
  /** PEM. */
  readonly trustAnchors: string
}

/** Names, device and expectation, without what is the same for all. */
export type Wish = Pick<
  IssueOrder,
  'subject' | 'subjectAltName' | 'expect' | 'deviceId' | 'owner' | 'attributes' | 'eventType' | 'tokenHash'
>

/** Makes certificates of the issuing CA, and shows those that were made. */
export interface CredentialIssuer {
  /** The key of a CSR whose owner has proved to hold it, or a new one: within the rules of a profile. */
  key(csr: string | Uint8Array | undefined, profile: ResolvedProfile): Promise<CertifiedKey>
  issue(
    profile: ResolvedProfile,
    wish: Wish,
    key: CertifiedKey,
    validitySeconds: number | undefined,
    options: IoOptions | undefined,
  ): Promise<Omit<DeviceCredential, 'deviceId'>>
  /** What was answered when that certificate was made, but for a key. */
  credentialOf(record: CertificateRecord): Omit<DeviceCredential, 'deviceId'>
}

export function createCredentialIssuer(parts: CredentialIssuerParts): CredentialIssuer {
  const { store, clock, context, verification, issuingCa, publisher, checkBlocked, chain, trustAnchors } = parts
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

  const credentialFrom = ({ der, fingerprint, id, notBefore, notAfter }: IssuedCertificate & Validity) => ({
    certificate: encodePem('CERTIFICATE', der),
    chain,
    trustAnchors,
    fingerprint,
    serialNumber: id.serialNumber,
    issuerKeyId: id.issuerKeyId,
    notBefore,
    notAfter,
  })

  return {
    key: (csr, profile) => certifiedKey(csr, profile.keyRules, verification, checkBlocked),

    async issue(profile, wish, key, validitySeconds, options) {
      const now = await checkedNow(store, clock, options)
      const validity = validityAt(now, profile, validitySeconds, issuingCa.certificate)
      const order = orderOf(profile, wish, key, await issuingCa.signer(), validity)
      const issued = await issueCertificate(context, order, options)
      const credential = credentialFrom({ ...issued, ...validity })
      return key.privateKey === undefined ? credential : { ...credential, privateKey: key.privateKey }
    },

    credentialOf({ id, der, fingerprint, notBefore, notAfter }) {
      if (der === undefined || fingerprint === undefined) {
        throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'an issued certificate has no octets' })
      }
      return credentialFrom({ der, fingerprint: formatFingerprint(fingerprint), id, notBefore, notAfter })
    },
  }
}
