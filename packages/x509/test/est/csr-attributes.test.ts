import { expect, it } from 'vitest'
import { type CsrKey, encodeCsrAttributes } from '../../src/index.ts'
import { describeOpenssl } from '../support/openssl.ts'

it('as RFC 7030 section 4.5.2 writes its example, for P-384', () => {
  // id-ecPublicKey with secp384r1, and ecdsaWithSHA384.
  const expected = '301e' + '3012' + '06072a8648ce3d0201' + '3107' + '06052b81040022' + '06082a8648ce3d040303'
  expect(Buffer.from(encodeCsrAttributes('P-384')).toString('hex')).toBe(expected)
})

it('another kind of key is the caller’s mistake', () => {
  expect(() => encodeCsrAttributes('P-521' as CsrKey)).toThrow(TypeError)
  expect(() => encodeCsrAttributes('toString' as CsrKey)).toThrow(TypeError)
})

describeOpenssl('openssl', ({ openssl }) => {
  it.each<[CsrKey, RegExp]>([
    ['P-256', /:id-ecPublicKey[\s\S]*:prime256v1[\s\S]*:ecdsa-with-SHA256/],
    ['P-384', /:id-ecPublicKey[\s\S]*:secp384r1[\s\S]*:ecdsa-with-SHA384/],
    ['Ed25519', /:ED25519/],
    ['RSA', /:rsaEncryption[\s\S]*INTEGER +:0800[\s\S]*:sha256WithRSAEncryption/],
  ])('knows what is asked for with %s', (key, names) => {
    const { text, status } = openssl(['asn1parse', '-inform', 'DER'], encodeCsrAttributes(key))
    expect(status).toBe(0)
    expect(text).toMatch(names)
  })
})
