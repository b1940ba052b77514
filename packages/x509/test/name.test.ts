import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { objectIdentifier, sequence, set, setOf, tlv, utf8String } from '../src/der/index.ts'
import {
  attributeValues,
  type DistinguishedName,
  encodeName,
  formatName,
  type NameAttribute,
  parseName,
} from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const cn = (value: string): DistinguishedName => [[{ type: 'CN', value }]]
const attribute = (type: string, tag: number, ...octets: number[]) =>
  sequence(objectIdentifier(type), tlv(tag, Uint8Array.from(octets)))
const one = (type: string, tag: number, ...octets: number[]) => sequence(set(attribute(type, tag, ...octets)))

describe('encodeName', () => {
  it('uses the string type of each attribute', () => {
    expect(hex(encodeName(cn('a')))).toBe('300c310a300806035504030c0161')
    expect(hex(encodeName([[{ type: 'C', value: 'DE' }]]))).toBe('300d310b3009060355040613024445')
    expect(hex(encodeName([[{ type: 'DC', value: 'x' }]]))).toBe('301331' + '11300f060a0992268993f22c64011916' + '0178')
    expect(encodeName([[{ type: '2.5.4.3', value: 'a' }]])).toEqual(encodeName(cn('a')))
    expect(encodeName([])).toEqual(Uint8Array.of(0x30, 0))
  })

  it('sorts the attributes of an RDN', () => {
    const left: NameAttribute = { type: 'CN', value: 'a' }
    const right: NameAttribute = { type: 'serialNumber', value: '1' }
    expect(encodeName([[right, left]])).toEqual(encodeName([[left, right]]))
  })

  it('knows the upper bounds of RFC 5280', () => {
    for (const [type, limit] of [
      ['CN', 64],
      ['O', 64],
      ['OU', 64],
      ['title', 64],
      ['serialNumber', 64],
      ['L', 128],
      ['ST', 128],
      ['pseudonym', 128],
      ['emailAddress', 255],
      ['SN', 32768],
    ] as const) {
      expect(encodeName([[{ type, value: 'a'.repeat(limit) }]]).length).toBeGreaterThan(limit)
      expectPkiError(() => encodeName([[{ type, value: 'a'.repeat(limit + 1) }]]), 'ERR_PKI_NAME', 'longer than')
    }
    expect(parseName(encodeName(cn('😀'.repeat(64))))).toEqual(cn('😀'.repeat(64)))
    expectPkiError(() => encodeName(cn('😀'.repeat(65))), 'ERR_PKI_NAME', 'longer than 64')
  })

  it.each<[string, DistinguishedName, string]>([
    ['empty value', cn(''), 'CN is empty'],
    ['country of three letters', [[{ type: 'C', value: 'DEU' }]], 'longer than 2'],
    ['country of one letter', [[{ type: 'C', value: 'D' }]], 'not 2 characters'],
    ['NUL', cn('a\0b'), 'control characters'],
    ['newline', cn('a\nb'), 'control characters'],
    ['C1 control', cn('a\u0085b'), 'control characters'],
    ['lone surrogate', cn('\ud800'), 'does not allow'],
    ['underscore in a PrintableString', [[{ type: 'serialNumber', value: 'a_b' }]], 'does not allow'],
    ['umlaut in an IA5String', [[{ type: 'emailAddress', value: 'ä@b' }]], 'does not allow'],
    ['unknown type', [[{ type: 'commonName', value: 'a' }]], 'unknown attribute type'],
    ['prototype as type', [[{ type: '__proto__', value: 'a' }]], 'unknown attribute type'],
    ['RDN of nothing', [[]], 'without attributes'],
    ['no hexadecimal', [[{ type: 'CN', value: '#0', encoding: 'other' }]], 'not # and hexadecimal'],
  ])('refuses: %s', (_, name, reason) => {
    expectPkiError(() => encodeName(name), 'ERR_PKI_NAME', reason)
  })
})

describe('parseName', () => {
  it('says which string type it was, when it is not the usual one', () => {
    expect(parseName(one('2.5.4.3', 0x13, 0x61))).toEqual([[{ type: 'CN', value: 'a', encoding: 'printableString' }]])
    expect(parseName(one('2.5.4.3', 0x14, 0xe9))).toEqual([[{ type: 'CN', value: 'é', encoding: 'teletexString' }]])
    expect(parseName(one('2.5.4.3', 0x1e, 0x20, 0xac))).toEqual([[{ type: 'CN', value: '€', encoding: 'bmpString' }]])
    expect(parseName(one('2.5.4.3', 0x1c, 0, 1, 0xf6, 0))).toEqual([
      [{ type: 'CN', value: '😀', encoding: 'universalString' }],
    ])
    expect(parseName(one('1.2.3', 0x0c, 0x61))).toEqual([[{ type: '1.2.3', value: 'a' }]])
    // x500UniqueIdentifier is a BIT STRING.
    expect(parseName(one('2.5.4.45', 0x03, 0, 1))).toEqual([
      [{ type: '2.5.4.45', value: '#03020001', encoding: 'other' }],
    ])
  })

  it('reads what certificates have, though it is not written here', () => {
    const wild = one('2.5.4.10', 0x13, 0x2a)
    expect(parseName(wild)).toEqual([[{ type: 'O', value: '*', encoding: 'printableString' }]])
    expect(encodeName(parseName(wild))).toEqual(wild)
    expect(parseName(one('2.5.4.3', 0x0c, ...new Array(200).fill(0x61)))).toEqual(cn('a'.repeat(200)))
  })

  it.each([
    ['invalid UTF-8', one('2.5.4.3', 0x0c, 0xff)],
    ['overlong UTF-8', one('2.5.4.3', 0x0c, 0xc0, 0x80)],
    ['UTF-8 surrogate', one('2.5.4.3', 0x0c, 0xed, 0xa0, 0x80)],
    ['IA5String above ASCII', one('2.5.4.3', 0x16, 0x80)],
    ['PrintableString with $', one('2.5.4.3', 0x13, 0x24)],
    ['BMPString of odd length', one('2.5.4.3', 0x1e, 0x00)],
    ['BMPString with half a pair', one('2.5.4.3', 0x1e, 0xd8, 0x00)],
    ['UniversalString above Unicode', one('2.5.4.3', 0x1c, 0, 0x11, 0, 0)],
    ['empty RDN', sequence(set())],
    ['attribute without value', sequence(set(sequence(objectIdentifier('2.5.4.3'))))],
    [
      'attribute with two values',
      sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String('a'), utf8String('b')))),
    ],
    ['RDN out of order', sequence(set(attribute('2.5.4.10', 0x0c, 1), attribute('2.5.4.3', 0x0c, 1)))],
    ['same attribute twice', sequence(set(attribute('2.5.4.3', 0x0c, 1), attribute('2.5.4.3', 0x0c, 1)))],
    ['trailing octets', Uint8Array.from([...encodeName(cn('a')), 0])],
    ['no SEQUENCE', set()],
  ])('refuses: %s', (_, der) => {
    expectPkiError(() => parseName(der), 'ERR_PKI_DER')
  })

  it('keeps a byte order mark', () => {
    expect(parseName(encodeName(cn('\ufeffa')))).toEqual(cn('\ufeffa'))
  })

  it('makes the same octets again', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(value => !/\p{Cc}/u.test(value))
    const type = fc.constantFrom('CN', 'O', 'OU', 'L', 'UID', '1.2.840.99')
    const attributes = fc.uniqueArray(fc.record({ type, value: text }), {
      minLength: 1,
      maxLength: 3,
      selector: a => a.type,
    })
    fc.assert(
      fc.property(fc.array(attributes, { maxLength: 4 }), name => {
        const der = encodeName(name)
        const parsed = parseName(der)
        expect(encodeName(parsed)).toEqual(der)
        expect(parsed.map(rdn => new Set(rdn.map(a => `${a.type}=${a.value}`)))).toEqual(
          name.map(rdn => new Set(rdn.map(a => `${a.type}=${a.value}`))),
        )
      }),
    )
  })

  it('makes the same octets again of other string types', () => {
    const encodings = [
      'printableString',
      'ia5String',
      'teletexString',
      'bmpString',
      'universalString',
      'visibleString',
    ] as const
    fc.assert(
      fc.property(fc.constantFrom(...encodings), fc.stringMatching(/^[A-Za-z0-9 ]{1,20}$/), (encoding, value) => {
        const der = encodeName([[{ type: 'CN', value, encoding }]])
        expect(parseName(der)).toEqual([[{ type: 'CN', value, encoding }]])
        expect(encodeName(parseName(der))).toEqual(der)
      }),
    )
    expect(setOf()).toEqual(Uint8Array.of(0x31, 0))
  })
})

describe('formatName', () => {
  it('is RFC 4514, the most specific first', () => {
    expect(
      formatName([[{ type: 'C', value: 'DE' }], [{ type: 'O', value: 'Acme, Inc.' }], [{ type: 'CN', value: 'x' }]]),
    ).toBe('CN=x,O=Acme\\, Inc.,C=DE')
    expect(
      formatName([
        [
          { type: 'CN', value: 'a' },
          { type: 'UID', value: 'b' },
        ],
      ]),
    ).toBe('CN=a+UID=b')
    expect(formatName([])).toBe('')
  })

  it('escapes', () => {
    expect(formatName(cn(' a b '))).toBe('CN=\\ a b\\ ')
    expect(formatName(cn('#a#'))).toBe('CN=\\#a#')
    expect(formatName(cn('a"+,;<>\\b'))).toBe('CN=a\\"\\+\\,\\;\\<\\>\\\\b')
    expect(formatName(cn('\u001b[2J\0\n'))).toBe('CN=\\1b[2J\\00\\0a')
    expect(formatName(cn('\u009b'))).toBe('CN=\\c2\\9b')
    expect(formatName([[{ type: '2.5.4.45', value: '#0302', encoding: 'other' }]])).toBe('2.5.4.45=#0302')
  })
})

describe('attributeValues', () => {
  it('finds by short name or OID', () => {
    const name: DistinguishedName = [
      [{ type: 'CN', value: 'a' }],
      [
        { type: 'O', value: 'o' },
        { type: '2.5.4.3', value: 'b' },
      ],
    ]
    expect(attributeValues(name, 'CN')).toEqual(['a', 'b'])
    expect(attributeValues(name, '2.5.4.3')).toEqual(['a', 'b'])
    expect(attributeValues(name, 'OU')).toEqual([])
  })
})
