import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  type DistinguishedName,
  encodeName,
  encodeTime,
  extendedKeyUsage,
  extendedKeyUsageOids,
  type GeneralName,
  keyIdentifierOf,
  keyUsage,
  signatureAlgorithmIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
} from '@fleetcert/x509'
import { bitString, boolean, context, integer, objectIdentifier, octetString, sequence } from '@fleetcert/x509/der'

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'spki' }))

/** SubjectPublicKeyInfo of each kind of key that a rule tells apart. */
export const keys: Readonly<Record<'ec' | 'rsa' | 'ed25519' | 'x25519' | 'mlDsa44', Uint8Array>> = {
  ec: spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
  rsa: spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
  ed25519: spkiOf(generateKeyPairSync('ed25519').publicKey),
  x25519: spkiOf(generateKeyPairSync('x25519').publicKey),
  mlDsa44: sequence(sequence(objectIdentifier('2.16.840.1.101.3.4.3.17')), bitString(Buffer.alloc(1312, 5))),
}

export const cn = (...values: string[]): DistinguishedName => values.map(value => [{ type: 'CN', value }])

/** What a TBSCertificate is put together from; whole elements, DER, where nothing else is said. */
export interface Fields {
  readonly version?: Uint8Array
  readonly serialNumber?: Uint8Array
  readonly algorithm?: Uint8Array
  readonly issuer?: Uint8Array
  readonly subject?: DistinguishedName | Uint8Array
  readonly notBefore?: Date | Uint8Array
  readonly notAfter?: Date | Uint8Array
  readonly key?: Uint8Array
  readonly uniqueIdentifiers?: readonly Uint8Array[]
  readonly extensions?: readonly Uint8Array[]
}

type Extensions = Partial<
  Record<
    'basicConstraints' | 'keyUsage' | 'extendedKeyUsage' | 'ski' | 'aki' | 'san' | 'crl' | 'aia' | 'more',
    Uint8Array | undefined
  >
>

const ski = subjectKeyIdentifier(keyIdentifierOf(keys.ec))
const aki = authorityKeyIdentifier(keyIdentifierOf(keys.ec))
const deviceExtensions: Extensions = {
  keyUsage: keyUsage(['digitalSignature']),
  extendedKeyUsage: extendedKeyUsage([extendedKeyUsageOids.clientAuth]),
  ski,
  san: subjectAltName([{ type: 'uri', value: 'urn:fleetcert:device:a' }]),
  aki,
  crl: crlDistributionPoints(['http://pki.example/crl']),
  aia: authorityInfoAccess({ caIssuers: ['http://pki.example/ca'] }),
}
const caExtensions: Extensions = {
  basicConstraints: basicConstraints({ cA: true, pathLength: 0 }),
  keyUsage: keyUsage(['keyCertSign', 'cRLSign']),
  ski,
  aki,
}
const listOf = (extensions: Extensions): Uint8Array[] => Object.values(extensions).filter(value => value !== undefined)

/** A device's certificate that no rule minds, with changes. */
export const device = (extensions: Extensions = {}, fields: Fields = {}): Fields => ({
  ...fields,
  extensions: listOf({ ...deviceExtensions, ...extensions }),
})

/** A device with these names in subjectAltName beside its URN. */
export const named = (...names: GeneralName[]): Fields =>
  device({ san: subjectAltName([{ type: 'uri', value: 'urn:fleetcert:device:a' }, ...names]) })

/** A server's certificate that no rule minds, with changes. */
export const server = (extensions: Extensions = {}, fields: Fields = {}): Fields =>
  device(
    {
      extendedKeyUsage: extendedKeyUsage([extendedKeyUsageOids.serverAuth]),
      san: subjectAltName([{ type: 'dns', value: 'broker.example' }]),
      ...extensions,
    },
    { subject: cn('broker.example'), ...fields },
  )

/** A CA's certificate that no rule minds, with changes. */
export const ca = (extensions: Extensions = {}, fields: Fields = {}): Fields => ({
  subject: cn('Issuing CA'),
  ...fields,
  extensions: listOf({ ...caExtensions, ...extensions }),
})

/** The issuer of all the others, as its own certificate says. */
export const issuer = (extensions: Extensions = {}, fields: Fields = {}): Fields =>
  ca(
    { basicConstraints: basicConstraints({ cA: true }), aki: undefined, ...extensions },
    { subject: cn('CA'), notBefore: new Date('2025-01-01'), notAfter: new Date('2035-01-01'), ...fields },
  )

/** An extension with `critical` as it is asked for, whatever a CA ought to write. */
export const extension = (oid: string, critical: boolean | 'false written out', value: Uint8Array): Uint8Array =>
  critical === false
    ? sequence(objectIdentifier(oid), octetString(value))
    : sequence(objectIdentifier(oid), boolean(critical === true), octetString(value))

/** The TBSCertificate of `fields`; the defaults are those of a device. */
export function tbsCertificate(fields: Fields = device()): Uint8Array {
  const time = (value: Date | Uint8Array): Uint8Array => (value instanceof Uint8Array ? value : encodeTime(value))
  const subject = fields.subject ?? cn('a')
  return sequence(
    fields.version ?? context(0, true, integer(2)),
    fields.serialNumber ?? integer(Buffer.alloc(16, 7)),
    fields.algorithm ?? signatureAlgorithmIdentifier('ecdsa-with-SHA256'),
    fields.issuer ?? encodeName(cn('CA')),
    sequence(time(fields.notBefore ?? new Date('2026-01-01')), time(fields.notAfter ?? new Date('2027-01-01'))),
    subject instanceof Uint8Array ? subject : encodeName(subject),
    fields.key ?? keys.ec,
    ...(fields.uniqueIdentifiers ?? []),
    context(3, true, sequence(...(fields.extensions ?? listOf(deviceExtensions)))),
  )
}

/** A certificate for a rule to judge. */
export interface LintCase {
  readonly certificate: Fields
  /** Its issuer's certificate, where the rule compares the two. */
  readonly issuer?: Fields
  /** The AlgorithmIdentifier beside TBSCertificate. */
  readonly outer?: Uint8Array
  /** Rules beside the one in question that it breaks too. */
  readonly also?: readonly string[]
}

/** By rule: certificates that it must find fault with, and that it must not. */
export type LintCases = Readonly<
  Record<string, { readonly bad: readonly LintCase[]; readonly good: readonly LintCase[] }>
>
