import { encodeName, endlessNotAfter, extensionOids, fromHex, signatureAlgorithmIdentifier } from '@fleetcert/x509'
import {
  bitString,
  context,
  generalizedTime,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
  tlv,
  utcTime,
} from '@fleetcert/x509/der'
import { ca, cn, device, extension, issuer, keys, type LintCases, server } from './build-certificate.ts'

const ecdsaWithNull = sequence(objectIdentifier('1.2.840.10045.4.3.2'), nullValue())
const rsaWithout = sequence(objectIdentifier('1.2.840.113549.1.1.11'))
const mlDsa = (...parameters: Uint8Array[]) => sequence(objectIdentifier('2.16.840.1.101.3.4.3.17'), ...parameters)
const uniqueIdentifier = (tag: number) => context(tag, false, fromHex('0001'))

/** Rules about the fields of TBSCertificate before its subject. */
export const fieldCases: LintCases = {
  'same-signature-algorithm': {
    bad: [{ certificate: device(), outer: signatureAlgorithmIdentifier('ecdsa-with-SHA384') }],
    good: [{ certificate: device(), outer: signatureAlgorithmIdentifier('ecdsa-with-SHA256') }],
  },
  'signature-algorithm-parameters': {
    bad: [
      { certificate: device({}, { algorithm: ecdsaWithNull }) },
      { certificate: device({}, { algorithm: rsaWithout }) },
      { certificate: device({}, { algorithm: mlDsa(nullValue()) }) },
    ],
    good: [
      { certificate: device({}, { algorithm: signatureAlgorithmIdentifier('sha256WithRSAEncryption') }) },
      { certificate: device({}, { algorithm: signatureAlgorithmIdentifier('id-Ed25519') }) },
      { certificate: device({}, { algorithm: mlDsa() }) },
      // An algorithm that nobody here knows may have any.
      { certificate: device({}, { algorithm: sequence(objectIdentifier('1.2.3.4'), integer(1)) }) },
    ],
  },
  'signature-algorithm-fits-issuer': {
    bad: [
      {
        certificate: device({}, { algorithm: signatureAlgorithmIdentifier('sha256WithRSAEncryption') }),
        issuer: issuer(),
      },
      { certificate: device({}, { algorithm: signatureAlgorithmIdentifier('id-Ed25519') }), issuer: issuer() },
      { certificate: device(), issuer: issuer({}, { key: keys.rsa }) },
    ],
    good: [
      { certificate: device(), issuer: issuer() },
      {
        certificate: device({}, { algorithm: signatureAlgorithmIdentifier('sha384WithRSAEncryption') }),
        issuer: issuer({}, { key: keys.rsa }),
      },
      {
        certificate: device({}, { algorithm: signatureAlgorithmIdentifier('id-Ed25519') }),
        issuer: issuer({}, { key: keys.ed25519 }),
      },
    ],
  },
  'version-3': {
    // With extensions the strict reader refuses it: see the test of a version 1 certificate.
    bad: [],
    good: [{ certificate: device() }],
  },
  'serial-number-positive': {
    bad: [
      { certificate: device({}, { serialNumber: integer(0) }), also: ['serial-number-form'] },
      { certificate: device({}, { serialNumber: tlv(2, fromHex('80')) }), also: ['serial-number-form'] },
    ],
    good: [{ certificate: device({}, { serialNumber: integer(Buffer.alloc(16, 0x7f)) }) }],
  },
  'serial-number-length': {
    bad: [
      {
        certificate: device({}, { serialNumber: integer(Buffer.alloc(21, 1)) }),
        also: ['serial-number-form'],
      },
    ],
    good: [{ certificate: device({}, { serialNumber: integer(Buffer.alloc(16, 1)) }) }],
  },
  'serial-number-form': {
    bad: [
      { certificate: device({}, { serialNumber: integer(1) }) },
      { certificate: device({}, { serialNumber: integer(Buffer.alloc(20, 1)) }) },
    ],
    good: [{ certificate: device({}, { serialNumber: integer(Buffer.alloc(16, 1)) }) }],
  },
  'issuer-name': {
    bad: [{ certificate: device({}, { issuer: sequence() }) }],
    good: [{ certificate: device() }],
  },
  'issuer-name-copied': {
    bad: [
      { certificate: device({}, { issuer: encodeName(cn('Ca')) }), issuer: issuer() },
      // The same name in another string type.
      {
        certificate: device({}, { issuer: encodeName([[{ type: 'CN', value: 'CA', encoding: 'printableString' }]]) }),
        issuer: issuer(),
      },
    ],
    good: [{ certificate: device(), issuer: issuer() }],
  },
  'issuer-is-ca': {
    bad: [
      { certificate: device(), issuer: device({}, { subject: cn('CA') }) },
      {
        certificate: device(),
        issuer: issuer({ keyUsage: extension(extensionOids.keyUsage, true, fromHex('03020102')) }),
      },
    ],
    good: [
      { certificate: device(), issuer: issuer() },
      { certificate: device(), issuer: issuer({ keyUsage: undefined }) },
    ],
  },
  'validity-order': {
    bad: [{ certificate: device({}, { notBefore: new Date('2027-01-02') }) }],
    good: [{ certificate: device({}, { notBefore: new Date('2027-01-01') }) }],
  },
  'time-encoding': {
    bad: [
      { certificate: device({}, { notAfter: generalizedTime(new Date('2049-12-31T23:59:59Z')) }) },
      { certificate: device({}, { notBefore: generalizedTime(new Date('2026-01-01')) }) },
    ],
    good: [
      { certificate: device({}, { notAfter: utcTime(new Date('2049-12-31T23:59:59Z')) }) },
      { certificate: device({}, { notAfter: generalizedTime(new Date('2050-01-01')) }) },
    ],
  },
  'endless-not-after': {
    bad: [{ certificate: device({}, { notAfter: new Date('9999-12-31T00:00:00Z') }) }],
    good: [
      {
        certificate: device(
          {},
          { notAfter: endlessNotAfter, subject: [[{ type: 'serialNumber', value: 'a' }], ...cn('a')] },
        ),
      },
      { certificate: device({}, { notAfter: new Date('9998-12-31T23:59:59Z') }) },
    ],
  },
  'validity-within-issuer': {
    bad: [
      { certificate: device({}, { notAfter: new Date('2035-01-02') }), issuer: issuer() },
      { certificate: device({}, { notBefore: new Date('2024-12-31') }), issuer: issuer() },
      { certificate: ca({}, { notAfter: endlessNotAfter }), issuer: issuer() },
    ],
    good: [
      {
        certificate: device({}, { notBefore: new Date('2025-01-01'), notAfter: new Date('2035-01-01') }),
        issuer: issuer(),
      },
      {
        certificate: device(
          {},
          { notAfter: endlessNotAfter, subject: [[{ type: 'serialNumber', value: 'a' }], ...cn('a')] },
        ),
        issuer: issuer(),
      },
    ],
  },
  'unique-identifiers': {
    bad: [
      { certificate: device({}, { uniqueIdentifiers: [uniqueIdentifier(1)] }) },
      { certificate: device({}, { uniqueIdentifiers: [uniqueIdentifier(2)] }) },
      { certificate: device({}, { uniqueIdentifiers: [uniqueIdentifier(1), uniqueIdentifier(2)] }) },
    ],
    good: [{ certificate: device() }],
  },
  'no-duplicate-extension': {
    // The strict reader refuses it: see the test of an extension that is there twice.
    bad: [],
    good: [{ certificate: device() }],
  },
  'critical-default': {
    bad: [
      { certificate: server({ more: extension('1.2.3.4', 'false written out', nullValue()) }) },
      // The first extension, behind unique identifiers.
      {
        certificate: {
          extensions: [extension('1.2.3.4', 'false written out', nullValue()), ...device().extensions!],
          uniqueIdentifiers: [uniqueIdentifier(1)],
        },
        also: ['unique-identifiers'],
      },
    ],
    good: [
      { certificate: server({ more: extension('1.2.3.4', false, nullValue()) }) },
      // An OID that ends in the octets of a BOOLEAN FALSE, and a long value.
      { certificate: server({ more: extension('1.3.1.1.0', false, bitString(Buffer.alloc(300, 1))) }) },
    ],
  },
  'known-critical-extensions': {
    bad: [{ certificate: device({ more: extension('1.2.3.4', true, nullValue()) }) }],
    good: [{ certificate: device({ more: extension('1.2.3.4', false, nullValue()) }) }],
  },
}
