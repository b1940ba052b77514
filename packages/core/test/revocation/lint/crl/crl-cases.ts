import {
  crlNumberExtension,
  encodeName,
  encodeTime,
  extensionOids,
  keyUsage,
  signatureAlgorithmIdentifier,
} from '@fleetcert/x509'
import {
  bitString,
  context,
  derTag,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  utf8String,
} from '@fleetcert/x509/der'
import { issuer as authority, cn, extension, keys } from '../../../authority/lint/cases/build-certificate.ts'
import {
  aki,
  type CrlCase,
  type CrlFields,
  deltaIndicator,
  entryExtension,
  entryOf,
  entryWith,
  flag,
  freshest,
  generalized,
  idpOf,
  invalidity,
  pointName,
  reason,
  revoked,
  serial,
  timeOf,
  withExtensions,
} from './build-crl.ts'

const rsa = { key: keys.rsa }
const list = (...entries: readonly Uint8Array[]): CrlFields => ({ entries })
const listIn = (changes: Parameters<typeof withExtensions>[0], ...entries: readonly Uint8Array[]): CrlFields => ({
  ...withExtensions(changes),
  entries,
})
const akiOf = (critical: boolean, value: Uint8Array): Uint8Array =>
  extension(extensionOids.authorityKeyIdentifier, critical, value)
const numberOf = (value: Uint8Array, critical: boolean = false): Uint8Array =>
  extension(extensionOids.crlNumber, critical, value)
const accessTo = (method: string, critical: boolean = false, uri: string = 'http://pki.example/ca.cer'): Uint8Array =>
  extension(
    extensionOids.authorityInfoAccess,
    critical,
    sequence(sequence(objectIdentifier(method), context(6, false, Buffer.from(uri)))),
  )
const caIssuers = '1.3.6.1.5.5.7.48.2'
const point = (...fields: readonly Uint8Array[]): Uint8Array => sequence(...fields)
const indirect = idpOf(pointName(), flag(4, true))
const someReasons = (...octets: readonly number[]): Uint8Array =>
  idpOf(pointName(), context(3, false, Uint8Array.from(octets)))
/** unusedBits 6: keyCompromise alone. */
const keyCompromiseOnly = someReasons(6, 0x40)
const directoryName = context(4, true, encodeName(cn('Other CA')))
const delta = deltaIndicator(3)
const fractions = timeOf(derTag.generalizedTime, '20260101000000.5Z')
const noSeconds = timeOf(derTag.utcTime, '2601010000Z')
const offset = timeOf(derTag.utcTime, '260101000000+0100')

/** By rule: CRLs that it must find fault with, and that it must not. */
export const crlCases: Readonly<
  Record<string, { readonly bad: readonly CrlCase[]; readonly good: readonly CrlCase[] }>
> = {
  'crl-same-signature-algorithm': {
    bad: [{ crl: { outer: signatureAlgorithmIdentifier('ecdsa-with-SHA384') } }],
    good: [{ crl: { algorithm: signatureAlgorithmIdentifier('ecdsa-with-SHA384') } }],
  },
  'crl-signature-algorithm-parameters': {
    bad: [
      { crl: { algorithm: sequence(objectIdentifier('1.2.840.10045.4.3.2'), nullValue()) } },
      {
        crl: { algorithm: sequence(objectIdentifier('1.2.840.113549.1.1.11')) },
        issuer: authority({}, rsa),
      },
      { crl: { algorithm: sequence(objectIdentifier('2.16.840.1.101.3.4.3.17'), nullValue()) } },
      { crl: { algorithm: sequence(integer(1)) } },
    ],
    good: [
      { crl: { algorithm: signatureAlgorithmIdentifier('sha256WithRSAEncryption') }, issuer: authority({}, rsa) },
      { crl: { algorithm: sequence(objectIdentifier('1.2.3.4'), integer(1)) } },
    ],
  },
  'crl-signature-algorithm-fits-issuer': {
    bad: [
      { crl: { algorithm: signatureAlgorithmIdentifier('sha256WithRSAEncryption') } },
      { crl: { algorithm: signatureAlgorithmIdentifier('id-Ed25519') } },
    ],
    good: [
      { crl: { algorithm: signatureAlgorithmIdentifier('id-Ed25519') }, issuer: authority({}, { key: keys.ed25519 }) },
    ],
  },
  'crl-signature-octets': {
    bad: [{ crl: { signature: bitString(Uint8Array.of(0xf0), 4) } }],
    good: [{ crl: {} }],
  },
  'crl-version-2': {
    bad: [{ crl: { version: null } }, { crl: { version: integer(2) } }],
    good: [{ crl: {} }],
  },
  'crl-issuer-name': {
    bad: [{ crl: { issuer: encodeName([]) }, also: ['crl-issuer-name-copied'] }],
    good: [{ crl: {} }],
  },
  'crl-issuer-name-copied': {
    bad: [
      { crl: { issuer: encodeName(cn('Another CA')) } },
      { crl: { issuer: encodeName([[{ type: 'CN', value: 'CA', encoding: 'printableString' }]]) } },
    ],
    good: [{ crl: {} }],
  },
  'crl-issuer-may-sign': {
    bad: [{ crl: {}, issuer: authority({ keyUsage: keyUsage(['keyCertSign']) }) }],
    good: [{ crl: {} }, { crl: {}, issuer: authority({ keyUsage: undefined }) }],
  },
  'crl-time-form': {
    bad: [
      { crl: { thisUpdate: fractions } },
      { crl: { thisUpdate: noSeconds } },
      { crl: { nextUpdate: offset } },
      { crl: list(entryOf(serial, fractions)) },
    ],
    good: [{ crl: {} }],
  },
  'crl-time-encoding': {
    bad: [
      { crl: { thisUpdate: generalized(new Date('2026-01-01')) } },
      { crl: { nextUpdate: generalized(new Date('2049-12-31T23:59:59Z')) } },
      { crl: list(entryOf(serial, generalized(new Date('2025-12-01')))) },
    ],
    good: [{ crl: { nextUpdate: generalized(new Date('2050-01-01')) } }],
  },
  'crl-next-update': { bad: [{ crl: { nextUpdate: null } }], good: [{ crl: {} }] },
  'crl-update-order': {
    bad: [
      { crl: { nextUpdate: encodeTime(new Date('2026-01-01')) } },
      { crl: { nextUpdate: encodeTime(new Date('2025-12-31')) } },
    ],
    good: [{ crl: { nextUpdate: encodeTime(new Date('2026-01-01T00:00:01Z')) } }],
  },
  'crl-revoked-certificates-not-empty': { bad: [{ crl: list() }], good: [{ crl: { entries: null } }] },
  'crl-extensions-not-empty': {
    bad: [
      {
        crl: { extensions: [] },
        also: ['crl-authority-key-identifier', 'crl-number', 'crl-issuing-distribution-point'],
      },
      { crl: list(sequence(serial, encodeTime(new Date('2025-12-01')), sequence())) },
    ],
    good: [{ crl: list(entryWith()) }],
  },
  'crl-no-duplicate-extension': {
    bad: [{ crl: withExtensions({ more: crlNumberExtension(8n) }) }, { crl: list(entryWith(reason(1), reason(4))) }],
    good: [{ crl: list(entryWith(reason(1), invalidity(generalized(new Date('2025-11-01'))))) }],
  },
  'crl-critical-default': {
    bad: [
      { crl: withExtensions({ number: extension(extensionOids.crlNumber, 'false written out', integer(7)) }) },
      { crl: list(entryWith(reason(1, 'false written out'))) },
    ],
    good: [{ crl: {} }],
  },
  'crl-known-critical-extensions': {
    bad: [
      { crl: withExtensions({ more: extension('1.2.3.4', true, nullValue()) }) },
      { crl: list(entryWith(entryExtension('1.2.3.4', true, nullValue()))) },
    ],
    good: [
      { crl: withExtensions({ more: extension('1.2.3.4', false, nullValue()) }) },
      { crl: withExtensions({ delta }) },
      { crl: list(entryWith(entryExtension('1.2.3.4', false, nullValue()))) },
    ],
  },
  'crl-extension-syntax': {
    bad: [
      { crl: withExtensions({ aki: akiOf(false, nullValue()) }) },
      { crl: withExtensions({ number: numberOf(octetString(Uint8Array.of(7))) }) },
      { crl: withExtensions({ number: numberOf(Uint8Array.of(2, 2, 0, 7)) }) },
      { crl: withExtensions({ idp: idpOf(flag(1, true), pointName()) }) },
      { crl: withExtensions({ idp: idpOf(pointName(), context(1, false, Uint8Array.of(1))) }) },
      { crl: withExtensions({ delta: deltaIndicator(nullValue()) }) },
      { crl: withExtensions({ freshest: freshest(false) }) },
      { crl: withExtensions({ more: extension(extensionOids.authorityInfoAccess, false, sequence()) }) },
    ],
    good: [
      { crl: withExtensions({ idp: idpOf(pointName(), flag(1, true)) }) },
      { crl: withExtensions({ freshest: freshest(false, point(pointName())), more: accessTo(caIssuers) }) },
      {
        crl: withExtensions({
          more: extension(extensionOids.issuerAltName, false, sequence(context(2, false, Buffer.from('ca.example')))),
        }),
      },
    ],
  },
  'crl-authority-key-identifier': {
    bad: [
      { crl: withExtensions({ aki: undefined }) },
      { crl: withExtensions({ aki: akiOf(false, sequence()) }) },
      {
        crl: withExtensions({
          aki: akiOf(false, sequence(context(1, true, directoryName), context(2, false, Uint8Array.of(7)))),
        }),
      },
    ],
    good: [{ crl: withExtensions({ aki }) }],
  },
  'crl-authority-key-identifier-not-critical': {
    bad: [{ crl: withExtensions({ aki: akiOf(true, aki.subarray(-24)) }), also: ['crl-known-critical-extensions'] }],
    good: [{ crl: {} }],
  },
  'crl-authority-key-identifier-matches': {
    bad: [{ crl: withExtensions({ aki: akiOf(false, sequence(context(0, false, Buffer.alloc(20, 9)))) }) }],
    good: [{ crl: {} }, { crl: {}, issuer: authority({ ski: undefined }) }],
  },
  'crl-issuer-alt-name-not-critical': {
    bad: [
      {
        crl: withExtensions({ more: extension(extensionOids.issuerAltName, true, sequence(directoryName)) }),
        also: ['crl-known-critical-extensions'],
      },
    ],
    good: [{ crl: withExtensions({ more: extension(extensionOids.issuerAltName, false, sequence(directoryName)) }) }],
  },
  'crl-number': { bad: [{ crl: withExtensions({ number: undefined }) }], good: [{ crl: {} }] },
  'crl-number-not-critical': {
    bad: [{ crl: withExtensions({ number: numberOf(integer(7), true) }), also: ['crl-known-critical-extensions'] }],
    good: [{ crl: {} }],
  },
  'crl-number-form': {
    bad: [
      { crl: withExtensions({ number: numberOf(integer(Buffer.alloc(21, 1))) }) },
      { crl: withExtensions({ number: numberOf(integer(Buffer.alloc(20, 0xff))) }) },
      { crl: withExtensions({ number: numberOf(Uint8Array.of(2, 1, 0x80)) }) },
      { crl: withExtensions({ delta: deltaIndicator(Uint8Array.of(2, 1, 0xff)) }) },
    ],
    good: [
      { crl: withExtensions({ number: crlNumberExtension(2n ** 159n - 1n) }) },
      { crl: withExtensions({ number: crlNumberExtension(0n) }) },
    ],
  },
  'crl-delta-indicator-critical': {
    bad: [{ crl: withExtensions({ delta: deltaIndicator(3, false) }) }],
    good: [{ crl: withExtensions({ delta }) }],
  },
  'crl-delta-base': {
    bad: [{ crl: withExtensions({ delta: deltaIndicator(8) }) }],
    good: [
      { crl: withExtensions({ delta: deltaIndicator(6) }) },
      { crl: withExtensions({ delta: deltaIndicator(7) }) },
    ],
  },
  'crl-freshest-not-in-delta': {
    bad: [{ crl: withExtensions({ delta, freshest: freshest(false, point(pointName())) }) }],
    good: [
      { crl: withExtensions({ delta }) },
      { crl: withExtensions({ freshest: freshest(false, point(pointName())) }) },
    ],
  },
  'crl-freshest-not-critical': {
    bad: [
      {
        crl: withExtensions({ freshest: freshest(true, point(pointName())) }),
        also: ['crl-known-critical-extensions'],
      },
    ],
    good: [{ crl: withExtensions({ freshest: freshest(false, point(pointName())) }) }],
  },
  'crl-freshest-form': {
    bad: [
      {
        crl: withExtensions({
          freshest: freshest(false, point(pointName(), context(1, false, Uint8Array.of(6, 0x40)))),
        }),
      },
      {
        crl: withExtensions({
          freshest: freshest(false, point(pointName()), point(pointName(), context(2, true, directoryName))),
        }),
      },
      { crl: withExtensions({ freshest: freshest(false, point()) }) },
    ],
    good: [{ crl: withExtensions({ freshest: freshest(false, point(pointName()), point(pointName())) }) }],
  },
  'crl-issuing-distribution-point': { bad: [{ crl: withExtensions({ idp: undefined }) }], good: [{ crl: {} }] },
  'crl-idp-critical': {
    bad: [
      { crl: withExtensions({ idp: extension(extensionOids.issuingDistributionPoint, false, sequence(pointName())) }) },
    ],
    good: [{ crl: withExtensions({ idp: idpOf(pointName()) }) }],
  },
  'crl-idp-not-empty': {
    bad: [{ crl: withExtensions({ idp: idpOf() }) }],
    good: [{ crl: withExtensions({ idp: idpOf(flag(2, true)) }) }],
  },
  'crl-idp-default': {
    bad: [
      { crl: withExtensions({ idp: idpOf(pointName(), flag(1, false)) }) },
      { crl: withExtensions({ idp: idpOf(pointName(), flag(5, false)) }) },
    ],
    good: [{ crl: withExtensions({ idp: idpOf(flag(1, true)) }) }],
  },
  'crl-idp-one-kind': {
    bad: [{ crl: withExtensions({ idp: idpOf(flag(1, true), flag(2, true)) }) }],
    good: [{ crl: withExtensions({ idp: idpOf(flag(2, true)) }) }],
  },
  'crl-idp-no-attribute-certs': {
    bad: [{ crl: withExtensions({ idp: idpOf(flag(5, true)) }) }],
    good: [{ crl: withExtensions({ idp: idpOf(flag(1, true)) }) }],
  },
  'crl-idp-whole-scope': {
    bad: [
      { crl: withExtensions({ idp: keyCompromiseOnly }) },
      { crl: withExtensions({ idp: indirect }) },
      {
        crl: withExtensions({
          idp: idpOf(context(0, true, context(1, true, sequence(objectIdentifier('2.5.4.3'), utf8String('crl 0'))))),
        }),
      },
    ],
    good: [{ crl: withExtensions({ idp: idpOf(pointName(), flag(1, true)) }) }],
  },
  'crl-aia-not-critical': {
    bad: [{ crl: withExtensions({ more: accessTo(caIssuers, true) }), also: ['crl-known-critical-extensions'] }],
    good: [{ crl: withExtensions({ more: accessTo(caIssuers) }) }],
  },
  'crl-aia-ca-issuers': {
    bad: [{ crl: withExtensions({ more: accessTo('1.3.6.1.5.5.7.48.1') }) }],
    good: [{ crl: withExtensions({ more: accessTo(caIssuers) }) }],
  },
  'crl-no-https-urls': {
    bad: [
      { crl: withExtensions({ idp: idpOf(pointName('https://pki.example/crl')) }), also: ['crl-http-urls'] },
      {
        crl: withExtensions({ freshest: freshest(false, point(pointName('LDAPS://pki.example/crl'))) }),
        also: ['crl-http-urls'],
      },
      { crl: withExtensions({ more: accessTo(caIssuers, false, 'https://pki.example/ca') }), also: ['crl-http-urls'] },
    ],
    good: [{ crl: withExtensions({ idp: idpOf(pointName('ldap://pki.example/crl')) }) }],
  },
  'crl-http-urls': {
    bad: [{ crl: withExtensions({ idp: idpOf(pointName('ldap://pki.example/crl')) }) }],
    good: [{ crl: {} }],
  },
  'crl-entry-serial-number': {
    bad: [
      { crl: list(entryOf(integer(0))) },
      { crl: list(entryOf(Uint8Array.of(2, 1, 0x80))) },
      { crl: list(entryOf(integer(Buffer.alloc(20, 0xff)))) },
    ],
    good: [{ crl: list(entryOf(integer(Buffer.alloc(20, 1)))) }],
  },
  'crl-entry-once': {
    bad: [{ crl: list(revoked('01'), revoked('02'), revoked('01')) }],
    good: [
      { crl: list(revoked('01'), revoked('02')) },
      { crl: listIn({ idp: indirect }, revoked('01'), revoked('01')) },
    ],
  },
  'crl-entry-reason-not-critical': {
    bad: [{ crl: list(entryWith(reason(1, true))), also: ['crl-known-critical-extensions'] }],
    good: [{ crl: list(entryWith(reason(1))) }],
  },
  'crl-entry-reason-known': {
    bad: [
      { crl: list(entryWith(reason(7))) },
      { crl: list(entryWith(reason(11))) },
      { crl: list(entryWith(reason(integer(1)))) },
      { crl: list(entryWith(reason(Uint8Array.of(0x0a, 2, 0, 0x81)))) },
    ],
    good: [1, 2, 3, 4, 5, 6, 9, 10].map(value => ({ crl: list(entryWith(reason(value))) })),
  },
  'crl-entry-reason-not-unspecified': {
    bad: [{ crl: list(entryWith(reason(0))) }],
    good: [{ crl: list(entryWith()) }],
  },
  'crl-entry-remove-from-crl': {
    bad: [{ crl: list(entryWith(reason(8))) }],
    good: [{ crl: listIn({ delta }, entryWith(reason(8))) }],
  },
  'crl-entry-reason-in-scope': {
    bad: [
      { crl: listIn({ idp: keyCompromiseOnly }, entryWith(reason(4))), also: ['crl-idp-whole-scope'] },
      { crl: listIn({ idp: keyCompromiseOnly }, entryWith(reason(10))), also: ['crl-idp-whole-scope'] },
    ],
    good: [
      { crl: listIn({ idp: keyCompromiseOnly }, entryWith(reason(1))) },
      { crl: listIn({ idp: keyCompromiseOnly }, entryWith()) },
      { crl: listIn({ idp: someReasons(7, 0, 0x80) }, entryWith(reason(10))) },
    ],
  },
  'crl-entry-invalidity-date-not-critical': {
    bad: [
      {
        crl: list(entryWith(invalidity(generalized(new Date('2025-11-01')), true))),
        also: ['crl-known-critical-extensions'],
      },
    ],
    good: [{ crl: list(entryWith(invalidity(generalized(new Date('2025-11-01'))))) }],
  },
  'crl-entry-invalidity-date-form': {
    bad: [
      { crl: list(entryWith(invalidity(encodeTime(new Date('2025-11-01'))))) },
      { crl: list(entryWith(invalidity(fractions))) },
    ],
    good: [{ crl: list(revoked('01')) }],
  },
  'crl-entry-certificate-issuer': {
    bad: [
      { crl: list(entryWith(entryExtension(extensionOids.certificateIssuer, false, sequence(directoryName)))) },
      {
        crl: listIn(
          { idp: indirect },
          entryWith(entryExtension(extensionOids.certificateIssuer, false, sequence(directoryName))),
        ),
        also: ['crl-idp-whole-scope'],
      },
      {
        crl: listIn(
          { idp: indirect },
          entryWith(
            entryExtension(extensionOids.certificateIssuer, true, sequence(context(2, false, Buffer.from('ca')))),
          ),
        ),
        also: ['crl-idp-whole-scope', 'crl-known-critical-extensions'],
      },
    ],
    good: [
      {
        crl: listIn(
          { idp: indirect },
          entryWith(entryExtension(extensionOids.certificateIssuer, true, sequence(directoryName))),
        ),
      },
    ],
  },
}
