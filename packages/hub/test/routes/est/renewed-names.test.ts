import { type CertificationRequest, memoryKeyring, memoryStore, openFleet, parseCertificate } from '@fleetcert/core'
import { expect, test } from 'vitest'
import { checkRenewedNames } from '../../../src/routes/est/renewed-names.ts'

const fleet = await openFleet({
  store: memoryStore(),
  keyring: memoryKeyring(),
  organization: 'Acme',
  background: false,
})
const { certificate } = await fleet.enroll('d-1', { subjectAltName: [{ type: 'dns', value: 'd-1.example' }] })
const current = parseCertificate(certificate)
await fleet.close()

const urn = { type: 'uri', value: 'urn:fleetcert:device:d-1' } as const
const dns = { type: 'dns', value: 'd-1.example' } as const
const O = { type: 'O', value: 'Acme' }
const CN = { type: 'CN', value: 'd-1' }

const csr = (asked: Partial<CertificationRequest>): CertificationRequest =>
  ({ subject: [], attributes: [], ...asked }) as Partial<CertificationRequest> as CertificationRequest

test.each<[string, Partial<CertificationRequest>]>([
  ['no names', {}],
  ['its own', { subject: [[O], [CN]], requestedSubjectAltName: [urn, dns] }],
  ['its own, in another order', { subject: [[O], [CN]], requestedSubjectAltName: [dns, urn] }],
  ['its own, as another type of string', { subject: [[{ ...O, encoding: 'printableString' }], [CN]] }],
])('%s', (_, asked) => {
  expect(() => checkRenewedNames(csr(asked), current)).not.toThrow()
})

test.each<[string, Partial<CertificationRequest>]>([
  ['another subject', { subject: [[O], [{ ...CN, value: 'd-2' }]] }],
  ['a part of the subject', { subject: [[CN]] }],
  ['more than the subject', { subject: [[O], [CN], [{ type: 'OU', value: 'x' }]] }],
  ['one RDN of two attributes', { subject: [[O, CN]] }],
  ['another order', { subject: [[CN], [O]] }],
  ['other letters', { subject: [[O], [{ ...CN, value: 'D-1' }]] }],
  ['fewer names', { requestedSubjectAltName: [urn] }],
  ['more names', { requestedSubjectAltName: [urn, dns, { type: 'ip', value: '10.0.0.1' }] }],
  ['no names, expressly', { requestedSubjectAltName: [] }],
  ['the same text as another type', { requestedSubjectAltName: [urn, { type: 'email', value: 'd-1.example' }] }],
  ['ChangeSubjectName', { attributes: [{ oid: '1.3.6.1.5.5.7.7.36', values: [] }] }],
])('%s is refused', (_, asked) => {
  expect(() => checkRenewedNames(csr(asked), current)).toThrow(expect.objectContaining({ code: 'ERR_PKI_REQUEST' }))
})
