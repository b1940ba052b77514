import { createHash } from 'node:crypto'
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  encodeExtension,
  encodeName,
  extendedKeyUsage,
  extendedKeyUsageOids,
  extensionOids,
  fromHex,
  type KeyUsageBit,
  keyIdentifierOf,
  keyUsage,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
} from '@fleetcert/x509'
import { boolean, context, integer, octetString, sequence } from '@fleetcert/x509/der'
import { ca, cn, device, extension, type Fields, issuer, keys, type LintCases, server } from './build-certificate.ts'

const { serverAuth, clientAuth, emailProtection, timeStamping, ocspSigning, anyExtendedKeyUsage } = extendedKeyUsageOids
const keyId = keyIdentifierOf(keys.ec)
const octets = (length: number): Uint8Array => Buffer.alloc(length, 9)
const withKey = (key: Uint8Array, ...bits: KeyUsageBit[]): Fields => device({ keyUsage: keyUsage(bits) }, { key })
const purposes = (...oids: string[]): Uint8Array => extendedKeyUsage(oids)
const uri = (value: string): Uint8Array => context(6, false, Buffer.from(value))
const fullName = context(0, true, context(0, true, uri('http://pki.example/crl')))
const reasons = context(1, false, fromHex('0640'))
const cRLIssuer = context(2, true, context(4, true, encodeName(cn('CRL'))))
const points = (...content: readonly Uint8Array[][]): Uint8Array =>
  encodeExtension(extensionOids.crlDistributionPoints, false, sequence(...content.map(fields => sequence(...fields))))
const aki = (...fields: Uint8Array[]): Uint8Array =>
  encodeExtension(extensionOids.authorityKeyIdentifier, false, sequence(...fields))
const akiIssuer = context(1, true, context(4, true, encodeName(cn('Root'))))
const akiSerial = context(2, false, fromHex('01'))
const responder = { extendedKeyUsage: purposes(ocspSigning), crl: undefined, aia: undefined, san: undefined }
// RFC 7093: a hash of the key's BIT STRING (here without its 26 octets of header), or of the whole SubjectPublicKeyInfo.
const sha256 = (data: Uint8Array, length: number): Uint8Array =>
  createHash('sha256').update(data).digest().subarray(0, length)

/** Rules about key identifiers, usages, constraints and published addresses. */
export const extensionCases: LintCases = {
  'authority-key-identifier': {
    bad: [
      { certificate: device({ aki: undefined }) },
      { certificate: device({ aki: aki(akiIssuer, akiSerial) }) },
      { certificate: ca({ aki: undefined }) },
    ],
    good: [
      { certificate: device() },
      // Self-signed.
      { certificate: issuer() },
    ],
  },
  'authority-key-identifier-not-critical': {
    bad: [
      {
        certificate: device({
          aki: extension(extensionOids.authorityKeyIdentifier, true, sequence(context(0, false, keyId))),
        }),
        also: ['known-critical-extensions'],
      },
    ],
    good: [{ certificate: device() }],
  },
  'authority-key-identifier-matches': {
    bad: [
      { certificate: device({ aki: authorityKeyIdentifier(octets(20)) }), issuer: issuer() },
      {
        certificate: device({ aki: authorityKeyIdentifier(keyId) }),
        issuer: issuer({ ski: subjectKeyIdentifier(octets(8)) }),
      },
    ],
    good: [
      { certificate: device(), issuer: issuer() },
      {
        certificate: device({ aki: authorityKeyIdentifier(octets(8)) }),
        issuer: issuer({ ski: subjectKeyIdentifier(octets(8)) }),
      },
      { certificate: device(), issuer: issuer({ ski: undefined }) },
    ],
  },
  'authority-cert-issuer-pair': {
    bad: [
      { certificate: device({ aki: aki(context(0, false, keyId), akiIssuer) }) },
      { certificate: device({ aki: aki(context(0, false, keyId), akiSerial) }) },
    ],
    good: [{ certificate: device({ aki: aki(context(0, false, keyId), akiIssuer, akiSerial) }) }],
  },
  'subject-key-identifier-in-ca': {
    bad: [{ certificate: ca({ ski: undefined }) }],
    good: [{ certificate: ca() }],
  },
  'subject-key-identifier-in-end-entity': {
    bad: [{ certificate: device({ ski: undefined }) }],
    good: [{ certificate: device() }],
  },
  'subject-key-identifier-not-critical': {
    bad: [
      {
        certificate: device({ ski: extension(extensionOids.subjectKeyIdentifier, true, octetString(keyId)) }),
        also: ['known-critical-extensions'],
      },
    ],
    good: [{ certificate: device() }],
  },
  'subject-key-identifier-derived': {
    bad: [
      { certificate: ca({ ski: subjectKeyIdentifier(octets(20)) }) },
      { certificate: ca({ ski: subjectKeyIdentifier(sha256(keys.ec.subarray(26), 8)) }) },
    ],
    good: [
      { certificate: ca({ ski: subjectKeyIdentifier(sha256(keys.ec.subarray(26), 20)) }) },
      { certificate: ca({ ski: subjectKeyIdentifier(sha256(keys.ec, 32)) }) },
      { certificate: device({ ski: subjectKeyIdentifier(octets(20)) }) },
    ],
  },
  'key-usage-in-ca': {
    bad: [{ certificate: ca({ keyUsage: undefined }), also: ['path-length-in-ca'] }],
    good: [{ certificate: ca() }],
  },
  'key-usage-in-end-entity': {
    bad: [{ certificate: device({ keyUsage: undefined }) }],
    good: [{ certificate: device() }],
  },
  'key-usage-critical': {
    bad: [{ certificate: device({ keyUsage: extension(extensionOids.keyUsage, false, fromHex('03020780')) }) }],
    good: [{ certificate: device() }],
  },
  'key-usage-not-empty': {
    bad: [
      {
        certificate: device({ keyUsage: extension(extensionOids.keyUsage, true, fromHex('030100')) }),
        also: ['key-usage-fits-purpose'],
      },
    ],
    good: [{ certificate: device() }],
  },
  'key-usage-named-bits': {
    bad: [
      // One bit in eight, in sixteen; none in one octet.
      { certificate: device({ keyUsage: extension(extensionOids.keyUsage, true, fromHex('03020080')) }) },
      { certificate: device({ keyUsage: extension(extensionOids.keyUsage, true, fromHex('0303078000')) }) },
      {
        certificate: device({ keyUsage: extension(extensionOids.keyUsage, true, fromHex('03020700')) }),
        also: ['key-usage-not-empty', 'key-usage-fits-purpose'],
      },
    ],
    good: [
      { certificate: device() },
      { certificate: device({ keyUsage: keyUsage(['digitalSignature', 'keyAgreement', 'decipherOnly']) }) },
    ],
  },
  'key-cert-sign-in-ca': {
    bad: [
      { certificate: device({ keyUsage: keyUsage(['digitalSignature', 'keyCertSign']) }) },
      { certificate: ca({ keyUsage: keyUsage(['cRLSign']) }), also: ['path-length-in-ca'] },
    ],
    good: [{ certificate: ca({ keyUsage: keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']) }) }],
  },
  'crl-sign-in-ca': {
    bad: [
      { certificate: device({ keyUsage: keyUsage(['digitalSignature', 'cRLSign']) }) },
      { certificate: ca({ keyUsage: keyUsage(['keyCertSign']) }) },
    ],
    good: [
      { certificate: ca() },
      // A further key of the same CA, certified by the first one.
      { certificate: ca({ keyUsage: keyUsage(['keyCertSign']) }, { subject: cn('CA') }), issuer: issuer() },
    ],
  },
  'key-usage-fits-key': {
    bad: [
      { certificate: withKey(keys.ec, 'digitalSignature', 'keyEncipherment') },
      { certificate: withKey(keys.ec, 'digitalSignature', 'dataEncipherment') },
      { certificate: withKey(keys.rsa, 'digitalSignature', 'keyAgreement') },
      { certificate: withKey(keys.ed25519, 'digitalSignature', 'keyAgreement') },
      { certificate: withKey(keys.mlDsa44, 'digitalSignature', 'keyEncipherment') },
      { certificate: withKey(keys.x25519, 'digitalSignature', 'keyAgreement') },
    ],
    good: [
      { certificate: withKey(keys.ec, 'digitalSignature', 'keyAgreement') },
      { certificate: withKey(keys.rsa, 'digitalSignature', 'keyEncipherment') },
      { certificate: withKey(keys.ed25519, 'digitalSignature', 'nonRepudiation') },
      { certificate: withKey(keys.mlDsa44, 'digitalSignature') },
      { certificate: withKey(keys.x25519, 'keyAgreement') },
    ],
  },
  'encipher-only-with-agreement': {
    bad: [
      { certificate: device({ keyUsage: keyUsage(['digitalSignature', 'encipherOnly']) }) },
      { certificate: device({ keyUsage: keyUsage(['digitalSignature', 'decipherOnly']) }) },
    ],
    good: [{ certificate: device({ keyUsage: keyUsage(['digitalSignature', 'keyAgreement', 'encipherOnly']) }) }],
  },
  'basic-constraints-critical': {
    bad: [
      {
        certificate: ca({
          basicConstraints: extension(extensionOids.basicConstraints, false, sequence(boolean(true))),
        }),
      },
    ],
    good: [{ certificate: ca() }, { certificate: device({ basicConstraints: basicConstraints({ cA: false }) }) }],
  },
  'basic-constraints-default': {
    bad: [
      {
        certificate: device({
          basicConstraints: extension(extensionOids.basicConstraints, true, sequence(boolean(false))),
        }),
      },
    ],
    good: [{ certificate: device({ basicConstraints: basicConstraints({ cA: false }) }) }, { certificate: ca() }],
  },
  'path-length-in-ca': {
    bad: [
      {
        certificate: device({
          basicConstraints: extension(extensionOids.basicConstraints, true, sequence(integer(0))),
        }),
      },
      { certificate: ca({ keyUsage: keyUsage(['digitalSignature', 'cRLSign']) }), also: ['key-cert-sign-in-ca'] },
    ],
    good: [{ certificate: ca() }],
  },
  'path-length-below-issuer': {
    bad: [
      { certificate: ca(), issuer: issuer({ basicConstraints: basicConstraints({ cA: true, pathLength: 0 }) }) },
      {
        certificate: ca({ basicConstraints: basicConstraints({ cA: true, pathLength: 1 }) }),
        issuer: issuer({ basicConstraints: basicConstraints({ cA: true, pathLength: 1 }) }),
      },
      {
        certificate: ca({ basicConstraints: basicConstraints({ cA: true }) }),
        issuer: issuer({ basicConstraints: basicConstraints({ cA: true, pathLength: 3 }) }),
      },
    ],
    good: [
      { certificate: ca(), issuer: issuer({ basicConstraints: basicConstraints({ cA: true, pathLength: 1 }) }) },
      { certificate: ca({ basicConstraints: basicConstraints({ cA: true, pathLength: 5 }) }), issuer: issuer() },
      { certificate: device(), issuer: issuer({ basicConstraints: basicConstraints({ cA: true, pathLength: 0 }) }) },
    ],
  },
  'extended-key-usage-in-end-entity': {
    bad: [{ certificate: device({ extendedKeyUsage: undefined }) }],
    good: [{ certificate: device() }, { certificate: ca() }],
  },
  'ca-without-extended-key-usage': {
    bad: [{ certificate: ca({ extendedKeyUsage: purposes(clientAuth) }) }],
    good: [{ certificate: ca() }],
  },
  'no-any-extended-key-usage': {
    bad: [{ certificate: device({ extendedKeyUsage: purposes(clientAuth, anyExtendedKeyUsage) }) }],
    good: [{ certificate: device({ extendedKeyUsage: purposes(clientAuth, '1.2.3.4') }) }],
  },
  'any-extended-key-usage-not-critical': {
    bad: [
      {
        certificate: device({ extendedKeyUsage: extendedKeyUsage([anyExtendedKeyUsage], { critical: true }) }),
        also: ['no-any-extended-key-usage'],
      },
    ],
    good: [{ certificate: device({ extendedKeyUsage: extendedKeyUsage([clientAuth], { critical: true }) }) }],
  },
  'key-usage-fits-purpose': {
    bad: [
      { certificate: device({ keyUsage: keyUsage(['nonRepudiation']) }) },
      {
        certificate: device({
          keyUsage: keyUsage(['keyAgreement']),
          extendedKeyUsage: purposes(clientAuth, '1.3.6.1.5.5.7.3.3'),
        }),
      },
    ],
    good: [
      { certificate: device({ keyUsage: keyUsage(['keyAgreement']) }) },
      { certificate: device({ extendedKeyUsage: purposes(clientAuth, '1.2.3.4') }) },
      { certificate: device({ keyUsage: keyUsage(['nonRepudiation']), extendedKeyUsage: purposes(emailProtection) }) },
    ],
  },
  'server-auth-names': {
    bad: [
      { certificate: server({ san: undefined }), also: ['server-auth-hosts'] },
      {
        certificate: server({ san: subjectAltName([{ type: 'email', value: 'a@example' }]) }),
        also: ['server-auth-hosts'],
      },
    ],
    good: [{ certificate: server() }, { certificate: ca() }],
  },
  'server-auth-hosts': {
    bad: [
      { certificate: server({ san: subjectAltName([{ type: 'uri', value: 'sip:example' }]) }) },
      { certificate: device({ extendedKeyUsage: purposes(clientAuth, serverAuth) }) },
    ],
    good: [
      { certificate: server() },
      { certificate: server({ san: subjectAltName([{ type: 'ip', value: '192.0.2.1' }]) }) },
    ],
  },
  'ocsp-responder': {
    bad: [
      { certificate: device(responder) },
      {
        certificate: device({ ...responder, more: ocspNoCheck(), extendedKeyUsage: purposes(ocspSigning, clientAuth) }),
      },
      {
        certificate: device({
          ...responder,
          more: ocspNoCheck(),
          crl: crlDistributionPoints(['http://pki.example/crl']),
        }),
      },
      {
        certificate: device({
          ...responder,
          more: ocspNoCheck(),
          aia: authorityInfoAccess({ ocsp: ['http://pki.example'] }),
        }),
      },
      { certificate: device({ more: ocspNoCheck() }) },
      { certificate: ca({ more: ocspNoCheck() }) },
    ],
    good: [{ certificate: device({ ...responder, more: ocspNoCheck() }) }, { certificate: device() }],
  },
  'time-stamping-alone': {
    bad: [
      { certificate: device({ extendedKeyUsage: purposes(timeStamping) }) },
      { certificate: device({ extendedKeyUsage: extendedKeyUsage([timeStamping, clientAuth], { critical: true }) }) },
    ],
    good: [{ certificate: device({ extendedKeyUsage: extendedKeyUsage([timeStamping], { critical: true }) }) }],
  },
  'crl-distribution-points-not-critical': {
    bad: [
      {
        certificate: device({
          crl: extension(extensionOids.crlDistributionPoints, true, sequence(sequence(fullName))),
        }),
        also: ['known-critical-extensions'],
      },
    ],
    good: [{ certificate: device() }],
  },
  'crl-distribution-point-name': {
    bad: [
      { certificate: device({ crl: points([reasons]) }) },
      { certificate: device({ crl: points([fullName], []) }) },
    ],
    good: [
      { certificate: device({ crl: points([fullName, reasons], [cRLIssuer], [fullName]) }) },
      {
        certificate: device({
          crl: crlDistributionPoints(['http://pki.example/1', `http://pki.example/${'2'.repeat(200)}`]),
        }),
      },
    ],
  },
  'authority-info-access-not-critical': {
    bad: [
      {
        certificate: device({
          aia: extension(
            extensionOids.authorityInfoAccess,
            true,
            sequence(sequence(fromHex('06082b06010505073002'), uri('http://pki.example'))),
          ),
        }),
        also: ['known-critical-extensions'],
      },
    ],
    good: [{ certificate: device() }],
  },
  'no-https-urls': {
    bad: [
      {
        certificate: device({ crl: crlDistributionPoints(['http://pki.example', 'https://pki.example']) }),
        also: ['http-urls'],
      },
      {
        certificate: device({ aia: authorityInfoAccess({ caIssuers: ['LDAPS://pki.example'] }) }),
        also: ['http-urls'],
      },
    ],
    good: [{ certificate: device() }],
  },
  'http-urls': {
    bad: [{ certificate: device({ aia: authorityInfoAccess({ ocsp: ['ldap://pki.example'] }) }) }],
    good: [{ certificate: device({ aia: undefined, crl: undefined }) }],
  },
}
