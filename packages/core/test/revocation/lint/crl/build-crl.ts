import {
  authorityKeyIdentifier,
  crlNumberExtension,
  encodeName,
  encodeRevokedEntry,
  encodeTime,
  extensionOids,
  issuingDistributionPoint,
  keyIdentifierOf,
  parseTbsCertificate,
  signatureAlgorithmIdentifier,
  type TbsCertificate,
} from '@fleetcert/x509'
import {
  bitString,
  concat,
  context,
  enumerated,
  generalizedTime,
  integer,
  octetString,
  sequence,
} from '@fleetcert/x509/der'
import {
  issuer as authority,
  cn,
  extension,
  type Fields,
  keys,
  tbsCertificate,
} from '../../../authority/lint/cases/build-certificate.ts'

/** What a CertificateList is put together from; whole elements, DER. `null`: the field is absent. */
export interface CrlFields {
  readonly version?: Uint8Array | null
  readonly algorithm?: Uint8Array
  readonly issuer?: Uint8Array
  readonly thisUpdate?: Uint8Array
  readonly nextUpdate?: Uint8Array | null
  readonly entries?: readonly Uint8Array[] | null
  readonly extensions?: readonly Uint8Array[] | null
  readonly outer?: Uint8Array
  /** signatureValue. */
  readonly signature?: Uint8Array
}

type ListExtensions = Partial<Record<'aki' | 'number' | 'idp' | 'delta' | 'freshest' | 'more', Uint8Array | undefined>>

const url = 'http://pki.example/crl/0.crl'
export const aki: Uint8Array = authorityKeyIdentifier(keyIdentifierOf(keys.ec))
const good: ListExtensions = { aki, number: crlNumberExtension(7n), idp: issuingDistributionPoint({ urls: [url] }) }

/** The extensions of a CRL that no rule minds, with changes. */
export const withExtensions = (changes: ListExtensions): CrlFields => ({
  extensions: Object.values({ ...good, ...changes }).filter(value => value !== undefined),
})

export const deltaIndicator = (base: number | Uint8Array, critical: boolean = true): Uint8Array =>
  extension(extensionOids.deltaCrlIndicator, critical, base instanceof Uint8Array ? base : integer(base))

/** IssuingDistributionPoint of these fields. */
export const idpOf = (...fields: readonly Uint8Array[]): Uint8Array =>
  extension(extensionOids.issuingDistributionPoint, true, sequence(...fields))
export const flag = (tagNumber: number, value: boolean): Uint8Array =>
  context(tagNumber, false, Uint8Array.of(value ? 0xff : 0))
export const pointName = (text: string = url): Uint8Array =>
  context(0, true, context(0, true, context(6, false, Buffer.from(text))))
/** DistributionPoints: CRLDistributionPoints and FreshestCRL. */
export const freshest = (critical: boolean, ...points: readonly Uint8Array[]): Uint8Array =>
  extension(extensionOids.freshestCrl, critical, sequence(...points))

export const serial: Uint8Array = integer(Buffer.alloc(16, 7))
const revokedAt = encodeTime(new Date('2025-12-01'))

/** An entry of these extensions; none at all without arguments. */
export const entryWith = (...extensions: readonly Uint8Array[]): Uint8Array =>
  extensions.length === 0 ? sequence(serial, revokedAt) : sequence(serial, revokedAt, sequence(...extensions))
export const entryOf = (userCertificate: Uint8Array, revocationDate: Uint8Array = revokedAt): Uint8Array =>
  sequence(userCertificate, revocationDate)
export const reason = (value: number | Uint8Array, critical: boolean | 'false written out' = false): Uint8Array =>
  extension(extensionOids.reasonCode, critical, value instanceof Uint8Array ? value : enumerated(value))
export const invalidity = (value: Uint8Array, critical: boolean = false): Uint8Array =>
  extension(extensionOids.invalidityDate, critical, value)
export const entryExtension: (oid: string, critical: boolean, value: Uint8Array) => Uint8Array = extension

/** An entry as fleetcert writes it. */
export const revoked = (serialNumber: string): Uint8Array =>
  encodeRevokedEntry({
    serialNumber,
    revocation: {
      revocationDate: new Date('2025-12-01'),
      reason: 'keyCompromise',
      invalidityDate: new Date('2025-11-01'),
    },
  })

export function tbsCertList(fields: CrlFields = {}): Uint8Array {
  const { version, nextUpdate, entries, extensions } = fields
  return sequence(
    ...(version === null ? [] : [version ?? integer(1)]),
    fields.algorithm ?? signatureAlgorithmIdentifier('ecdsa-with-SHA256'),
    fields.issuer ?? encodeName(cn('CA')),
    fields.thisUpdate ?? encodeTime(new Date('2026-01-01')),
    ...(nextUpdate === null ? [] : [nextUpdate ?? encodeTime(new Date('2026-01-08'))]),
    ...(entries === null ? [] : [sequence(...(entries ?? [revoked('07'.repeat(16))]))]),
    ...(extensions === null ? [] : [context(0, true, sequence(...(extensions ?? withExtensions({}).extensions!)))]),
  )
}

export function certificateList(fields: CrlFields = {}): Uint8Array {
  const outer = fields.outer ?? fields.algorithm ?? signatureAlgorithmIdentifier('ecdsa-with-SHA256')
  return sequence(tbsCertList(fields), outer, fields.signature ?? bitString(octetString(new Uint8Array(64))))
}

/** The certificate of all these CRLs' issuer. */
export const issuerDer = (fields: Fields = authority()): Uint8Array =>
  sequence(tbsCertificate(fields), signatureAlgorithmIdentifier('ecdsa-with-SHA256'), bitString(new Uint8Array(64)))
export const issuerOf = (fields: Fields = authority()): TbsCertificate => parseTbsCertificate(tbsCertificate(fields))

/** UTCTime or GeneralizedTime of any text. */
export const timeOf = (tag: number, text: string): Uint8Array =>
  concat([Uint8Array.of(tag, text.length), Buffer.from(text)])
export const generalized: (date: Date) => Uint8Array = generalizedTime

/** A CRL for a rule to judge. */
export interface CrlCase {
  readonly crl: CrlFields
  /** Its issuer's certificate; that of all others if nothing is said. */
  readonly issuer?: Fields
  /** Rules beside the one in question that it breaks too. */
  readonly also?: readonly string[]
}
