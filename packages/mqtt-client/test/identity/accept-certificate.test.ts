import type { Fleet } from '@fleetcert/core'
import { isPkiError } from '@fleetcert/x509'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acceptCertificate, type ExpectedCertificate } from '../../src/identity/accept-certificate.ts'
import { makePendingKey, publicKeyOf } from '../../src/identity/pending-key.ts'
import { decodeState, encodeState } from '../../src/identity/state-text.ts'
import { addTrustAnchors, pemCertificates, readAnnouncement } from '../../src/identity/trust-anchors.ts'
import { openTestFleet } from '../support/device-certificates.ts'

let fleet: Fleet
let answer: string
let expected: ExpectedCertificate

beforeAll(async () => {
  fleet = await openTestFleet()
  const { privateKey, csr } = await makePendingKey('sensor-1')
  const { certificate, chain, trustAnchors } = await fleet.enroll('sensor-1', { csr })
  answer = certificate + chain
  expected = {
    deviceId: 'sensor-1',
    privateKey,
    publicKey: publicKeyOf(privateKey),
    believed: trustAnchors,
    trustAnchors,
    now: new Date(),
  }
})
afterAll(() => fleet.close())

function refusal(text: unknown, changes: Partial<ExpectedCertificate> = {}): string {
  try {
    acceptCertificate(text, { ...expected, ...changes })
  } catch (error) {
    if (!isPkiError(error, 'ERR_PKI_HUB_ANSWER')) throw error
    return error.details.reason
  }
  return 'accepted'
}

test('the certificate and its issuers are kept; a root that was sent along is not', () => {
  expect(acceptCertificate(answer, expected).certificate).toBe(answer)
  expect(acceptCertificate(answer + fleet.trustAnchors, expected).certificate).toBe(answer)
})

test.each([
  [-400, 'the certificate is not valid yet: is the clock right?'],
  [-1, 'the certificate is not valid yet: is the clock right?'],
  [4000, 'the certificate has expired'],
])('with a clock that is %i days off: %s', (days, reason) => {
  expect(refusal(answer, { now: new Date(Date.now() + days * 86_400_000) })).toBe(reason)
})

test("a server's certificate, a CA's, and too many are refused", async () => {
  const server = await fleet.issueServer({ hosts: ['sensor-1'] })
  const key = { privateKey: server.privateKey!, publicKey: publicKeyOf(server.privateKey!) }
  expect(refusal(server.certificate + server.chain, key)).toMatch(/another device id|not for clients/)
  expect(refusal(answer.repeat(5))).toBe('its chain is too long')
  expect(refusal('')).toBe('it holds no certificate')
  expect(refusal(undefined)).toBe('it holds no certificate')
})

test('no change of a byte is accepted, and none makes it throw anything else', () => {
  const ders = pemCertificates(answer)
  fc.assert(
    fc.property(fc.nat(ders[0]!.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
      const der = Uint8Array.from(ders[0]!)
      der[index]! ^= flip
      const base64 = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
      const text = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
      expect(refusal(text + answer.slice(answer.indexOf('-----END')).replace(/^.*\n/, ''))).not.toBe('accepted')
    }),
    { numRuns: 400 },
  )
})

test('an announcement is bounded, and expired roots are left out', () => {
  const later = new Date(Date.now() + 20 * 366 * 86_400_000)
  expect(() => readAnnouncement(fleet.trustAnchors, later)).toThrow('no trust anchor that is valid')
  expect(() => readAnnouncement('x'.repeat(2_000_000), new Date())).toThrow(
    expect.objectContaining({ code: 'ERR_PKI_HUB_ANSWER' }),
  )
  expect(addTrustAnchors(fleet.trustAnchors, '', later)).toBe('')
  expect(addTrustAnchors(fleet.trustAnchors, fleet.trustAnchors, new Date())).toBe(fleet.trustAnchors)
})

test('the text of a state comes back, and no other text is one', () => {
  const current = { certificate: answer, privateKey: expected.privateKey, trustAnchors: '' }
  const text = encodeState({ current, previous: ['AA'] })
  expect(decodeState(text)).toEqual({ current, previous: ['AA'] })
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (index, inserted) => {
      const changed = text.slice(0, index) + inserted + text.slice(index + 1)
      if (changed !== text) expect(decodeState(changed)).toBeUndefined()
    }),
  )
  fc.assert(fc.property(fc.json(), json => decodeState(json) === undefined))
  for (const wrong of [
    7,
    null,
    { current: {} },
    { pending: { privateKey: 1, csr: '' } },
    { previous: [1] },
    { pending: null },
  ]) {
    expect(decodeState(encodeState(wrong as never))).toBeUndefined()
  }
})

test('while the root is being replaced, who knows either root takes what comes of either', async () => {
  const changing = await openTestFleet()
  const old = changing.trustAnchors
  await changing.rollover('announce', { root: true })
  const young = changing.trustAnchors.slice(old.length)
  await changing.rollover('issue')
  const { certificate, chain, privateKey } = await changing.enroll('sensor-1')
  const key = { privateKey: privateKey!, publicKey: publicKeyOf(privateKey!) }
  expect(chain.match(/BEGIN/g)).toHaveLength(2)
  for (const believed of [old, young, old + young]) {
    expect(refusal(certificate + chain, { ...key, believed, trustAnchors: believed })).toBe('accepted')
  }
  expect(refusal(certificate + chain, key)).toBe('its chain leads to no CA that is believed')
  await changing.close()
})
