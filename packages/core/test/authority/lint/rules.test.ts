import { generateKeyPairSync } from 'node:crypto'
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  encodeExtension,
  encodeName,
  encodeTime,
  extendedKeyUsage,
  extendedKeyUsageOids,
  extensionOids,
  keyIdentifierOf,
  keyUsage,
  parseTbsCertificate,
  signatureAlgorithmIdentifier,
  softwareSigner,
  subjectAltName,
  subjectKeyIdentifier,
} from '@fleetcert/x509'
import { boolean, context, integer, nullValue, objectIdentifier, octetString, sequence } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import { lintSubject } from '../../../src/authority/lint/lint-certificate.ts'
import { prepareCertificate } from '../../../src/authority/lint/prepare-certificate.ts'
import { lintRules } from '../../../src/authority/lint/rules/index.ts'
import { preparedBytes, spendPrepared } from '../../../src/authority/prepared-certificate.ts'

const spki = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey).publicKey
const ski = subjectKeyIdentifier(keyIdentifierOf(spki))
const aki = authorityKeyIdentifier(keyIdentifierOf(spki))
const cn = (value: string) => [[{ type: 'CN', value }]]

interface Fields {
  version?: Uint8Array
  serial?: Uint8Array
  issuer?: Uint8Array
  subject?: Uint8Array
  notBefore?: Date
  notAfter?: Date
  extensions?: readonly Uint8Array[]
}

const goodExtensions = {
  keyUsage: keyUsage(['digitalSignature']),
  extendedKeyUsage: extendedKeyUsage([extendedKeyUsageOids.clientAuth]),
  ski,
  aki,
  san: subjectAltName([{ type: 'uri', value: 'urn:fleetcert:device:a' }]),
  crl: crlDistributionPoints(['http://pki.example/crl']),
  aia: authorityInfoAccess({ caIssuers: ['http://pki.example/ca'] }),
}
const extensionsWith = (
  changes: Partial<Record<keyof typeof goodExtensions, Uint8Array | undefined>>,
  ...more: Uint8Array[]
) => [...Object.values({ ...goodExtensions, ...changes }).filter(value => value !== undefined), ...more]
const ca = (...extensions: Uint8Array[]): Fields => ({ extensions })

function tbs(fields: Fields = {}): Uint8Array {
  return sequence(
    ...(fields.version === undefined ? [context(0, true, integer(2))] : [fields.version]),
    fields.serial ?? integer(Buffer.alloc(16, 7)),
    signatureAlgorithmIdentifier('ecdsa-with-SHA256'),
    fields.issuer ?? encodeName(cn('CA')),
    sequence(
      encodeTime(fields.notBefore ?? new Date('2026-01-01')),
      encodeTime(fields.notAfter ?? new Date('2027-01-01')),
    ),
    fields.subject ?? encodeName(cn('a')),
    spki,
    context(3, true, sequence(...(fields.extensions ?? extensionsWith({})))),
  )
}

const critical = (oid: string, value: Uint8Array) => sequence(objectIdentifier(oid), boolean(true), octetString(value))

/** For each rule, certificates that break it and nothing else need hold of the others. */
const bad: Record<string, readonly Fields[]> = {
  'version-3': [{ version: context(0, true, integer(1)) }],
  'serial-number': [
    { serial: integer(Buffer.concat([Buffer.from([1]), Buffer.alloc(20)])) },
    { serial: Uint8Array.of(2, 1, 0x80) },
    { serial: integer(0) },
  ],
  'issuer-name': [{ issuer: sequence() }],
  'validity-order': [{ notBefore: new Date('2027-01-02') }],
  'subject-present': [
    { subject: sequence() },
    { subject: sequence(), ...ca(keyUsage(['keyCertSign']), basicConstraints({ cA: true }), ski, aki) },
  ],
  'single-common-name': [{ subject: encodeName([...cn('a'), ...cn('b')]) }],
  'no-duplicate-extension': [],
  'authority-key-identifier': [
    { extensions: extensionsWith({ aki: undefined }) },
    {
      extensions: extensionsWith({
        aki: critical(extensionOids.authorityKeyIdentifier, sequence(context(0, false, keyIdentifierOf(spki)))),
      }),
    },
  ],
  'subject-key-identifier': [
    { extensions: extensionsWith({ ski: undefined }) },
    {
      extensions: extensionsWith({
        ski: critical(extensionOids.subjectKeyIdentifier, octetString(keyIdentifierOf(spki))),
      }),
    },
  ],
  'key-usage': [
    { extensions: extensionsWith({ keyUsage: undefined }) },
    { extensions: extensionsWith({ keyUsage: keyUsage(['digitalSignature', 'keyCertSign']) }) },
    { extensions: extensionsWith({ keyUsage: keyUsage(['cRLSign']) }) },
    { extensions: extensionsWith({ keyUsage: keyUsage(['keyEncipherment']) }) },
    {
      extensions: extensionsWith({
        keyUsage: encodeExtension(extensionOids.keyUsage, false, Uint8Array.of(3, 2, 7, 0x80)),
      }),
    },
    ca(keyUsage(['digitalSignature']), basicConstraints({ cA: true }), ski, aki),
  ],
  'basic-constraints': [
    ca(
      keyUsage(['keyCertSign']),
      encodeExtension(extensionOids.basicConstraints, false, sequence(boolean(true))),
      ski,
      aki,
    ),
  ],
  'ca-without-extended-key-usage': [
    ca(keyUsage(['keyCertSign']), basicConstraints({ cA: true }), goodExtensions.extendedKeyUsage, ski, aki),
  ],
  'extended-key-usage': [
    { extensions: extensionsWith({ extendedKeyUsage: undefined }) },
    { extensions: extensionsWith({ extendedKeyUsage: extendedKeyUsage(['2.5.29.37.0']) }) },
    { extensions: extensionsWith({ extendedKeyUsage: extendedKeyUsage([extendedKeyUsageOids.serverAuth]) }) },
  ],
  'http-urls': [
    { extensions: extensionsWith({ crl: crlDistributionPoints(['https://pki.example/crl']) }) },
    { extensions: extensionsWith({ aia: authorityInfoAccess({ ocsp: ['ldap://pki.example'] }) }) },
  ],
  'known-critical-extensions': [{ extensions: extensionsWith({}, critical('1.2.3.4', nullValue())) }],
}

describe('lint', () => {
  it('finds nothing in a good device, CA and self-signed root', () => {
    expect(lintSubject(parseTbsCertificate(tbs()))).toEqual([])
    const authority = ca(keyUsage(['keyCertSign', 'cRLSign']), basicConstraints({ cA: true, pathLength: 0 }), ski, aki)
    expect(lintSubject(parseTbsCertificate(tbs(authority)))).toEqual([])
    const root = {
      ...ca(keyUsage(['keyCertSign', 'cRLSign']), basicConstraints({ cA: true }), ski),
      subject: encodeName(cn('CA')),
    }
    expect(lintSubject(parseTbsCertificate(tbs(root)))).toEqual([])
  })

  it('has bad fixtures for every rule', () => {
    expect(Object.keys(bad)).toEqual(lintRules.map(({ id }) => id))
    expect(new Set(lintRules.map(({ id }) => id)).size).toBe(lintRules.length)
    for (const { citation } of lintRules) expect(citation).toMatch(/RFC \d+ sections? |fleetcert: /)
  })

  it.each(
    Object.entries(bad).flatMap(([rule, cases]) => cases.map((fields, index) => [rule, index + 1, fields] as const)),
  )('%s: bad case %i', (rule, _index, fields) => {
    // What the strict reader refuses by itself never gets as far as a rule.
    let findings: string[]
    try {
      findings = lintSubject(parseTbsCertificate(tbs(fields))).map(finding => finding.rule)
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_PKI_(CERTIFICATE|DER)$/) })
      findings = [rule]
    }
    expect(findings).toContain(rule)
    expect(() => prepareCertificate(tbs(fields))).toThrow(expect.objectContaining({ code: 'ERR_PKI_LINT' }))
  })

  it('refuses an extension that is there twice', () => {
    const twice = tbs({ extensions: extensionsWith({}, ski) })
    expect(() => prepareCertificate(twice)).toThrow(expect.objectContaining({ code: 'ERR_PKI_LINT' }))
    const [extension] = parseTbsCertificate(tbs()).extensions
    const subject = { ...parseTbsCertificate(tbs()), extensions: [extension!, extension!] }
    expect(lintSubject(subject).map(({ rule }) => rule)).toContain('no-duplicate-extension')
  })
})

describe('a prepared certificate', () => {
  it('gives its linted bytes out once', () => {
    const bytes = tbs()
    const prepared = prepareCertificate(bytes)
    expect(preparedBytes(prepared)).toEqual(bytes)
    expect(spendPrepared(prepared)).toEqual(bytes)
    expect(() => spendPrepared(prepared)).toThrow(expect.objectContaining({ code: 'ERR_PKI_PREPARED_SPENT' }))
    expect(() => preparedBytes(prepared)).toThrow(expect.objectContaining({ code: 'ERR_PKI_PREPARED_SPENT' }))
  })

  it('cannot be made by hand', () => {
    expect(() => spendPrepared(Object.freeze({}) as never)).toThrow(
      expect.objectContaining({ code: 'ERR_PKI_PREPARED_SPENT' }),
    )
  })
})
