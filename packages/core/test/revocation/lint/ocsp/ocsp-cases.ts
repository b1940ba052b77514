import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  crlDistributionPoints,
  encodeName,
  encodeTime,
  extendedKeyUsage,
  extendedKeyUsageOids,
  extensionOids,
  keyUsage,
  signatureAlgorithmIdentifier,
} from '@fleetcert/x509'
import {
  concat,
  context,
  derTag,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
} from '@fleetcert/x509/der'
import { cn, extension, keys } from '../../../authority/lint/cases/build-certificate.ts'
import {
  at,
  byKey,
  byName,
  certIdOf,
  delegate,
  extendedRevokeOid,
  good,
  issuerDer,
  nonceOf,
  type OcspCase,
  type OcspFields,
  rawCertId,
  request,
  revoked,
  type SingleFields,
  signedByCa,
  single,
  spoiltKeyHash,
  unknown,
} from './build-ocsp.ts'

const text = (tag: number, value: string): Uint8Array => concat([Uint8Array.of(tag, value.length), Buffer.from(value)])
const fractions = text(derTag.generalizedTime, '20260101000000.5Z')
const noSeconds = text(derTag.generalizedTime, '202601010000Z')
const withDelegate = (...parameters: Parameters<typeof delegate>): OcspFields => ({
  certificates: [delegate(...parameters)],
})
const of = (...fields: readonly SingleFields[]): OcspFields => ({ responses: fields.map(single) })
const nonce = Buffer.alloc(32, 3)
const extendedRevoke = (critical: boolean = false, value: Uint8Array = nullValue()): Uint8Array =>
  extension(extendedRevokeOid, critical, value)
const nonIssued = revoked(6, at('1970-01-01'))
const private1 = (critical: boolean | 'false written out' = false): Uint8Array =>
  extension('1.2.3.4', critical, nullValue())
const empty = new Uint8Array(0)

/** By rule: responses that it must find fault with, and that it must not. */
export const ocspCases: Readonly<
  Record<string, { readonly bad: readonly OcspCase[]; readonly good: readonly OcspCase[] }>
> = {
  'ocsp-response-status': {
    bad: [{ response: { status: 4, bytes: null } }, { response: { status: 7, bytes: null } }],
    good: [1, 2, 3, 5, 6].map(status => ({ response: { status, bytes: null } })),
  },
  'ocsp-response-bytes': {
    bad: [{ response: { status: 0, bytes: null } }, { response: { status: 6 } }],
    good: [{ response: {} }, { response: { status: 6, bytes: null } }],
  },
  'ocsp-response-type': {
    bad: [{ response: { bytes: { type: '1.2.3.4', octets: empty } } }],
    good: [{ response: {} }],
  },
  'ocsp-version': { bad: [{ response: { version: integer(1) } }], good: [{ response: {} }] },
  'ocsp-version-default': { bad: [{ response: { version: integer(0) } }], good: [{ response: {} }] },
  'ocsp-responder-id-by-key': {
    bad: [{ response: { responderId: byName('OCSP') } }],
    good: [{ response: { responderId: byKey(keys.ed25519) } }],
  },
  'ocsp-responder-id-form': {
    bad: [
      {
        response: { ...signedByCa, responderId: context(2, true, octetString(Buffer.alloc(32, 1))) },
        also: ['ocsp-delegate-included'],
      },
    ],
    good: [{ response: signedByCa }],
  },
  'ocsp-responder-id-matches': {
    bad: [
      { response: { responderId: byKey(keys.rsa) }, also: ['ocsp-certs-needed'] },
      { response: { responderId: byName('Nobody') }, also: ['ocsp-certs-needed', 'ocsp-responder-id-by-key'] },
      { response: { certificates: [sequence()] }, also: ['ocsp-certs-needed'] },
    ],
    good: [{ response: {} }, { response: signedByCa }, { response: { ...signedByCa, certificates: [issuerDer] } }],
  },
  'ocsp-delegate-included': {
    bad: [{ response: { certificates: null } }],
    good: [{ response: {} }, { response: signedByCa }, { response: { certificates: null }, withoutIssuer: true }],
  },
  'ocsp-certs-not-empty': {
    bad: [{ response: { ...signedByCa, certificates: [] } }],
    good: [{ response: signedByCa }],
  },
  'ocsp-certs-needed': {
    bad: [
      { response: { certificates: [delegate(), issuerDer] } },
      { response: { ...signedByCa, certificates: [issuerDer] } },
      { response: { ...signedByCa, certificates: [issuerDer] }, withoutIssuer: true },
    ],
    good: [{ response: {} }],
  },
  'ocsp-signature-algorithm-parameters': {
    bad: [{ response: { algorithm: sequence(objectIdentifier('1.3.101.112'), nullValue()) } }],
    good: [{ response: {} }],
  },
  'ocsp-signature-algorithm-fits-signer': {
    bad: [
      { response: { algorithm: signatureAlgorithmIdentifier('ecdsa-with-SHA256') } },
      { response: { ...signedByCa, algorithm: signatureAlgorithmIdentifier('id-Ed25519') } },
    ],
    good: [{ response: {} }, { response: signedByCa }],
  },
  'ocsp-delegate-purpose': {
    bad: [
      { response: withDelegate({ extendedKeyUsage: extendedKeyUsage([extendedKeyUsageOids.clientAuth]) }) },
      { response: withDelegate({ extendedKeyUsage: undefined }) },
      { response: withDelegate({ keyUsage: keyUsage(['keyAgreement']) }) },
    ],
    good: [
      { response: withDelegate({ keyUsage: keyUsage(['nonRepudiation']) }) },
      { response: withDelegate({ keyUsage: undefined }) },
      { response: { ...signedByCa, certificates: [issuerDer] }, withoutIssuer: true },
    ],
  },
  'ocsp-delegate-issued-directly': {
    bad: [
      { response: withDelegate({}, { issuer: encodeName(cn('Another CA')) }) },
      { response: withDelegate({ aki: authorityKeyIdentifier(Buffer.alloc(20, 1)) }) },
    ],
    good: [{ response: withDelegate({ aki: undefined }) }],
  },
  'ocsp-delegate-nocheck': {
    bad: [{ response: withDelegate({ more: undefined }) }],
    good: [{ response: signedByCa }],
  },
  'ocsp-delegate-nocheck-form': {
    bad: [
      { response: withDelegate({ more: extension(extensionOids.ocspNoCheck, true, nullValue()) }) },
      { response: withDelegate({ more: extension(extensionOids.ocspNoCheck, false, integer(1)) }) },
    ],
    good: [{ response: {} }],
  },
  'ocsp-delegate-no-pointers': {
    bad: [
      { response: withDelegate({ crl: crlDistributionPoints(['http://pki.example/crl']) }) },
      { response: withDelegate({ aia: authorityInfoAccess({ ocsp: ['http://pki.example/ocsp'] }) }) },
    ],
    good: [{ response: withDelegate({ aia: authorityInfoAccess({ caIssuers: ['http://pki.example/ca'] }) }) }],
  },
  'ocsp-delegate-short-lived': {
    bad: [{ response: withDelegate({}, { notAfter: new Date('2026-03-20T00:00:01Z') }) }],
    good: [{ response: withDelegate({}, { notAfter: new Date('2026-03-20') }) }],
  },
  'ocsp-within-delegate': {
    bad: [
      { response: withDelegate({}, { notBefore: new Date('2026-01-01T00:00:01Z') }) },
      { response: withDelegate({}, { notAfter: new Date('2026-01-01T12:00:00Z') }) },
    ],
    good: [{ response: withDelegate({}, { notBefore: new Date('2026-01-01'), notAfter: new Date('2026-01-02') }) }],
  },
  'ocsp-time-form': {
    bad: [
      { response: { producedAt: fractions } },
      { response: of({ thisUpdate: noSeconds }) },
      { response: of({ thisUpdate: encodeTime(new Date('2026-01-01')) }) },
      { response: of({ nextUpdate: text(derTag.generalizedTime, '20260102000000+0100') }) },
      { response: of({ status: revoked(1, fractions) }) },
    ],
    good: [{ response: of({ status: revoked(1) }) }],
  },
  'ocsp-next-update': { bad: [{ response: of({ nextUpdate: null }) }], good: [{ response: {} }] },
  'ocsp-update-order': {
    bad: [
      {
        response: {
          ...of({ thisUpdate: at('2025-12-30'), nextUpdate: at('2025-12-30') }),
          producedAt: at('2025-12-30'),
        },
        also: ['ocsp-produced-at'],
      },
    ],
    good: [{ response: of({ nextUpdate: at('2026-01-01T00:00:01Z') }) }],
  },
  'ocsp-produced-at': {
    bad: [{ response: { producedAt: at('2025-12-31T23:59:59Z') } }, { response: { producedAt: at('2026-01-02') } }],
    good: [{ response: { producedAt: at('2026-01-01T23:59:59Z') } }],
  },
  'ocsp-revocation-time': {
    bad: [{ response: of({ status: revoked(1, at('2026-01-01T00:00:01Z')) }) }],
    good: [{ response: of({ status: revoked(1, at('2026-01-01')) }) }],
  },
  'ocsp-revocation-reason': {
    bad: [7, 8, 11].map(reason => ({ response: of({ status: revoked(reason) }) })),
    good: [undefined, 1, 6, 10].map(reason => ({ response: of({ status: revoked(reason) }) })),
  },
  'ocsp-reason-not-unspecified': {
    bad: [{ response: of({ status: revoked(0) }) }],
    good: [{ response: of({ status: revoked() }) }],
  },
  'ocsp-responses-present': {
    bad: [{ response: of() }, { response: {}, request: request({}, certIdOf('07'), certIdOf('08')) }],
    good: [
      { response: of({}, { certId: certIdOf('08') }), request: request({}, certIdOf('07'), certIdOf('08')) },
      { response: {}, request: request({}, certIdOf('07'), certIdOf('07')) },
    ],
  },
  'ocsp-responses-asked-for': {
    bad: [
      { response: of({}, { certId: certIdOf('08') }), request: request() },
      { response: of({}, { certId: certIdOf('07', 'sha1') }), request: request() },
    ],
    good: [{ response: of({}, { certId: certIdOf('07', 'sha1') }) }, { response: {}, request: request() }],
  },
  'ocsp-responses-agree': {
    bad: [{ response: of({}, { status: revoked(1) }) }],
    good: [{ response: of({}, { certId: certIdOf('08'), status: revoked(1) }) }, { response: of({}, {}) }],
  },
  'ocsp-cert-id-hash': {
    bad: [
      { response: of({ certId: rawCertId('1.3.14.3.2.26', Buffer.alloc(32), Buffer.alloc(20)), status: unknown }) },
      {
        response: of({
          certId: rawCertId('2.16.840.1.101.3.4.2.1', Buffer.alloc(32), Buffer.alloc(20)),
          status: unknown,
        }),
      },
    ],
    good: [{ response: of({ certId: rawCertId('1.2.3.4', Buffer.alloc(7), Buffer.alloc(20)), status: unknown }) }],
  },
  'ocsp-cert-id-issuer': {
    bad: [
      { response: of({ certId: rawCertId('1.3.14.3.2.26', Buffer.alloc(20), Buffer.alloc(20)), status: good }) },
      { response: of({ certId: spoiltKeyHash(), status: revoked(1) }) },
    ],
    good: [
      { response: of({ certId: certIdOf('07', 'sha1') }) },
      { response: of({ certId: rawCertId('1.3.14.3.2.26', Buffer.alloc(20), Buffer.alloc(20)), status: unknown }) },
    ],
  },
  'ocsp-response-extensions': {
    bad: [{ response: { extensions: [private1()] } }, { response: { extensions: [extendedRevoke()] } }],
    good: [{ response: { extensions: [nonceOf(octetString(nonce))] } }, { response: of({ extensions: [private1()] }) }],
  },
  'ocsp-extensions-not-empty': {
    bad: [{ response: { extensions: [] } }, { response: of({ extensions: [] }) }],
    good: [{ response: of({ extensions: [private1()] }) }],
  },
  'ocsp-no-duplicate-extension': {
    bad: [
      { response: { extensions: [nonceOf(octetString(nonce)), nonceOf(octetString(nonce))] } },
      { response: of({ extensions: [private1(), private1()] }) },
    ],
    good: [{ response: of({ extensions: [private1()] }, { extensions: [private1()] }) }],
  },
  'ocsp-critical-default': {
    bad: [
      { response: { extensions: [nonceOf(octetString(nonce), 'false written out')] } },
      { response: of({ extensions: [private1('false written out')] }) },
    ],
    good: [{ response: { extensions: [nonceOf(octetString(nonce))] } }],
  },
  'ocsp-no-critical-extension': {
    bad: [
      { response: { extensions: [nonceOf(octetString(nonce), true)] } },
      { response: of({ extensions: [private1(true)] }) },
    ],
    good: [{ response: of({ extensions: [private1()] }) }],
  },
  'ocsp-nonce-form': {
    bad: [
      { response: { extensions: [nonceOf(nonce)] } },
      { response: { extensions: [nonceOf(octetString(empty))] } },
      { response: { extensions: [nonceOf(octetString(Buffer.alloc(129)))] } },
    ],
    good: [1, 128].map(length => ({ response: { extensions: [nonceOf(octetString(Buffer.alloc(length)))] } })),
  },
  'ocsp-nonce-echoed': {
    bad: [
      { response: { extensions: [nonceOf(octetString(nonce))] }, request: request() },
      { response: { extensions: [nonceOf(octetString(nonce))] }, request: request({ nonce: nonce.subarray(1) }) },
    ],
    good: [
      { response: { extensions: [nonceOf(octetString(nonce))] }, request: request({ nonce }) },
      { response: {}, request: request({ nonce }) },
    ],
  },
  'ocsp-extended-revoke': {
    bad: [
      { response: of({ status: nonIssued }) },
      { response: of({ extensions: [extendedRevoke()] }) },
      {
        response: { extensions: [extendedRevoke(true)] },
        also: ['ocsp-response-extensions', 'ocsp-no-critical-extension'],
      },
      { response: { extensions: [extendedRevoke(false, integer(1))] }, also: ['ocsp-response-extensions'] },
    ],
    good: [
      { response: { ...of({ status: nonIssued }), extensions: [extendedRevoke()] } },
      { response: of({ status: revoked(1, at('1970-01-01')) }) },
    ],
  },
}
