import { type Certificate, encodePem, formatFingerprint, type IoOptions, PkiError } from '@fleetcert/x509'
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
import { createHotIssuerFinder } from './hot-issuer-finder.ts'
import type { HotIssuers } from './hot-issuers.ts'

export interface CredentialIssuerParts extends FleetParts {
  readonly context: IssueContext
  readonly verification: Verification
  /** Absent: the issuing CA's own key signs everything. */
  readonly hotIssuers?: HotIssuers
}

/** Names, device and expectation, without what is the same for all. */
export type Wish = Pick<
  IssueOrder,
  'subject' | 'subjectAltName' | 'expect' | 'deviceId' | 'owner' | 'attributes' | 'eventType' | 'tokenHash'
>

/** Whose key signs: the issuing CA's first one, or a hot issuer's in its name. */
interface SigningKey {
  /** Of the CA in whose name it is signed. */
  readonly caKeyId: string
  readonly issuer: Issuer
  readonly isHot: boolean
  readonly hasOcspResponder: boolean
}

/** Makes certificates of the issuing CA of the moment, and shows those that were made. */
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
  credentialOf(record: CertificateRecord, options?: IoOptions): Promise<Omit<DeviceCredential, 'deviceId'>>
}

export function createCredentialIssuer(parts: CredentialIssuerParts): CredentialIssuer {
  const { store, clock, context, verification, issuers, publisher, checkBlocked } = parts
  const hotIssuers = createHotIssuerFinder(store, issuers)
  // By whose key signs: they go with it.
  const templatesOf = new WeakMap<Issuer, Map<ResolvedProfile, CertificateTemplate[]>>()

  const templateOf = (profile: ResolvedProfile, by: SigningKey, signer: Signer, shard = 0): CertificateTemplate => {
    let templates = templatesOf.get(by.issuer)
    if (templates === undefined) {
      templates = new Map()
      templatesOf.set(by.issuer, templates)
    }
    let ofShards = templates.get(profile)
    if (ofShards === undefined) {
      ofShards = []
      templates.set(profile, ofShards)
    }
    let template = ofShards[shard]
    if (template === undefined) {
      template = createCertificateTemplate(
        profile,
        { signatureAlgorithm: signer.algorithm, certificate: by.issuer.certificate },
        publisher === undefined
          ? undefined
          : {
              crl: publisher.crl(by.caKeyId, shard),
              // Of hot issuers the chain alone is given out.
              caIssuers: by.isHot ? [] : publisher.caIssuers(by.caKeyId),
              ocsp: by.hasOcspResponder ? publisher.ocsp : [],
            },
      )
      ofShards[shard] = template
    }
    return template
  }

  /** How a serial number's shard comes into the certificate, where there are several. */
  const placeIn = (profile: ResolvedProfile, by: SigningKey, signer: Signer): IssueOrder['place'] =>
    parts.shards === 1
      ? undefined
      : serialNumber => {
          const shard = shardOf(serialNumber, parts.shards)
          return { shard, template: templateOf(profile, by, signer, shard) }
        }

  const orderOf = (
    profile: ResolvedProfile,
    wish: Wish,
    key: CertifiedKey,
    by: SigningKey,
    signer: Signer,
    validity: Validity,
  ): IssueOrder => {
    const place = placeIn(profile, by, signer)
    const { subjectPublicKeyInfo } = key
    const template = templateOf(profile, by, signer)
    const order = { ...wish, template, issuerKeyId: by.caKeyId, signer, subjectPublicKeyInfo, validity }
    return place === undefined ? order : { ...order, place }
  }

  const credentialFrom = (
    { der, fingerprint, id, notBefore, notAfter }: IssuedCertificate & Validity,
    hotIssuer: Certificate | undefined,
  ) => ({
    certificate: encodePem('CERTIFICATE', der),
    chain:
      hotIssuer === undefined
        ? issuers.current.chainOf(id.issuerKeyId)
        : pemOf(hotIssuer) + issuers.current.chainOf(id.issuerKeyId),
    trustAnchors: issuers.current.trustAnchors,
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
      for (;;) {
        const issuingCa = (await issuers.fresh(options)).issuing?.issuer
        if (issuingCa === undefined) throw new PkiError('ERR_PKI_AWAITING_ISSUER', {})
        let validity = validityAt(now, profile, validitySeconds, issuingCa.certificate)
        const { subject, subjectAltName } = wish
        const found = parts.hotIssuers?.signing(
          issuingCa,
          { subject, subjectAltName, notAfter: validity.notAfter },
          options,
        )
        const hot = found instanceof Promise ? await found : found
        // Its certificate begins later than its CA's.
        if (hot !== undefined) validity = { ...validity, notBefore: latest(validity, hot.issuer.certificate) }
        const by: SigningKey = {
          caKeyId: issuingCa.keyId,
          issuer: hot?.issuer ?? issuingCa,
          isHot: hot !== undefined,
          hasOcspResponder: hot?.hasOcspResponder ?? true,
        }
        const signer = await by.issuer.signer()
        // Last of all, for keys may be slow to come by: a CA that was replaced, or revoked, meanwhile issues nothing more.
        if ((await issuers.fresh(options)).issuing?.issuer.keyId !== issuingCa.keyId) continue
        const issued = await issueCertificate(context, orderOf(profile, wish, key, by, signer, validity), options)
        const credential = credentialFrom({ ...issued, ...validity }, hot?.issuer.certificate)
        return key.privateKey === undefined ? credential : { ...credential, privateKey: key.privateKey }
      }
    },

    async credentialOf(record, options) {
      const { id, der, fingerprint, notBefore, notAfter } = record
      if (der === undefined || fingerprint === undefined) {
        throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'an issued certificate has no octets' })
      }
      const issued = { der, fingerprint: formatFingerprint(fingerprint), id, notBefore, notAfter }
      return credentialFrom(issued, await hotIssuers.find(record, options))
    },
  }
}

function latest(...periods: readonly Pick<Validity, 'notBefore'>[]): Date {
  return new Date(Math.max(...periods.map(({ notBefore }) => notBefore.getTime())))
}

/** Of hot issuers, each of which signs thousands. */
const pems = new WeakMap<Certificate, string>()

function pemOf(certificate: Certificate): string {
  let pem = pems.get(certificate)
  if (pem === undefined) {
    pem = encodePem('CERTIFICATE', certificate.der)
    pems.set(certificate, pem)
  }
  return pem
}
