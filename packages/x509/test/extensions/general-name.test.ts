import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { context, createDerReader, octetString, sequence } from '../../src/der/index.ts'
import { readGeneralName } from '../../src/extensions/general-name.ts'
import { formatIpAddress, parseIpAddress } from '../../src/extensions/ip-address.ts'
import { encodeGeneralName, encodeName, type GeneralName, parseSubjectAltName } from '../../src/index.ts'
import { expectPkiError } from '../support/errors.ts'

const read = (der: Uint8Array) => readGeneralName(createDerReader(der))

describe('GeneralName', () => {
  it.each<GeneralName>([
    { type: 'dns', value: 'a.example' },
    { type: 'dns', value: '*.a.example' },
    { type: 'dns', value: 'localhost' },
    { type: 'dns', value: 'xn--bcher-kva.example' },
    { type: 'ip', value: '192.0.2.1' },
    { type: 'ip', value: '2001:db8::1' },
    { type: 'uri', value: 'urn:fleetcert:device:a@b' },
    { type: 'uri', value: 'http://[2001:db8::1]:8080/crl/0.crl?a=b%20c#d' },
    { type: 'email', value: 'a.b+c@example.com' },
    { type: 'directoryName', value: [[{ type: 'CN', value: 'x' }]] },
    { type: 'other', tag: 8, der: context(8, false, Uint8Array.of(0x2a, 3)) },
  ])('$type goes both ways', name => {
    expect(read(encodeGeneralName(name))).toEqual(name)
  })

  it.each<[string, GeneralName]>([
    ['empty DNS name', { type: 'dns', value: '' }],
    ['trailing dot', { type: 'dns', value: 'a.example.' }],
    ['empty label', { type: 'dns', value: 'a..example' }],
    ['underscore', { type: 'dns', value: 'a_b.example' }],
    ['hyphen at the edge', { type: 'dns', value: '-a.example' }],
    ['lone wildcard', { type: 'dns', value: '*' }],
    ['wildcard inside', { type: 'dns', value: 'a.*.example' }],
    ['partial wildcard', { type: 'dns', value: 'a*.example' }],
    ['port', { type: 'dns', value: 'a.example:8883' }],
    ['umlaut', { type: 'dns', value: 'bücher.example' }],
    ['NUL', { type: 'dns', value: 'a.example\0.b' }],
    ['long label', { type: 'dns', value: `${'a'.repeat(64)}.example` }],
    ['long name', { type: 'dns', value: `${'a.'.repeat(127)}a` }],
    ['relative URI', { type: 'uri', value: '/crl/0.crl' }],
    ['URI with blank', { type: 'uri', value: 'http://a/b c' }],
    ['URI with umlaut', { type: 'uri', value: 'http://ä/' }],
    ['URI with newline', { type: 'uri', value: 'http://a/\n' }],
    ['URI without anything', { type: 'uri', value: 'http:' }],
    ['mail without domain', { type: 'email', value: 'a@' }],
    ['mail without name', { type: 'email', value: '@a.example' }],
    ['mail with blank', { type: 'email', value: 'a b@a.example' }],
    ['IP with port', { type: 'ip', value: '192.0.2.1:80' }],
    ['IP with zone', { type: 'ip', value: 'fe80::1%eth0' }],
    ['empty RDN', { type: 'directoryName', value: [[]] }],
  ])('is refused: %s', (_, name) => {
    expectPkiError(() => encodeGeneralName(name), 'ERR_PKI_NAME')
  })

  it('of an unknown type is the caller’s mistake', () => {
    expect(() => encodeGeneralName({ type: 'host', value: 'a' } as never)).toThrow(TypeError)
  })

  it.each([
    ['IP address of five octets', context(7, false, new Uint8Array(5))],
    ['network', context(7, false, new Uint8Array(8))],
    ['DNS name above ASCII', context(2, false, Uint8Array.of(0xe4))],
    ['DNS name with NUL', context(2, false, Uint8Array.of(0x61, 0, 0x62))],
    ['unknown choice', context(9, false)],
    ['constructed DNS name', context(2, true)],
    ['universal type', octetString(new Uint8Array(1))],
    ['nested garbage in otherName', context(0, true, Uint8Array.of(1, 1, 1))],
    ['directoryName of two', context(4, true, encodeName([]), encodeName([]))],
  ])('is not read: %s', (_, der) => {
    expectPkiError(() => read(der), 'ERR_PKI_DER')
    expectPkiError(() => parseSubjectAltName(sequence(der)), 'ERR_PKI_DER')
  })
})

describe('IP addresses', () => {
  it.each([
    ['::', '00000000000000000000000000000000', '::'],
    ['::1', '00000000000000000000000000000001', '::1'],
    ['1::', '00010000000000000000000000000000', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:192.0.2.128', '00000000000000000000ffffc0000280', '::ffff:c000:280'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221', '64:ff9b::c000:221'],
    ['0.0.0.0', '00000000', '0.0.0.0'],
    ['255.255.255.255', 'ffffffff', '255.255.255.255'],
  ])('%s', (text, hex, canonical) => {
    const octets = parseIpAddress(text)!
    expect(Buffer.from(octets).toString('hex')).toBe(hex)
    expect(formatIpAddress(octets)).toBe(canonical)
  })

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.1.1.1',
    '1.1.1.1 ',
    '1.1.1.-1',
    '0x1.1.1.1',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '1:2:3:4:5:6:7:8::',
    ':1:2:3:4:5:6:7',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3',
    '[::1]',
    '::1/64',
  ])('%j is none', text => {
    expect(parseIpAddress(text)).toBeUndefined()
  })

  it('come back', () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }).map(list => Uint8Array.from(list)),
    )
    fc.assert(
      fc.property(octets, bytes => {
        expect(parseIpAddress(formatIpAddress(bytes))).toEqual(bytes)
      }),
    )
  })
})
