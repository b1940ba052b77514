import { endlessNotAfter, fromHex, type GeneralName, subjectAltName } from '@fleetcert/x509'
import {
  context,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  set,
  tlv,
  utf8String,
} from '@fleetcert/x509/der'
import { ca, cn, device, type Fields, type LintCases, named, server } from './build-certificate.ts'

const urn: GeneralName = { type: 'uri', value: 'urn:fleetcert:device:a' }
const criticalSan = subjectAltName([urn], { critical: true })

/** A subject of attributes that `encodeName` would refuse: OID and encoded value of each, then the common name. */
const raw = (...attributes: readonly (readonly [oid: string, value: Uint8Array])[]): Fields =>
  device(
    {},
    {
      subject: sequence(
        ...[...attributes, ['2.5.4.3', utf8String('a')] as const].map(([oid, value]) =>
          set(sequence(objectIdentifier(oid), value)),
        ),
      ),
    },
  )
const text = (tag: number, value: string): Uint8Array => tlv(tag, Buffer.from(value, 'latin1'))
const teletex = 0x14
const bmp = 0x1e
const ia5 = 0x16
const printable = 0x13

/** A GeneralName as it stands, for what `encodeGeneralName` would refuse. */
const rawName = (tagNumber: number, value: string): GeneralName => ({
  type: 'other',
  tag: tagNumber,
  der: context(tagNumber, false, Buffer.from(value, 'latin1')),
})
const dns = (value: string): Fields => named(rawName(2, value))
const uri = (value: string): Fields => named(rawName(6, value))
const email = (value: string): Fields => named(rawName(1, value))
const otherName = (oid: string, value: Uint8Array): Fields =>
  named({ type: 'other', tag: 0, der: context(0, true, objectIdentifier(oid), context(0, true, value)) })
const utf8Mailbox = (value: Uint8Array): Fields => otherName('1.3.6.1.5.5.7.8.9', value)
const hardware = (value: Uint8Array): Fields => otherName('1.3.6.1.5.5.7.8.4', value)

/** Rules about the subject and its alternative names. */
export const nameCases: LintCases = {
  'ca-subject-present': {
    bad: [{ certificate: ca({}, { subject: [] }), also: ['empty-subject-alt-name'] }],
    good: [{ certificate: ca() }],
  },
  'empty-subject-alt-name': {
    bad: [
      { certificate: device({ san: subjectAltName([{ type: 'dns', value: 'a.example' }]) }, { subject: [] }) },
      { certificate: device({ san: undefined }, { subject: [] }) },
    ],
    good: [
      {
        certificate: server(
          { san: subjectAltName([{ type: 'dns', value: 'a.example' }], { critical: true }) },
          { subject: [] },
        ),
      },
    ],
  },
  'subject-alt-name-not-critical': {
    bad: [{ certificate: device({ san: criticalSan }) }],
    good: [{ certificate: device() }],
  },
  'name-string-type': {
    bad: [
      { certificate: raw(['2.5.4.10', text(teletex, 'Acm\xe9')]) },
      { certificate: raw(['2.5.4.11', text(bmp, '\0A')]) },
      { certificate: raw(['2.5.4.7', octetString(fromHex('41'))]) },
    ],
    good: [
      { certificate: raw(['2.5.4.10', printableString('Acme')]) },
      { certificate: raw(['2.5.4.10', utf8String('Acmé')]) },
      // What string an attribute of an unknown type should be nobody knows.
      { certificate: raw(['1.2.3.4', text(teletex, 'x')]) },
    ],
  },
  'printable-string-attributes': {
    bad: [
      { certificate: raw(['2.5.4.6', utf8String('DE')]) },
      { certificate: raw(['2.5.4.5', utf8String('42')]) },
      { certificate: raw(['2.5.4.46', utf8String('42')]) },
      { certificate: raw(['2.5.4.10', text(printable, 'A&B')]) },
      { certificate: raw(['2.5.4.5', text(printable, '4_2')]) },
    ],
    good: [
      { certificate: raw(['2.5.4.6', printableString('DE')]) },
      { certificate: raw(['2.5.4.5', printableString("A-1 (x)'+,./:=?")]) },
    ],
  },
  'ia5-string-attributes': {
    bad: [
      { certificate: raw(['0.9.2342.19200300.100.1.25', utf8String('example')]) },
      { certificate: raw(['1.2.840.113549.1.9.1', utf8String('a@example')]), also: ['email-in-subject'] },
    ],
    good: [{ certificate: raw(['0.9.2342.19200300.100.1.25', text(ia5, 'example')]) }],
  },
  'name-bounds': {
    bad: [
      {
        certificate: device(
          {},
          { subject: sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String('x'.repeat(65))))) },
        ),
        also: ['device-name'],
      },
      { certificate: raw(['2.5.4.10', utf8String('x'.repeat(65))]) },
      { certificate: raw(['2.5.4.8', utf8String('x'.repeat(129))]) },
      { certificate: raw(['2.5.4.5', printableString('x'.repeat(65))]) },
      { certificate: raw(['2.5.4.11', utf8String('')]) },
    ],
    good: [
      { certificate: raw(['2.5.4.10', utf8String('x'.repeat(64))]) },
      // 64 characters, 128 code units.
      { certificate: raw(['2.5.4.10', utf8String('😀'.repeat(64))]) },
    ],
  },
  'country-name': {
    bad: [
      { certificate: raw(['2.5.4.6', printableString('de')]) },
      { certificate: raw(['2.5.4.6', printableString('D1')]) },
      { certificate: raw(['2.5.4.6', printableString('DEU')]), also: ['name-bounds'] },
    ],
    good: [{ certificate: raw(['2.5.4.6', printableString('DE')]) }],
  },
  'email-in-subject': {
    bad: [{ certificate: raw(['1.2.840.113549.1.9.1', text(ia5, 'a@mail.example')]) }],
    good: [
      {
        certificate: {
          ...named({ type: 'email', value: 'a@mail.example' }),
          subject: [[{ type: 'emailAddress', value: 'a@mail.example' }], ...cn('a')],
        },
      },
    ],
  },
  'single-common-name': {
    bad: [{ certificate: device({}, { subject: cn('a', 'b') }) }],
    good: [{ certificate: device() }],
  },
  'device-name': {
    bad: [
      { certificate: device({}, { subject: cn('b') }) },
      { certificate: named({ type: 'uri', value: 'urn:fleetcert:device:b' }) },
      { certificate: device({ san: subjectAltName([{ type: 'uri', value: 'URN:FleetCert:device:a' }]) }) },
      { certificate: device({}, { subject: [[{ type: 'O', value: 'a' }]] }) },
    ],
    good: [
      { certificate: device() },
      { certificate: named({ type: 'uri', value: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6' }) },
      { certificate: server() },
    ],
  },
  'devid-serial-number': {
    bad: [
      { certificate: device({}, { notAfter: endlessNotAfter }) },
      {
        certificate: device(
          {},
          {
            notAfter: endlessNotAfter,
            subject: [[{ type: 'serialNumber', value: 'a' }], [{ type: 'serialNumber', value: 'b' }], ...cn('a')],
          },
        ),
      },
    ],
    good: [
      {
        certificate: device(
          {},
          { notAfter: endlessNotAfter, subject: [[{ type: 'serialNumber', value: 'a' }], ...cn('a')] },
        ),
      },
      { certificate: ca({}, { notAfter: endlessNotAfter }) },
    ],
  },
  'dns-name-syntax': {
    bad: [
      '',
      ' ',
      'a..example',
      '-a.example',
      'a-.example',
      'a_b.example',
      'a.example.',
      `${'x'.repeat(64)}.example`,
      'x.'.repeat(130),
    ].map(name => ({ certificate: dns(name) })),
    good: ['localhost', 'a.example', 'A-1.example', '1.2.3.example', '*.example.com'].map(name => ({
      certificate: dns(name),
    })),
  },
  'wildcard-label': {
    bad: ['*', 'a*.example', '*a.example', 'a.*.example', '*.*.example'].map(name => ({ certificate: dns(name) })),
    good: ['*.example', '*.a.example', 'a.example'].map(name => ({ certificate: dns(name) })),
  },
  'dns-a-label': {
    bad: ['ab--c.example', 'xn--99999999999.example', 'a.xn--.example'].map((name, index) => ({
      certificate: dns(name),
      also: index === 2 ? ['dns-name-syntax'] : [],
    })),
    good: ['xn--mnchen-3ya.example', 'a--b.example', 'a-b.example'].map(name => ({ certificate: dns(name) })),
  },
  'uri-syntax': {
    bad: [
      '',
      'a',
      '/path',
      '//host/path',
      'http:',
      '1http:x',
      'http://',
      'http:// x',
      'http://a_b/',
      'http://h/%zz',
      'http://h/\x7f',
      'http://[::1',
      'http://[host]/',
    ].map(name => ({ certificate: uri(name) })),
    good: [
      'http://host.example/a?b#c',
      'https://192.0.2.1:8443/',
      'https://[2001:db8::1]/',
      'tag:example,2026:a',
      'opc.tcp://host:4840',
      'spiffe://example/a%20b',
    ].map(name => ({ certificate: uri(name) })),
  },
  'urn-syntax': {
    bad: [
      'urn:x',
      'urn:-a:b',
      'urn:uuid:',
      'urn:uuid:f81d4fae7dec11d0a76500a0c91e6bf6',
      'URN:UUID:f81d4fae-7dec-11d0-a765-00a0c91e6bfg',
    ].map(name => ({ certificate: uri(name) })),
    good: ['urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'urn:dev:mac:0024befffe804ff1', 'urn:ietf:rfc:2648'].map(
      name => ({
        certificate: uri(name),
      }),
    ),
  },
  'email-syntax': {
    bad: [
      'a',
      '@example',
      'a@',
      'a b@example',
      'A <a@example>',
      '.a@example',
      'a..b@example',
      'a@-example',
      'a@[192.0.2]',
      `${'x'.repeat(65)}@example`,
    ].map(name => ({ certificate: email(name) })),
    good: ['a@example', 'a.b+c@mail.example', '"a b"@example', 'a@[192.0.2.1]', 'a@[IPv6:2001:db8::1]'].map(name => ({
      certificate: email(name),
    })),
  },
  'smtp-utf8-mailbox': {
    bad: [
      { certificate: utf8Mailbox(utf8String('a@example')) },
      { certificate: utf8Mailbox(utf8String('ä@Example')) },
      { certificate: utf8Mailbox(utf8String('ä@münchen.example')) },
      { certificate: utf8Mailbox(octetString(Buffer.from('ä@example'))) },
    ],
    good: [
      { certificate: utf8Mailbox(utf8String('ä@xn--mnchen-3ya.example')) },
      { certificate: utf8Mailbox(utf8String(`${'ä'.repeat(30)}@${'x'.repeat(60)}.example`)) },
      { certificate: otherName('1.2.3.4', utf8String('a@example')) },
    ],
  },
  'hardware-module-name': {
    bad: [
      { certificate: hardware(sequence(objectIdentifier('1.2.3.4'))) },
      { certificate: hardware(sequence(octetString(fromHex('01')), objectIdentifier('1.2.3.4'))) },
      { certificate: hardware(utf8String('x')) },
    ],
    good: [{ certificate: hardware(sequence(objectIdentifier('1.2.3.4'), octetString(fromHex('0102')))) }],
  },
}
