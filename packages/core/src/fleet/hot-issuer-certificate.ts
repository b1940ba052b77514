import { createHash } from 'node:crypto'
import { isPkiError, keyId, keyIdentifierOf, nameConstraints, parseCertificate } from '@fleetcert/x509'
import { createCertificateTemplate } from '../authority/certificate-template.ts'
import { checkedNow } from '../authority/check-clock.ts'
import { type IssueContext, issueCertificate } from '../authority/issue.ts'
import type { Issuer } from '../authority/issuer.ts'
import { builtInProfiles, type ResolvedProfile } from '../authority/profile.ts'
import { validityAt } from '../authority/validity.ts'
import { memoryKeyring } from '../signer/memory-keyring.ts'
import type { Keyring, Signer } from '../signer/signer.ts'
import type { HotIssuerSettings } from './hot-issuer-options.ts'
import type { Publisher } from './published-urls.ts'

/** The profile under which their certificates are on record. */
export const hotIssuerProfile = 'hotIssuer'

/** A further key of an issuing CA, in this process's memory alone. */
export interface HotIssuer {
  /** The CA whose key it is. */
  readonly issuingCa: Issuer
  /** With the key's own certificate. */
  readonly issuer: Issuer
  readonly serialNumber: string
  /** Whether OCSP answers about what it signs can be signed when it is gone. */
  readonly hasOcspResponder: boolean
  /** From then on it signs nothing. */
  readonly usedUntil: Date
}

/**
 * The serial number of a hot issuer's certificate, or of its OCSP responder's: made of the key identifier, which stands in all that it has signed, so that either is found by the look-up that stores have. Nobody can know a random key's
 * identifier before the key is made.
 */
export function hotSerialNumber(keyIdentifier: Uint8Array, of: 'issuer' | 'ocspResponder'): Uint8Array {
  const octets =
    of === 'issuer'
      ? keyIdentifier.slice(0, 16)
      : new Uint8Array(createHash('sha256').update('hot-ocsp').update(keyIdentifier).digest().subarray(0, 16))
  // As randomSerialNumber: positive, and 16 octets long.
  octets[0] = octets[0]! & 0x7f || 1
  return octets
}

const octets = (length: number): Uint8Array => new Uint8Array(length)

/** No DNS name but those below `invalid`, which is nobody's (RFC 6761 section 6.4), and no address. An empty DNS name, which excludes all, too, breaks JDK 17. */
const noServerNames = nameConstraints({
  permitted: [{ type: 'dns', value: 'invalid' }],
  excluded: [4, 16].map(length => ({ type: 'ip', address: octets(length), mask: octets(length) })),
})

function profileOf({ validitySeconds, serverNames }: HotIssuerSettings): ResolvedProfile {
  return {
    ...builtInProfiles.issuingCa,
    name: hotIssuerProfile,
    validitySeconds,
    // No cRLSign: what it has signed is on the CRLs of the CA's first key, which stays.
    keyUsage: ['keyCertSign'],
    ...(serverNames ? {} : { nameConstraints: noServerNames }),
  }
}

/**
 * Makes a key in memory and has the issuing CA certify it in its own name: a self-issued certificate (RFC 5280 section 3.2), which counts for no path length, and lets the CA's CRLs speak of what the new key signs.
 * Then, while the key is there, a responder's certificate by it.
 */
export async function makeHotIssuer(
  context: IssueContext,
  issuingCa: Issuer,
  settings: HotIssuerSettings,
  publisher: Publisher | undefined,
  signal: AbortSignal,
): Promise<HotIssuer> {
  const now = await checkedNow(context.store, context.clock, { signal })
  const caSigner = await issuingCa.signer()
  const signer = await memoryKeyring().create('hot-issuer', 'P-256')
  const serialNumber = hotSerialNumber(keyIdentifierOf(signer.publicKey), 'issuer')
  const { keyId: caKeyId, certificate: ca } = issuingCa
  const profile = profileOf(settings)
  const urls =
    publisher === undefined
      ? undefined
      : { crl: publisher.crl(caKeyId, 0), caIssuers: publisher.caIssuers(caKeyId), ocsp: publisher.ocsp }
  const { id, der } = await issueCertificate(
    context,
    {
      template: createCertificateTemplate(profile, { signatureAlgorithm: caSigner.algorithm, certificate: ca }, urls),
      issuerKeyId: caKeyId,
      signer: caSigner,
      subject: ca.subject,
      subjectAltName: [],
      subjectPublicKeyInfo: signer.publicKey,
      validity: validityAt(now, profile, undefined, ca),
      expect: 'any',
      serialNumber,
    },
    { signal },
  )
  const issuer = { keyId: keyId(signer.publicKey), certificate: parseCertificate(der), signer: async () => signer }
  const { ocspKeyring } = settings
  if (ocspKeyring !== undefined) await certifyResponder(context, issuingCa, issuer, await ocspKey(ocspKeyring), signal)
  return {
    issuingCa,
    issuer,
    serialNumber: id.serialNumber,
    hasOcspResponder: ocspKeyring !== undefined,
    usedUntil: new Date(now.getTime() + settings.useSeconds * 1000),
  }
}

/**
 * "a certificate's issuer MUST … issue a certificate containing the OCSP signing … directly", by the same key (RFC 6960 section 4.2.2.2): there is no doing it later. It lasts as long as what the key may sign.
 */
async function certifyResponder(
  context: IssueContext,
  issuingCa: Issuer,
  issuer: Issuer,
  responder: Signer,
  signal: AbortSignal,
): Promise<void> {
  const { certificate } = issuer
  const signer = await issuer.signer()
  const { notBefore, notAfter } = certificate
  await issueCertificate(
    context,
    {
      template: createCertificateTemplate(builtInProfiles.ocspResponder, {
        signatureAlgorithm: signer.algorithm,
        certificate,
      }),
      issuerKeyId: issuingCa.keyId,
      signer,
      subject: [
        ...certificate.subject.filter(rdn => rdn.every(({ type }) => type !== 'CN')),
        [{ type: 'CN', value: `OCSP responder ${issuer.keyId.slice(0, 16)}` }],
      ],
      subjectAltName: [],
      subjectPublicKeyInfo: responder.publicKey,
      validity: { notBefore, notAfter },
      expect: 'any',
      serialNumber: hotSerialNumber(keyIdentifierOf(certificate.subjectPublicKeyInfo), 'ocspResponder'),
    },
    { signal },
  )
}

const ocspKeyName = 'hot-ocsp'

/** The key that answers for all hot issuers; made where there is none, once among processes. */
export async function ocspKey(keyring: Keyring): Promise<Signer> {
  const existing = await keyring.open(ocspKeyName)
  if (existing !== undefined) return existing
  try {
    return await keyring.create(ocspKeyName, 'P-256')
  } catch (error) {
    const made = isPkiError(error, 'ERR_PKI_KEY_EXISTS') ? await keyring.open(ocspKeyName) : undefined
    if (made === undefined) throw error
    return made
  }
}
