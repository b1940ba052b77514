import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createCertificationRequest, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { type MessageSigner, parsePublicKey, signatureAlgorithmIdentifier, softwareSigner } from '@fleetcert/x509'
import { bitString, context, integer, nullValue, objectIdentifier, sequence } from '@fleetcert/x509/der'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkKeyPolicy, checkModulusComposite } from '../../src/authority/key-policy.ts'

const spkiOf = (key: KeyObject): Uint8Array => key.export({ format: 'der', type: 'spki' })
const ecSpki = (point: Uint8Array): Uint8Array =>
  sequence(sequence(objectIdentifier('1.2.840.10045.2.1'), objectIdentifier('1.2.840.10045.3.1.7')), bitString(point))
const rsaSpki = (modulus: Uint8Array, exponent: bigint): Uint8Array =>
  sequence(
    sequence(objectIdentifier('1.2.840.113549.1.1.1'), nullValue()),
    bitString(sequence(integer(modulus), integer(exponent))),
  )
/** A request with the key, signed by nobody. */
const unsigned = (spki: Uint8Array): Uint8Array =>
  sequence(
    sequence(integer(0), sequence(), spki, context(0, true)),
    signatureAlgorithmIdentifier('ecdsa-with-SHA256'),
    bitString(new Uint8Array(70)),
  )

let fleet: Fleet
beforeAll(async () => {
  fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
})
afterAll(() => fleet.close())

describe('the key policy', () => {
  it.each([
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['Ed25519', generateKeyPairSync('ed25519')],
    ['RSA-2048', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    // No multiple of eight bits.
    ['RSA-2051', generateKeyPairSync('rsa', { modulusLength: 2051 })],
  ])('certifies %s', async (_name, { publicKey, privateKey }) => {
    const key = parsePublicKey(spkiOf(publicKey))
    expect(() => checkKeyPolicy(key)).not.toThrow()
    await checkModulusComposite(key)
    const csr = await createCertificationRequest({ subject: [], signer: softwareSigner(privateKey) })
    expect((await fleet.issueServer({ hosts: ['a.example'], csr })).privateKey).toBeUndefined()
  })

  it.each([
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey, /P-521/],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, /1\.3\.132\.0\.10/],
    ['Ed448', generateKeyPairSync('ed448').publicKey, /1\.3\.101\.113/],
    ['X25519', generateKeyPairSync('x25519').publicKey, /1\.3\.101\.110/],
    ['RSA-1024', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, /at least 2048 bits.*1024/],
    ['RSA-2047', generateKeyPairSync('rsa', { modulusLength: 2047 }).publicKey, /at least 2048 bits.*2047/],
    ['RSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey, /1\.2\.840\.113549\.1\.1\.10/],
    ['RSA with e = 3', generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey, /exponent/],
    [
      'a curve with its parameters spelled out',
      generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey,
      /1\.2\.840\.10045\.2\.1/,
    ],
  ])('refuses %s', async (_name, publicKey, reason) => {
    const spki = spkiOf(publicKey)
    const refusal = { code: 'ERR_PKI_KEY_POLICY', details: { reason: expect.stringMatching(reason) } }
    expect(() => checkKeyPolicy(parsePublicKey(spki))).toThrow(expect.objectContaining(refusal))
    await expect(fleet.enroll('a', { csr: unsigned(spki) })).rejects.toMatchObject(refusal)
  })

  const modulusOf = (modulusLength: number): Uint8Array =>
    Buffer.from(generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }).n!, 'base64url')

  it.each([
    ['an even exponent', 65538n, /exponent/],
    ['an exponent below 65537', 65535n, /exponent/],
    ['an exponent of 257 bits', (1n << 256n) + 1n, /below 2\^256/],
  ])('refuses %s', (_name, exponent, reason) => {
    const key = parsePublicKey(rsaSpki(modulusOf(2048), exponent))
    expect(() => checkKeyPolicy(key)).toThrow(
      expect.objectContaining({ details: { reason: expect.stringMatching(reason) } }),
    )
  })

  it('refuses an even modulus, and one of 4097 bits', () => {
    const modulus = modulusOf(2048)
    modulus[255]! &= 0xfe
    for (const octets of [modulus, Buffer.concat([Buffer.of(1), modulusOf(4096)])]) {
      expect(() => checkKeyPolicy(parsePublicKey(rsaSpki(octets, 65537n)))).toThrow(
        expect.objectContaining({ code: 'ERR_PKI_KEY_POLICY' }),
      )
    }
  })

  it('follows what a profile leaves of it', () => {
    const ec = parsePublicKey(spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey))
    const rsa = parsePublicKey(spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey))
    const refusal = expect.objectContaining({ code: 'ERR_PKI_KEY_POLICY' })
    expect(() => checkKeyPolicy(ec, { keys: ['P-256'], rsaMinimumBits: 2048 })).not.toThrow()
    expect(() => checkKeyPolicy(ec, { keys: ['P-384', 'RSA'], rsaMinimumBits: 2048 })).toThrow(refusal)
    expect(() => checkKeyPolicy(rsa, { keys: ['RSA'], rsaMinimumBits: 2048 })).not.toThrow()
    expect(() => checkKeyPolicy(rsa, { keys: ['RSA'], rsaMinimumBits: 2049 })).toThrow(refusal)
  })
})

describe('points of curves', () => {
  // The reader wants an uncompressed point; that it lies on the curve is checked when OpenSSL imports the key for the proof of possession.
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const point = new Uint8Array(spkiOf(publicKey).subarray(26))

  const signedWith = (spki: Uint8Array): Promise<Uint8Array> => {
    const signer: MessageSigner = {
      algorithm: 'ecdsa-with-SHA256',
      publicKey: spki,
      sign: async message => sign('sha256', message as Uint8Array, privateKey),
    }
    return createCertificationRequest({ subject: [], signer })
  }

  it('passes with the point as it was', async () => {
    await fleet.enroll('on-curve', { csr: await signedWith(ecSpki(point)) })
  })

  it.each([
    ['off the curve', () => point.map((octet, index) => (index === 64 ? octet ^ 1 : octet)), 'ERR_PKI_CSR_SIGNATURE'],
    ['with both coordinates zero', () => Uint8Array.of(4, ...new Uint8Array(64)), 'ERR_PKI_CSR_SIGNATURE'],
    [
      'with a coordinate beyond the field',
      () => Uint8Array.of(4, ...new Uint8Array(64).fill(0xff)),
      'ERR_PKI_CSR_SIGNATURE',
    ],
    ['at infinity', () => Uint8Array.of(0), 'ERR_PKI_CERTIFICATE'],
    ['at infinity, filled up', () => new Uint8Array(65), 'ERR_PKI_CERTIFICATE'],
    ['compressed', () => Uint8Array.of(2 + (point[64]! & 1), ...point.subarray(1, 33)), 'ERR_PKI_CERTIFICATE'],
    ['hybrid', () => Uint8Array.of(6 + (point[64]! & 1), ...point.subarray(1)), 'ERR_PKI_CERTIFICATE'],
  ])('refuses a point %s', async (_name, changed, code) => {
    await expect(fleet.enroll('a', { csr: await signedWith(ecSpki(changed())) })).rejects.toMatchObject({ code })
    expect(await fleet.device('a')).toBeUndefined()
  })

  it('refuses an Ed25519 point of small order, for which anybody can sign', async () => {
    // A is the neutral element: with R = A and S = 0 the equation S·B = R + h·A holds for every message.
    const neutral = Buffer.concat([Buffer.of(1), Buffer.alloc(31)])
    const signer: MessageSigner = {
      algorithm: 'id-Ed25519',
      publicKey: sequence(sequence(objectIdentifier('1.3.101.112')), bitString(neutral)),
      sign: async () => Buffer.concat([neutral, Buffer.alloc(32)]),
    }
    const csr = await createCertificationRequest({ subject: [], signer })
    await expect(fleet.enroll('a', { csr })).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_POLICY',
      details: { reason: expect.stringMatching(/small order/) },
    })
  })
})
