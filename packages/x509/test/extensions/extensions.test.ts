import { describe, expect, it } from 'vitest'
import {
  bitString,
  boolean,
  context,
  createDerReader,
  derTag,
  enumerated,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  utcTime,
} from '../../src/der/index.ts'
import { readExtensions } from '../../src/extensions/extension.ts'
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  crlNumberExtension,
  encodeExtension,
  encodeGeneralName,
  extendedKeyUsage,
  extendedKeyUsageOids,
  extensionOids,
  invalidityDateExtension,
  issuingDistributionPoint,
  type KeyUsageBit,
  keyIdentifierOf,
  keyUsage,
  ocspNoCheck,
  parseAuthorityInfoAccess,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseCrlDistributionPoints,
  parseCrlNumber,
  parseExtendedKeyUsage,
  parseInvalidityDate,
  parseIssuingDistributionPoint,
  parseKeyUsage,
  parseReasonCode,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  reasonCodeExtension,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/index.ts'
import { expectPkiError } from '../support/errors.ts'
import { makeSigner } from '../support/issue.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
/** The parts of one encoded Extension. */
const open = (extension: Uint8Array) => readExtensions(createDerReader(sequence(extension)), { strict: true })[0]!
const url = (value: string) => encodeGeneralName({ type: 'uri', value })

describe('encodeExtension', () => {
  it('writes critical only when it is TRUE', () => {
    expect(hex(encodeExtension('2.5.29.19', true, sequence()))).toBe('300c0603551d130101ff04023000')
    expect(hex(encodeExtension('2.5.29.19', false, sequence()))).toBe('30090603551d1304023000')
    expect(open(encodeExtension('1.2.3', true, nullValue()))).toEqual({
      oid: '1.2.3',
      critical: true,
      value: Uint8Array.of(5, 0),
    })
  })
})

describe('readExtensions', () => {
  const extension = (...parts: Uint8Array[]) => sequence(objectIdentifier('1.2.3'), ...parts)
  const read = (der: Uint8Array, strict: boolean) => readExtensions(createDerReader(der), { strict })

  it('takes FALSE spelled out unless strict', () => {
    const der = sequence(extension(boolean(false), octetString(nullValue())))
    expect(read(der, false)).toMatchObject([{ oid: '1.2.3', critical: false }])
    expectPkiError(() => read(der, true), 'ERR_PKI_DER', 'default value written out')
  })

  it.each([
    ['none', sequence()],
    [
      'twice the same',
      sequence(encodeExtension('1.2.3', false, nullValue()), encodeExtension('1.2.3', true, sequence())),
    ],
    ['no value', sequence(extension())],
    ['critical after the value', sequence(extension(octetString(nullValue()), boolean(true)))],
    ['value that is no OCTET STRING', sequence(extension(nullValue()))],
    ['something behind the value', sequence(extension(octetString(nullValue()), nullValue()))],
    ['129', sequence(...Array.from({ length: 129 }, (_, arc) => encodeExtension(`1.2.${arc}`, false, nullValue())))],
  ])('refuses: %s', (_, der) => {
    expectPkiError(() => read(der, false), 'ERR_PKI_DER')
  })
})

describe('basicConstraints', () => {
  it('is critical in CAs alone', () => {
    for (const [constraints, value, critical] of [
      [{ cA: true }, '30030101ff', true],
      [{ cA: true, pathLength: 0 }, '30060101ff020100', true],
      [{ cA: false }, '3000', false],
    ] as const) {
      const extension = open(basicConstraints(constraints))
      expect({ ...extension, value: hex(extension.value) }).toEqual({ oid: '2.5.29.19', critical, value })
      expect(parseBasicConstraints(extension.value)).toEqual(constraints)
    }
    expect(() => basicConstraints({ cA: false, pathLength: 0 })).toThrow(TypeError)
  })

  it('is read with FALSE spelled out, as openssl does', () => {
    expect(parseBasicConstraints(sequence(boolean(false)))).toEqual({ cA: false })
  })

  it.each([
    ['negative path length', sequence(boolean(true), Uint8Array.of(2, 1, 0xff))],
    ['third element', sequence(boolean(true), integer(0), nullValue())],
    ['boolean 01', sequence(Uint8Array.of(1, 1, 1))],
    ['trailing octets', Uint8Array.of(0x30, 0, 0)],
  ])('refuses: %s', (_, value) => {
    expectPkiError(() => parseBasicConstraints(value), 'ERR_PKI_DER')
  })
})

describe('keyUsage', () => {
  it('is critical and has no trailing zero bits', () => {
    for (const [bits, value] of [
      [['digitalSignature'], '03020780'],
      [['keyCertSign', 'cRLSign'], '03020106'],
      [['digitalSignature', 'keyEncipherment'], '030205a0'],
      [['encipherOnly'], '03020001'],
      [['keyAgreement', 'decipherOnly'], '0303070880'],
    ] as const satisfies (readonly [readonly KeyUsageBit[], string])[]) {
      const extension = open(keyUsage(bits))
      expect({ ...extension, value: hex(extension.value) }).toEqual({ oid: '2.5.29.15', critical: true, value })
      expect(parseKeyUsage(extension.value)).toEqual(bits)
    }
  })

  it('refuses nothing at all and unknown names', () => {
    expect(() => keyUsage([])).toThrow(TypeError)
    expect(() => keyUsage(['signing' as never])).toThrow(TypeError)
  })

  it('is read with trailing zero bits, as openssl does', () => {
    expect(parseKeyUsage(bitString(Uint8Array.of(0x80)))).toEqual(['digitalSignature'])
    expect(parseKeyUsage(bitString(new Uint8Array(0)))).toEqual([])
  })

  it('refuses bits that nobody knows', () => {
    expectPkiError(() => parseKeyUsage(bitString(Uint8Array.of(0, 0x40), 6)), 'ERR_PKI_DER')
    expectPkiError(() => parseKeyUsage(bitString(new Uint8Array(3))), 'ERR_PKI_DER')
  })
})

describe('extendedKeyUsage', () => {
  it('goes both ways', () => {
    const oids = [extendedKeyUsageOids.clientAuth, '1.2.3.4']
    const extension = open(extendedKeyUsage(oids))
    expect(extension).toMatchObject({ oid: '2.5.29.37', critical: false })
    expect(parseExtendedKeyUsage(extension.value)).toEqual(oids)
    expect(open(extendedKeyUsage(oids, { critical: true })).critical).toBe(true)
    expect(() => extendedKeyUsage([])).toThrow(TypeError)
    expectPkiError(() => parseExtendedKeyUsage(sequence()), 'ERR_PKI_DER')
  })
})

describe('key identifiers', () => {
  it('go both ways', () => {
    const id = keyIdentifierOf(makeSigner().publicKey)
    expect(id.length).toBe(20)
    const subject = open(subjectKeyIdentifier(id))
    const authority = open(authorityKeyIdentifier(id))
    expect(subject).toMatchObject({ oid: '2.5.29.14', critical: false })
    expect(authority).toMatchObject({ oid: '2.5.29.35', critical: false })
    expect(parseSubjectKeyIdentifier(subject.value)).toEqual(id)
    expect(parseAuthorityKeyIdentifier(authority.value)).toEqual(id)
  })

  it('may name the issuer by name and number', () => {
    const names = context(1, true, encodeGeneralName({ type: 'directoryName', value: [] }))
    const number = context(2, false, Uint8Array.of(5))
    expect(parseAuthorityKeyIdentifier(sequence(names, number))).toBeUndefined()
    expect(parseAuthorityKeyIdentifier(sequence(context(0, false, Uint8Array.of(1)), names, number))).toEqual(
      Uint8Array.of(1),
    )
    expect(parseAuthorityKeyIdentifier(sequence())).toBeUndefined()
    expectPkiError(() => parseAuthorityKeyIdentifier(sequence(number, names)), 'ERR_PKI_DER')
    expectPkiError(() => keyIdentifierOf(sequence()), 'ERR_PKI_DER')
  })
})

describe('subjectAltName', () => {
  it('is critical when asked', () => {
    const names = [{ type: 'dns', value: 'a.example' }] as const
    expect(open(subjectAltName(names))).toMatchObject({ oid: '2.5.29.17', critical: false })
    expect(open(subjectAltName(names, { critical: true })).critical).toBe(true)
    expect(parseSubjectAltName(open(subjectAltName(names)).value)).toEqual(names)
    expect(() => subjectAltName([])).toThrow(TypeError)
    expectPkiError(() => parseSubjectAltName(sequence()), 'ERR_PKI_DER')
  })
})

describe('crlDistributionPoints', () => {
  const urls = ['http://a.example/0.pem', 'http://a.example/0.crl']

  it('puts all URLs into one DistributionPoint', () => {
    const extension = open(crlDistributionPoints(urls))
    expect(extension).toMatchObject({ oid: '2.5.29.31', critical: false })
    expect(extension.value).toEqual(sequence(sequence(context(0, true, context(0, true, ...urls.map(url))))))
    expect(parseCrlDistributionPoints(extension.value)).toEqual(urls)
    expect(() => crlDistributionPoints([])).toThrow(TypeError)
    expectPkiError(() => crlDistributionPoints(['/0.crl']), 'ERR_PKI_NAME')
  })

  it('reads several points and leaves out what is another issuer’s', () => {
    const point = (value: string, ...more: Uint8Array[]) =>
      sequence(context(0, true, context(0, true, url(value))), ...more)
    const issuer = context(2, true, encodeGeneralName({ type: 'directoryName', value: [] }))
    const reasons = context(1, false, Uint8Array.of(1, 6))
    const relative = sequence(context(0, true, context(1, true)))
    const value = sequence(point('http://a/1'), point('http://a/2', issuer), point('http://a/3', reasons), relative)
    expect(parseCrlDistributionPoints(value)).toEqual(['http://a/1', 'http://a/3'])
    expectPkiError(() => parseCrlDistributionPoints(sequence()), 'ERR_PKI_DER')
    expectPkiError(() => parseCrlDistributionPoints(sequence(point('http://a/1', nullValue()))), 'ERR_PKI_DER')
  })
})

describe('issuingDistributionPoint', () => {
  it('is critical and never empty', () => {
    const extension = open(issuingDistributionPoint({ urls: ['http://a/1'], onlyContainsUserCerts: true }))
    expect(extension).toMatchObject({ oid: '2.5.29.28', critical: true })
    expect(parseIssuingDistributionPoint(extension.value)).toEqual({
      urls: ['http://a/1'],
      onlyContainsUserCerts: true,
      onlyContainsCACerts: false,
      onlyContainsAttributeCerts: false,
      indirectCrl: false,
      onlySomeReasons: false,
    })
    expect(hex(open(issuingDistributionPoint({ onlyContainsCACerts: true })).value)).toBe('30038201ff')
    expect(() => issuingDistributionPoint({})).toThrow(TypeError)
    expect(() => issuingDistributionPoint({ urls: [] })).toThrow(TypeError)
    expect(() => issuingDistributionPoint({ onlyContainsCACerts: true, onlyContainsUserCerts: true })).toThrow(
      TypeError,
    )
  })

  it('reads the flags that are not written here', () => {
    const value = sequence(
      context(3, false, Uint8Array.of(1, 6)),
      context(4, false, Uint8Array.of(0xff)),
      context(5, false, Uint8Array.of(0)),
    )
    expect(parseIssuingDistributionPoint(value)).toMatchObject({
      onlySomeReasons: true,
      indirectCrl: true,
      onlyContainsAttributeCerts: false,
    })
    expectPkiError(() => parseIssuingDistributionPoint(sequence(context(1, false, Uint8Array.of(1)))), 'ERR_PKI_DER')
    expectPkiError(() => parseIssuingDistributionPoint(sequence(context(6, false))), 'ERR_PKI_DER')
  })
})

describe('authorityInfoAccess', () => {
  it('goes both ways, OCSP first', () => {
    const access = { ocsp: ['http://a/ocsp'], caIssuers: ['http://a/1', 'http://a/2'] }
    const extension = open(authorityInfoAccess(access))
    expect(extension).toMatchObject({ oid: '1.3.6.1.5.5.7.1.1', critical: false })
    expect(parseAuthorityInfoAccess(extension.value)).toEqual(access)
    expect(parseAuthorityInfoAccess(open(authorityInfoAccess({ ocsp: ['http://a/'] })).value).caIssuers).toEqual([])
    expect(() => authorityInfoAccess({})).toThrow(TypeError)
    expectPkiError(() => parseAuthorityInfoAccess(sequence()), 'ERR_PKI_DER')
  })

  it('skips what is no URL or another method', () => {
    const value = sequence(
      sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), encodeGeneralName({ type: 'dns', value: 'a' })),
      sequence(objectIdentifier('1.2.3'), url('http://a/')),
    )
    expect(parseAuthorityInfoAccess(value)).toEqual({ ocsp: [], caIssuers: [] })
  })
})

describe('extensions of CRLs', () => {
  it('crlNumber goes both ways, up to 20 octets', () => {
    for (const number of [0n, 1n, 2n ** 64n, 2n ** 159n - 1n]) {
      const extension = open(crlNumberExtension(number))
      expect(extension).toMatchObject({ oid: '2.5.29.20', critical: false })
      expect(parseCrlNumber(extension.value)).toBe(number)
    }
    expect(() => crlNumberExtension(-1n)).toThrow(RangeError)
    expect(() => crlNumberExtension(2n ** 159n)).toThrow(RangeError)
    expectPkiError(() => parseCrlNumber(integer(2n ** 160n)), 'ERR_PKI_DER')
    expectPkiError(() => parseCrlNumber(Uint8Array.of(2, 1, 0x80)), 'ERR_PKI_DER')
    expectPkiError(() => parseCrlNumber(Uint8Array.of(2, 1, 1, 0)), 'ERR_PKI_DER')
  })

  it('reasonCode goes both ways by the numbers of RFC 5280', () => {
    const numbers = {
      unspecified: 0,
      keyCompromise: 1,
      cACompromise: 2,
      affiliationChanged: 3,
      superseded: 4,
      cessationOfOperation: 5,
      certificateHold: 6,
      removeFromCRL: 8,
      privilegeWithdrawn: 9,
      aACompromise: 10,
    } as const
    for (const [reason, number] of Object.entries(numbers)) {
      const extension = open(reasonCodeExtension(reason as keyof typeof numbers))
      expect(extension).toMatchObject({ oid: '2.5.29.21', critical: false })
      expect(extension.value).toEqual(enumerated(number))
      expect(parseReasonCode(extension.value)).toBe(reason)
    }
    expect(() => reasonCodeExtension('compromised' as never)).toThrow(TypeError)
    for (const value of [enumerated(7), enumerated(11), integer(1)])
      expectPkiError(() => parseReasonCode(value), 'ERR_PKI_DER')
  })

  it('invalidityDate is a GeneralizedTime always', () => {
    const date = new Date('2024-05-06T07:08:09Z')
    const extension = open(invalidityDateExtension(date))
    expect(extension).toMatchObject({ oid: '2.5.29.24', critical: false })
    expect(extension.value[0]).toBe(derTag.generalizedTime)
    expect(parseInvalidityDate(extension.value)).toEqual(date)
    expectPkiError(() => parseInvalidityDate(utcTime(date)), 'ERR_PKI_DER')
  })
})

describe('ocspNoCheck', () => {
  it('is NULL', () => {
    expect(open(ocspNoCheck())).toEqual({ oid: extensionOids.ocspNoCheck, critical: false, value: Uint8Array.of(5, 0) })
  })
})
