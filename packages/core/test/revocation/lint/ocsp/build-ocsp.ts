import { createHash } from 'node:crypto'
import {
  encodeCertId,
  encodeName,
  encodeOcspRequest,
  extendedKeyUsage,
  extendedKeyUsageOids,
  ocspNoCheck,
  parseTbsCertificate,
  signatureAlgorithmIdentifier,
} from '@fleetcert/x509'
import {
  bitString,
  context,
  createDerReader,
  derTag,
  enumerated,
  generalizedTime,
  objectIdentifier,
  octetString,
  sequence,
} from '@fleetcert/x509/der'
import {
  issuer as authority,
  cn,
  device,
  extension,
  type Fields,
  keys,
  tbsCertificate,
} from '../../../authority/lint/cases/build-certificate.ts'

export const basicOid = '1.3.6.1.5.5.7.48.1.1'
export const nonceOid = '1.3.6.1.5.5.7.48.1.2'
export const extendedRevokeOid = '1.3.6.1.5.5.7.48.1.9'

export const certificateOf = (fields: Fields): Uint8Array =>
  sequence(tbsCertificate(fields), signatureAlgorithmIdentifier('ecdsa-with-SHA256'), bitString(new Uint8Array(64)))

type Extensions = Parameters<typeof device>[0]

/** A responder's certificate that no rule minds, with changes. Its key is another than the CA's. */
export const delegate = (extensions: Extensions = {}, fields: Fields = {}): Uint8Array =>
  certificateOf(
    device(
      {
        extendedKeyUsage: extendedKeyUsage([extendedKeyUsageOids.ocspSigning]),
        san: undefined,
        crl: undefined,
        aia: undefined,
        more: ocspNoCheck(),
        ...extensions,
      },
      {
        subject: cn('OCSP'),
        key: keys.ed25519,
        notBefore: new Date('2025-12-20'),
        notAfter: new Date('2026-01-20'),
        ...fields,
      },
    ),
  )

export const issuerDer: Uint8Array = certificateOf(authority())
const issuerTbs = parseTbsCertificate(tbsCertificate(authority()))
export const certIdOf = (serialNumber: string = '07', algorithm: 'sha1' | 'sha256' = 'sha256'): Uint8Array =>
  encodeCertId(issuerTbs, serialNumber, algorithm)
/** A CertID of another issuer key: one octet of its hash is another one. */
export const spoiltKeyHash = (): Uint8Array => {
  const certId = certIdOf('07', 'sha1')
  return certId.with(-10, certId.at(-10)! ^ 0xff)
}
/** A CertID of these hashes, of the serial number 7. */
export const rawCertId = (algorithm: string, nameHash: Uint8Array, issuerKeyHash: Uint8Array): Uint8Array =>
  sequence(
    sequence(objectIdentifier(algorithm)),
    octetString(nameHash),
    octetString(issuerKeyHash),
    Uint8Array.of(2, 1, 7),
  )

export function keyHashOf(key: Uint8Array): Uint8Array {
  const reader = createDerReader(key)
  reader.enter(derTag.sequence)
  reader.element()
  return createHash('sha1').update(reader.bitString().octets).digest()
}

export const at = (text: string): Uint8Array => generalizedTime(new Date(text))
const signedAt = at('2026-01-01')

export const good: Uint8Array = context(0, false)
export const unknown: Uint8Array = context(2, false)
export const revoked = (reason?: number, since: Uint8Array = at('2025-12-01')): Uint8Array =>
  context(1, true, since, ...(reason === undefined ? [] : [context(0, true, enumerated(reason))]))

export interface SingleFields {
  readonly certId?: Uint8Array
  readonly status?: Uint8Array
  readonly thisUpdate?: Uint8Array
  readonly nextUpdate?: Uint8Array | null
  readonly extensions?: readonly Uint8Array[]
}

export function single(fields: SingleFields = {}): Uint8Array {
  const { nextUpdate, extensions } = fields
  return sequence(
    fields.certId ?? certIdOf(),
    fields.status ?? good,
    fields.thisUpdate ?? signedAt,
    ...(nextUpdate === null ? [] : [context(0, true, nextUpdate ?? at('2026-01-02'))]),
    ...(extensions === undefined ? [] : [context(1, true, sequence(...extensions))]),
  )
}

/** What an OCSPResponse is put together from; whole elements, DER. */
export interface OcspFields {
  readonly status?: number
  /** `null`: no responseBytes. */
  readonly bytes?: { readonly type: string; readonly octets: Uint8Array } | null
  readonly version?: Uint8Array
  readonly responderId?: Uint8Array
  readonly producedAt?: Uint8Array
  readonly responses?: readonly Uint8Array[]
  readonly extensions?: readonly Uint8Array[]
  readonly algorithm?: Uint8Array
  /** `null`: the field is absent. */
  readonly certificates?: readonly Uint8Array[] | null
}

export const byKey = (key: Uint8Array): Uint8Array => context(2, true, octetString(keyHashOf(key)))
export const byName = (name: string): Uint8Array => context(1, true, encodeName(cn(name)))
/** What of a response changes when the CA signs itself. */
export const signedByCa: OcspFields = {
  responderId: byKey(keys.ec),
  algorithm: signatureAlgorithmIdentifier('ecdsa-with-SHA256'),
  certificates: null,
}

/** An OCSPResponse that no rule minds, of a delegate, with changes. */
export function ocspResponse(fields: OcspFields = {}): Uint8Array {
  const { status = 0, certificates, bytes } = fields
  const basic = sequence(
    sequence(
      ...(fields.version === undefined ? [] : [context(0, true, fields.version)]),
      fields.responderId ?? byKey(keys.ed25519),
      fields.producedAt ?? signedAt,
      sequence(...(fields.responses ?? [single()])),
      ...(fields.extensions === undefined ? [] : [context(1, true, sequence(...fields.extensions))]),
    ),
    fields.algorithm ?? signatureAlgorithmIdentifier('id-Ed25519'),
    bitString(new Uint8Array(64)),
    ...(certificates === null ? [] : [context(0, true, sequence(...(certificates ?? [delegate()])))]),
  )
  if (bytes === null) return sequence(enumerated(status))
  const { type, octets } = bytes ?? { type: basicOid, octets: basic }
  return sequence(enumerated(status), context(0, true, sequence(objectIdentifier(type), octetString(octets))))
}

export const nonceOf = (value: Uint8Array, critical: boolean | 'false written out' = false): Uint8Array =>
  extension(nonceOid, critical, value)
export const request = (options: { readonly nonce?: Uint8Array } = {}, ...certIds: readonly Uint8Array[]): Uint8Array =>
  encodeOcspRequest(certIds.length === 0 ? [certIdOf()] : certIds, options)

/** A response for a rule to judge. */
export interface OcspCase {
  readonly response: OcspFields
  readonly request?: Uint8Array
  /** Judged without the issuer's certificate. */
  readonly withoutIssuer?: true
  /** Rules beside the one in question that it breaks too. */
  readonly also?: readonly string[]
}
