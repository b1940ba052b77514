import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  bitString,
  boolean,
  context,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  utcTime,
} from '../src/der/index.ts'
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  encodeCertificate,
  encodeExtension,
  encodeName,
  encodePem,
  encodeTime,
  endlessNotAfter,
  extendedKeyUsage,
  extendedKeyUsageOids,
  formatName,
  keyIdentifierOf,
  keyUsage,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
  parseTbsCertificate,
  signatureAlgorithmIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
  verifySignature,
} from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'
import { assembleTbs, caName, issue, issueCa, makeSigner, type TestKey } from './support/issue.ts'
import { describeOpenssl } from './support/openssl.ts'

const signer = makeSigner()
const time = utcTime(new Date('2024-01-01T00:00:00Z'))
const identifier = signatureAlgorithmIdentifier(signer.algorithm)
const signature = bitString(new Uint8Array(8))
const sha256WithRsa = signatureAlgorithmIdentifier('sha256WithRSAEncryption')
const name = encodeName(caName)
const anExtension = encodeExtension('1.2.3', false, nullValue())

/** The fields of a well-formed TBSCertificate, to be replaced one by one; an empty list leaves a field out. */
function tbsWith(fields: Record<string, Uint8Array | readonly Uint8Array[]> = {}): Uint8Array {
  const all = {
    version: context(0, true, integer(2)),
    serialNumber: integer(5),
    signature: identifier,
    issuer: name,
    validity: sequence(time, time),
    subject: name,
    subjectPublicKeyInfo: signer.publicKey,
    uniqueIdentifiers: [] as readonly Uint8Array[],
    extensions: context(3, true, sequence(anExtension)),
    ...fields,
  }
  return sequence(...Object.values(all).flat())
}
const certificateOf = (tbs: Uint8Array) => sequence(tbs, identifier, signature)

describe('parseCertificate', () => {
  it('reads a subjectAltName of no names, which CAs have written', () => {
    const tbs = tbsWith({ extensions: context(3, true, sequence(encodeExtension('2.5.29.17', false, sequence()))) })
    expect(parseCertificate(certificateOf(tbs)).subjectAltName).toEqual([])
  })

  it('gives back what was put in', async () => {
    const id = keyIdentifierOf(signer.publicKey)
    const names = [
      { type: 'dns', value: 'a.example' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'uri', value: 'urn:fleetcert:device:a' },
    ] as const
    const subject = [[{ type: 'CN', value: 'device-1' }]]
    const der = await issue({
      issuer: signer,
      subject,
      serialNumber: Uint8Array.of(0x0a, 0xff),
      notAfter: endlessNotAfter,
      extensions: [
        basicConstraints({ cA: true, pathLength: 3 }),
        keyUsage(['digitalSignature', 'cRLSign']),
        extendedKeyUsage([extendedKeyUsageOids.clientAuth]),
        subjectAltName(names),
        subjectKeyIdentifier(id),
        authorityKeyIdentifier(id),
        crlDistributionPoints(['http://a.example/0.crl']),
        authorityInfoAccess({ ocsp: ['http://a.example/ocsp'], caIssuers: ['http://a.example/ca.cer'] }),
      ],
    })
    const certificate = parseCertificate(der)
    expect(certificate).toMatchObject({
      version: 3,
      serialNumber: '0aff',
      serialNumberOctets: Uint8Array.of(0x0a, 0xff),
      signatureAlgorithm: 'ecdsa-with-SHA256',
      signatureAlgorithmOid: '1.2.840.10045.4.3.2',
      issuer: caName,
      subject,
      notBefore: new Date('2024-01-01T00:00:00Z'),
      notAfter: endlessNotAfter,
      publicKey: { type: 'ec', curve: 'P-256' },
      basicConstraints: { cA: true, pathLength: 3 },
      keyUsage: ['digitalSignature', 'cRLSign'],
      extendedKeyUsage: [extendedKeyUsageOids.clientAuth],
      subjectAltName: names,
      subjectKeyIdentifier: id,
      authorityKeyIdentifier: id,
      crlDistributionPoints: ['http://a.example/0.crl'],
      authorityInfoAccess: { ocsp: ['http://a.example/ocsp'], caIssuers: ['http://a.example/ca.cer'] },
    })
    expect(certificate.extensions.length).toBe(8)
    expect(certificate.der).toEqual(der)
    expect(certificate.subjectPublicKeyInfo).toEqual(signer.publicKey)
    expect(certificate.issuerDer).toEqual(name)
    expect(certificate.tbsSignatureAlgorithm).toEqual(identifier)
    expect(certificate.outerSignatureAlgorithm).toEqual(identifier)
    expect(encodeCertificate(certificate.tbsCertificate, 'ecdsa-with-SHA256', certificate.signature)).toEqual(der)
    expect(
      verifySignature('ecdsa-with-SHA256', signer.publicKey, certificate.tbsCertificate, certificate.signature),
    ).toBe(true)
    expect(parseCertificate(encodePem('CERTIFICATE', der))).toEqual(certificate)
    const { der: _, signature: __, outerSignatureAlgorithm: ___, ...tbs } = certificate
    expect(parseTbsCertificate(certificate.tbsCertificate)).toEqual(tbs)
  })

  it('reads serial numbers of every kind apart', () => {
    for (const [octets, serialNumber] of [
      [[0], '00'],
      [[5], '05'],
      [[0, 0x80], '80'],
      [[0x7f, ...new Array(19).fill(1)], `7f${'01'.repeat(19)}`],
      [[0, ...new Array(20).fill(0xff)], 'ff'.repeat(20)],
      [[0xff], '-01'],
      [[0x80], '-80'],
      [[0xff, 0x7f], '-81'],
    ] as const) {
      const der = certificateOf(tbsWith({ serialNumber: Uint8Array.of(2, octets.length, ...octets) }))
      expect(parseCertificate(der)).toMatchObject({ serialNumber, serialNumberOctets: Uint8Array.from(octets) })
    }
  })

  it('reads versions 1 and 2', () => {
    expect(parseCertificate(certificateOf(tbsWith({ version: [], extensions: [] })))).toMatchObject({
      version: 1,
      extensions: [],
    })
    const version2 = tbsWith({
      version: context(0, true, integer(1)),
      uniqueIdentifiers: [context(1, false, Uint8Array.of(0, 1)), context(2, false, Uint8Array.of(0, 2))],
      extensions: [],
    })
    expect(parseCertificate(certificateOf(version2)).version).toBe(2)
  })

  it('reads critical FALSE spelled out: it is in the field', () => {
    const extension = sequence(objectIdentifier('1.2.3'), boolean(false), octetString(nullValue()))
    const der = certificateOf(tbsWith({ extensions: context(3, true, sequence(extension)) }))
    expect(parseCertificate(der).extensions).toMatchObject([{ oid: '1.2.3', critical: false }])
  })

  it('names unsupported algorithms and keys, and trusts no algorithm that is named twice differently', () => {
    const sha1 = sequence(objectIdentifier('1.2.840.113549.1.1.5'), nullValue())
    const old = sequence(tbsWith({ signature: sha1 }), sha1, signature)
    expect(parseCertificate(old)).toMatchObject({
      signatureAlgorithm: undefined,
      signatureAlgorithmOid: '1.2.840.113549.1.1.5',
    })
    const mixed = parseCertificate(certificateOf(tbsWith({ signature: sha256WithRsa })))
    expect(mixed.signatureAlgorithm).toBeUndefined()
    expect(mixed.tbsSignatureAlgorithm).toEqual(sha256WithRsa)
    expect(mixed.outerSignatureAlgorithm).toEqual(identifier)
    const unknown = sequence(sequence(objectIdentifier('1.3.101.111')), bitString(new Uint8Array(56)))
    expect(parseCertificate(certificateOf(tbsWith({ subjectPublicKeyInfo: unknown }))).publicKey).toEqual({
      type: 'unsupported',
      algorithm: '1.3.101.111',
    })
  })

  it.each<[string, Uint8Array]>([
    ['version 0 written out', tbsWith({ version: context(0, true, integer(0)), extensions: [] })],
    ['version 4', tbsWith({ version: context(0, true, integer(3)) })],
    ['version twice', tbsWith({ version: context(0, true, integer(2), integer(2)) })],
    ['no serial number', tbsWith({ serialNumber: [] })],
    ['serial number of 22 octets', tbsWith({ serialNumber: integer(2n ** 170n) })],
    ['padded serial number', tbsWith({ serialNumber: Uint8Array.of(2, 2, 0, 1) })],
    ['one time only', tbsWith({ validity: sequence(time) })],
    ['three times', tbsWith({ validity: sequence(time, time, time) })],
    ['extensions in version 1', tbsWith({ version: [] })],
    ['extensions in version 2', tbsWith({ version: context(0, true, integer(1)) })],
    [
      'unique identifier in version 1',
      tbsWith({ version: [], extensions: [], uniqueIdentifiers: [context(1, false, Uint8Array.of(0))] }),
    ],
    [
      'unique identifiers in the wrong order',
      tbsWith({ uniqueIdentifiers: [context(2, false, Uint8Array.of(0)), context(1, false, Uint8Array.of(0))] }),
    ],
    ['no extension in extensions', tbsWith({ extensions: context(3, true, sequence()) })],
    ['extension twice', tbsWith({ extensions: context(3, true, sequence(anExtension, anExtension)) })],
    [
      'extensions twice',
      tbsWith({ extensions: [context(3, true, sequence(anExtension)), context(3, true, sequence(anExtension))] }),
    ],
    [
      'malformed known extension',
      tbsWith({ extensions: context(3, true, sequence(encodeExtension('2.5.29.37', false, sequence()))) }),
    ],
    [
      'something behind the extensions',
      tbsWith({ extensions: [context(3, true, sequence(anExtension)), nullValue()] }),
    ],
    ['malformed key', tbsWith({ subjectPublicKeyInfo: sequence() })],
  ])('refuses: %s', (_, tbs) => {
    const expected = expect.objectContaining({ code: expect.stringMatching(/^ERR_PKI_(?:DER|CERTIFICATE)$/) })
    expect(() => parseCertificate(certificateOf(tbs))).toThrow(expected)
    expect(() => parseTbsCertificate(tbs)).toThrow(expected)
  })

  it('refuses malformed envelopes', () => {
    const tbs = tbsWith()
    expect(parseCertificate(sequence(tbs, identifier, signature)).version).toBe(3)
    expectPkiError(() => parseCertificate(sequence(tbs, identifier)), 'ERR_PKI_DER')
    expectPkiError(() => parseCertificate(sequence(tbs, identifier, signature, nullValue())), 'ERR_PKI_DER')
    expectPkiError(() => parseCertificate(Uint8Array.from([...certificateOf(tbs), 0])), 'ERR_PKI_DER', 'behind the end')
    expectPkiError(() => parseTbsCertificate(Uint8Array.from([...tbs, 0])), 'ERR_PKI_DER', 'behind the end')
    expectPkiError(
      () => parseCertificate(sequence(tbs, identifier, bitString(Uint8Array.of(0x80), 7))),
      'ERR_PKI_CERTIFICATE',
    )
    expectPkiError(() => parseCertificate(new Uint8Array(0)), 'ERR_PKI_DER')
  })

  it('bounds its input', () => {
    const large = encodeExtension('1.2.3', false, octetString(new Uint8Array(64 * 1024)))
    const der = certificateOf(tbsWith({ extensions: context(3, true, sequence(large)) }))
    expectPkiError(() => parseCertificate(der), 'ERR_PKI_TOO_LARGE')
    expectPkiError(() => parseCertificate(encodePem('CERTIFICATE', der)), 'ERR_PKI_TOO_LARGE')
    expectPkiError(() => parseCertificate(' '.repeat(128 * 1024 + 1)), 'ERR_PKI_TOO_LARGE')
    expect(() => parseCertificate(undefined as never)).toThrow(TypeError)
  })

  it('wants one CERTIFICATE in PEM', async () => {
    const pem = encodePem('CERTIFICATE', await issueCa(signer))
    expectPkiError(() => parseCertificate(pem + pem), 'ERR_PKI_PEM', 'more than one CERTIFICATE block')
    expectPkiError(
      () => parseCertificate(pem.replaceAll('CERTIFICATE', 'X509 CRL')),
      'ERR_PKI_PEM',
      'no CERTIFICATE block',
    )
  })

  it('tells who read a PEM file as octets what to do', async () => {
    const file = Buffer.from(encodePem('CERTIFICATE', await issueCa(signer)))
    const reason = 'PEM in octets: hand it over as a string'
    expectPkiError(() => parseCertificate(file), 'ERR_PKI_DER', reason)
    expectPkiError(() => parseCrl(file), 'ERR_PKI_DER', reason)
    expectPkiError(() => parseCertificationRequest(file), 'ERR_PKI_DER', reason)
  })
})

describeOpenssl('certificates, judged by openssl', ({ path, openssl }) => {
  it.each<TestKey>(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'])('accepts a path of ours: %s', async key => {
    const ca = makeSigner(key)
    const device = makeSigner(key)
    const caDer = await issueCa(ca)
    const deviceDer = await issue({
      issuer: ca,
      subject: [[{ type: 'O', value: 'Ümlaut & Co' }], [{ type: 'CN', value: 'device-1' }]],
      subjectKey: device.publicKey,
      serialNumber: Uint8Array.of(0xff, 1),
      notAfter: new Date('2049-12-31T23:59:59Z'),
      extensions: [
        keyUsage(['digitalSignature']),
        extendedKeyUsage([extendedKeyUsageOids.clientAuth]),
        subjectAltName([
          { type: 'uri', value: 'urn:fleetcert:device:device-1' },
          { type: 'dns', value: 'device-1.example' },
          { type: 'ip', value: '2001:db8::1' },
        ]),
        subjectKeyIdentifier(keyIdentifierOf(device.publicKey)),
        authorityKeyIdentifier(keyIdentifierOf(ca.publicKey)),
        crlDistributionPoints(['http://a.example/0.pem', 'http://a.example/0.crl']),
        authorityInfoAccess({ ocsp: ['http://a.example/ocsp'], caIssuers: ['http://a.example/ca.cer'] }),
      ],
    })
    writeFileSync(path('ca.pem'), encodePem('CERTIFICATE', caDer))
    writeFileSync(path('device.pem'), encodePem('CERTIFICATE', deviceDer))
    const verified = openssl(['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', 'ca.pem', 'device.pem'])
    expect(verified.text).toContain('device.pem: OK')
    expect(verified.status).toBe(0)
    const { text } = openssl(['x509', '-in', 'device.pem', '-noout', '-text', '-nameopt', 'utf8,sep_comma_plus'])
    expect(text).toContain('Issuer: O=Acme,CN=Test CA')
    expect(text).toContain('Subject: O=Ümlaut & Co,CN=device-1')
    expect(text).toContain('Serial Number: 65281 (0xff01)')
    expect(text).toContain('Not After : Dec 31 23:59:59 2049 GMT')
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature/)
    expect(text).toContain('TLS Web Client Authentication')
    expect(text).toContain('URI:urn:fleetcert:device:device-1, DNS:device-1.example, IP Address:2001:DB8:0:0:0:0:0:1')
    expect(text).toMatch(
      /CRL Distribution Points:\s+Full Name:\s+URI:http:\/\/a.example\/0.pem\s+URI:http:\/\/a.example\/0.crl/,
    )
    expect(text).toMatch(/OCSP - URI:http:\/\/a.example\/ocsp\s+CA Issuers - URI:http:\/\/a.example\/ca.cer/)
    const caText = openssl(['x509', '-in', 'ca.pem', '-noout', '-text']).text
    expect(caText).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:1/)
    expect(caText).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/)
  })

  it('makes the same key identifier as openssl', () => {
    openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem'])
    openssl(['req', '-x509', '-new', '-key', 'key.pem', '-out', 'own.pem', '-days', '1', '-subj', '/CN=x'])
    const certificate = parseCertificate(openssl(['x509', '-in', 'own.pem']).stdout.toString())
    expect(certificate.subjectKeyIdentifier).toEqual(keyIdentifierOf(certificate.subjectPublicKeyInfo))
  })

  it.each([
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384']],
    ['Ed25519', ['-newkey', 'ed25519']],
    ['RSA', ['-newkey', 'rsa:2048', '-sha512']],
  ])('reads what openssl makes: %s', (_, keyOptions) => {
    const made = openssl([
      ...['req', '-x509', '-new', ...keyOptions, '-nodes', '-keyout', 'key.pem', '-out', 'own.pem', '-days', '20000'],
      ...[
        '-utf8',
        '-subj',
        '/C=DE/O=Ümlaut, Inc./OU=a+UID=b/CN=x/emailAddress=a@b.example',
        '-multivalue-rdn',
        '-set_serial',
        '0xabcdef0123',
      ],
      ...[
        '-addext',
        'subjectAltName=DNS:a.example,IP:192.0.2.1,IP:2001:db8::2,URI:urn:x:y,email:a@b.example,RID:1.2.3,dirName:dn',
      ],
      ...['-addext', 'keyUsage=digitalSignature,keyCertSign', '-addext', 'extendedKeyUsage=serverAuth,1.2.3.4'],
      ...[
        '-addext',
        'crlDistributionPoints=URI:http://a/1,URI:http://a/2',
        '-addext',
        'authorityInfoAccess=OCSP;URI:http://a/o,caIssuers;URI:http://a/c',
      ],
      ...['-config', configWithDirName()],
    ])
    expect(made.status, made.text).toBe(0)
    const certificate = parseCertificate(openssl(['x509', '-in', 'own.pem']).stdout.toString())
    const { signatureAlgorithm, subjectPublicKeyInfo, tbsCertificate, signature: value } = certificate
    expect(verifySignature(signatureAlgorithm!, subjectPublicKeyInfo, tbsCertificate, value)).toBe(true)
    expect(formatName(certificate.subject)).toBe('emailAddress=a@b.example,CN=x,OU=a+UID=b,O=Ümlaut\\, Inc.,C=DE')
    expect(encodeName(certificate.subject)).toEqual(certificate.subjectDer)
    expect(certificate).toMatchObject({
      serialNumber: 'abcdef0123',
      keyUsage: ['digitalSignature', 'keyCertSign'],
      extendedKeyUsage: [extendedKeyUsageOids.serverAuth, '1.2.3.4'],
      crlDistributionPoints: ['http://a/1', 'http://a/2'],
      authorityInfoAccess: { ocsp: ['http://a/o'], caIssuers: ['http://a/c'] },
    })
    expect(certificate.subjectAltName).toMatchObject([
      { type: 'dns', value: 'a.example' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:db8::2' },
      { type: 'uri', value: 'urn:x:y' },
      { type: 'email', value: 'a@b.example' },
      { type: 'other', tag: 8 },
      { type: 'directoryName', value: [[{ type: 'O', value: 'inside' }]] },
    ])
    const oracle = new X509Certificate(certificate.der)
    expect(oracle.serialNumber.toLowerCase()).toBe(certificate.serialNumber)
    expect(new Date(oracle.validFrom)).toEqual(certificate.notBefore)
    expect(new Date(oracle.validTo)).toEqual(certificate.notAfter)
    expect(encodeTime(certificate.notAfter).length).toBe(17)
  })

  function configWithDirName(): string {
    writeFileSync(path('openssl.cnf'), '[req]\ndistinguished_name=dn0\n[dn0]\n[dn]\nO=inside\n')
    return path('openssl.cnf')
  }
})

describe('assembleTbs', () => {
  it('is what parseTbsCertificate reads', () => {
    const tbs = assembleTbs({ issuer: signer, extensions: [keyUsage(['digitalSignature'])] })
    expect(parseTbsCertificate(tbs).keyUsage).toEqual(['digitalSignature'])
  })
})
