import { generateKeyPairSync } from 'node:crypto'
import { fromHex, parsePublicKey } from '@fleetcert/x509'
import { expect, it } from 'vitest'
import { ed25519Defect } from '../../../src/authority/keys/ed25519-point.ts'

// The encodings of small order that libsodium and the "Taming the many EdDSAs" paper list, canonical or not; each with both signs.
const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]
const notCanonical = [
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]
const withSign = (hex: string): string[] => [
  hex,
  `${hex.slice(0, 62)}${(Number.parseInt(hex.slice(62), 16) | 0x80).toString(16)}`,
]

it.each(smallOrder.flatMap(withSign))('%s is of small order', hex => {
  expect(ed25519Defect(fromHex(hex))).toMatch(/small order/)
})

it.each(notCanonical.flatMap(withSign))('%s is not canonical', hex => {
  expect(ed25519Defect(fromHex(hex))).toMatch(/canonical/)
})

it('minds nothing in keys that were made', () => {
  for (let count = 0; count < 50; count++) {
    const spki = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' })
    const key = parsePublicKey(spki) as { key: Uint8Array }
    expect(ed25519Defect(key.key)).toBeUndefined()
  }
  // p − 2, the largest y that is neither −1 nor beyond.
  expect(ed25519Defect(fromHex(`eb${'ff'.repeat(30)}7f`))).toBeUndefined()
})
