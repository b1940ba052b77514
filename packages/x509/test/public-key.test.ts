import { createECDH, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bitString, integer, nullValue, objectIdentifier, sequence } from '../src/der/index.ts'
import { parsePublicKey } from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'

const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ format: 'der', type: 'spki' }))
const ecPublicKey = objectIdentifier('1.2.840.10045.2.1')
const prime256v1 = objectIdentifier('1.2.840.10045.3.1.7')
const rsaEncryption = objectIdentifier('1.2.840.113549.1.1.1')
const mlDsa44 = objectIdentifier('2.16.840.1.101.3.4.3.17')
const ed25519 = objectIdentifier('1.3.101.112')

const spki = (algorithm: readonly Uint8Array[], key: Uint8Array, unusedBits = 0) =>
  sequence(sequence(...algorithm), bitString(key, unusedBits))
const point = Uint8Array.from([4, ...new Array(64).fill(7)])
const rsa = (...parts: Uint8Array[]) => spki([rsaEncryption, nullValue()], sequence(...parts))

describe('parsePublicKey', () => {
  it.each([
    ['P-256', 'prime256v1', 65],
    ['P-384', 'secp384r1', 97],
    ['P-521', 'secp521r1', 133],
  ] as const)('reads %s', (curve, namedCurve, length) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve })
    const info = parsePublicKey(spkiOf(publicKey))
    expect(info).toMatchObject({ type: 'ec', curve })
    const jwk = publicKey.export({ format: 'jwk' })
    const xy = Buffer.concat([Buffer.from(jwk.x!, 'base64url'), Buffer.from(jwk.y!, 'base64url')])
    expect(info.type === 'ec' && Buffer.from(info.point)).toEqual(Buffer.concat([Buffer.of(4), xy]))
    expect(info.type === 'ec' && info.point.length).toBe(length)
  })

  it.each([512, 1023, 2048])('reads RSA of %i bits', modulusLength => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength })
    const info = parsePublicKey(spkiOf(publicKey))
    const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n!, 'base64url')
    expect(info).toEqual({
      type: 'rsa',
      modulusBits: modulusLength,
      modulus: new Uint8Array(modulus),
      publicExponent: 65537n,
    })
  })

  it.each(['ml-dsa-44', 'ml-dsa-65'] as const)('reads %s', type => {
    const { publicKey } = generateKeyPairSync(type)
    const spki = spkiOf(publicKey)
    const octets = { 'ml-dsa-44': 1312, 'ml-dsa-65': 1952 }[type]
    expect(parsePublicKey(spki)).toEqual({ type, key: spki.subarray(-octets) })
  })

  it('reads Ed25519', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const key = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
    expect(parsePublicKey(spkiOf(publicKey))).toEqual({ type: 'ed25519', key: new Uint8Array(key) })
  })

  it('names what is not supported', () => {
    expect(parsePublicKey(spkiOf(generateKeyPairSync('x448').publicKey))).toEqual({
      type: 'unsupported',
      algorithm: '1.3.101.111',
    })
    const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey
    expect(parsePublicKey(spkiOf(secp256k1))).toEqual({ type: 'unsupported', algorithm: '1.3.132.0.10' })
    const explicit = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' }).publicKey
    expect(parsePublicKey(spkiOf(explicit))).toEqual({ type: 'unsupported', algorithm: '1.2.840.10045.2.1' })
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).publicKey
    expect(parsePublicKey(spkiOf(pss))).toEqual({ type: 'unsupported', algorithm: '1.2.840.113549.1.1.10' })
  })

  it('refuses a compressed point', () => {
    const ecdh = createECDH('prime256v1')
    ecdh.generateKeys()
    const compressed = ecdh.getPublicKey(null, 'compressed')
    expectPkiError(
      () => parsePublicKey(spki([ecPublicKey, prime256v1], compressed)),
      'ERR_PKI_CERTIFICATE',
      'uncompressed',
    )
  })

  it.each([
    ['point too short', spki([ecPublicKey, prime256v1], point.subarray(0, 64))],
    ['point of another curve', spki([ecPublicKey, objectIdentifier('1.3.132.0.34')], point)],
    ['hybrid point', spki([ecPublicKey, prime256v1], Uint8Array.from([6, ...point.subarray(1)]))],
    ['point at infinity', spki([ecPublicKey, prime256v1], Uint8Array.of(0))],
    ['EC without curve', spki([ecPublicKey], point)],
    ['EC with two parameters', spki([ecPublicKey, prime256v1, nullValue()], point)],
    ['bits left over', spki([ecPublicKey, prime256v1], Uint8Array.from([...point.subarray(0, 64), 0]), 1)],
    ['Ed25519 with parameters', spki([ed25519, nullValue()], new Uint8Array(32))],
    ['ML-DSA with parameters', spki([mlDsa44, nullValue()], new Uint8Array(1312))],
    ['ML-DSA of a wrong length', spki([mlDsa44], new Uint8Array(1952))],
    ['Ed25519 of 31 octets', spki([ed25519], new Uint8Array(31))],
    ['RSA without NULL', spki([rsaEncryption], sequence(integer(15), integer(3)))],
    ['RSA with zero modulus', rsa(integer(0), integer(3))],
    ['RSA with zero exponent', rsa(integer(15), integer(0))],
    ['RSA with negative modulus', rsa(Uint8Array.of(2, 1, 0x80), integer(3))],
    ['RSA with padded modulus', rsa(Uint8Array.of(2, 2, 0, 0x0f), integer(3))],
    ['RSA with three integers', rsa(integer(15), integer(3), integer(1))],
    ['RSA without exponent', rsa(integer(15))],
    [
      'RSA with trailing octets',
      spki([rsaEncryption, nullValue()], Uint8Array.from([...sequence(integer(15), integer(3)), 0])),
    ],
    ['trailing octets', Uint8Array.from([...spki([ecPublicKey, prime256v1], point), 0])],
    ['third element', sequence(sequence(ed25519), bitString(new Uint8Array(32)), nullValue())],
    ['nothing', new Uint8Array(0)],
  ])('refuses: %s', (_, der) => {
    expect(() => parsePublicKey(der)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_PKI_(?:DER|CERTIFICATE)$/) }),
    )
  })
})
