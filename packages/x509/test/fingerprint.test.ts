import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  certificateFingerprint,
  formatFingerprint,
  fromHex,
  keyId,
  parseFingerprint,
  publicKeyFingerprint,
  toHex,
} from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'

const bytes = Uint8Array.of(1, 2, 3)
const hex = createHash('sha256').update(bytes).digest('hex')
const colons = hex.toUpperCase().match(/../g)!.join(':')

describe('fingerprints', () => {
  it('are SHA-256 with colons, key ids bare lower case', () => {
    expect(certificateFingerprint(bytes)).toBe(colons)
    expect(publicKeyFingerprint(bytes)).toBe(colons)
    expect(keyId(bytes)).toBe(hex)
    expect(formatFingerprint(Uint8Array.of(0, 0xab))).toBe('00:AB')
    expect(formatFingerprint(new Uint8Array(0))).toBe('')
  })

  it('are read in both spellings and either case', () => {
    for (const text of [colons, colons.toLowerCase(), hex, hex.toUpperCase()]) {
      expect(toHex(parseFingerprint(text))).toBe(hex)
    }
  })

  it.each([
    '',
    hex.slice(2),
    `${hex}00`,
    `${hex.slice(2)}zz`,
    `${hex.slice(1)} `,
    colons.replaceAll(':', '-'),
    colons.slice(3),
    `${colons}:00`,
    colons.replace(':', '0'),
    `${colons.slice(0, -2)}G0`,
    `0x${hex.slice(2)}`,
    `sha256:${hex}`,
    `${'A:'.repeat(47)}A`,
    '０'.repeat(64),
  ])('are refused otherwise: %j', text => {
    expectPkiError(() => parseFingerprint(text), 'ERR_PKI_FINGERPRINT')
  })

  it('are refused when they are no text', () => {
    for (const value of [undefined, null, 5, {}, bytes]) {
      expectPkiError(() => parseFingerprint(value as never), 'ERR_PKI_FINGERPRINT')
    }
  })
})

describe('hexadecimal', () => {
  it('goes both ways', () => {
    expect(toHex(Uint8Array.of(0, 15, 255))).toBe('000fff')
    expect(fromHex('000fFf')).toEqual(Uint8Array.of(0, 15, 255))
    expect(fromHex('')).toEqual(new Uint8Array(0))
    expect(fromHex('ab').buffer.byteLength).toBe(1)
  })

  it('refuses anything else', () => {
    for (const text of ['0', '0g', 'g0', 'abc', '00 0', '0x']) expect(() => fromHex(text)).toThrow(TypeError)
  })
})
