import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bitString,
  boolean,
  createDerReader,
  derTag,
  enumerated,
  ia5String,
  integer,
  nullValue,
  octetString,
  printableString,
  utf8String,
} from '../../src/der/index.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('integer', () => {
  it('is minimal and never negative', () => {
    for (const [value, encoding] of [
      [0, '020100'],
      [127, '02017f'],
      [128, '02020080'],
      [256, '02020100'],
      [2n ** 64n, '0209010000000000000000'],
      [new Uint8Array(0), '020100'],
      [Uint8Array.of(0, 0, 0), '020100'],
      [Uint8Array.of(0, 0x7f), '02017f'],
      [Uint8Array.of(0x80), '02020080'],
    ] as const) {
      expect(hex(integer(value))).toBe(encoding)
    }
  })

  it('refuses what it cannot write', () => {
    for (const value of [-1, 1.5, 2 ** 53, Number.NaN, -1n]) expect(() => integer(value)).toThrow(RangeError)
  })

  it('comes back from the reader', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), value => {
        const reader = createDerReader(integer(value))
        expect(reader.integer()).toBe(value)
        reader.finish()
      }),
    )
  })

  it('of octets is their number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), octets => {
        expect(createDerReader(integer(octets)).integer()).toBe(BigInt(`0x${hex(octets)}`))
      }),
    )
  })
})

describe('the other primitives', () => {
  it('have one encoding', () => {
    expect(hex(boolean(true))).toBe('0101ff')
    expect(hex(boolean(false))).toBe('010100')
    expect(hex(nullValue())).toBe('0500')
    expect(hex(octetString(Uint8Array.of(1, 2)))).toBe('04020102')
    expect(hex(enumerated(10))).toBe('0a010a')
    expect(hex(bitString(Uint8Array.of(1, 2)))).toBe('0303000102')
    expect(hex(bitString(Uint8Array.of(0x80), 7))).toBe('03020780')
    expect(hex(bitString(new Uint8Array(0)))).toBe('030100')
  })

  it('refuse what DER cannot say', () => {
    expect(() => bitString(Uint8Array.of(1), 1)).toThrow(RangeError)
    expect(() => bitString(new Uint8Array(0), 1)).toThrow(RangeError)
    expect(() => bitString(Uint8Array.of(0), 8)).toThrow(RangeError)
    expect(() => enumerated(128)).toThrow(RangeError)
  })
})

describe('strings', () => {
  it('are written in their character sets', () => {
    expect(hex(utf8String('ä€😀'))).toBe('0c09c3a4e282acf09f9880')
    expect(hex(ia5String('a@b'))).toBe('1603614062')
    expect(hex(printableString("Az09 '()+,-./:=?"))).toBe(`1310${hex(Buffer.from("Az09 '()+,-./:=?"))}`)
  })

  it('refuse characters outside them', () => {
    expect(() => utf8String('\ud800')).toThrow(RangeError)
    expect(() => ia5String('é')).toThrow(RangeError)
    for (const character of '@*_&!"#$%;<>[]é') expect(() => printableString(character)).toThrow(RangeError)
  })

  it('of Unicode come back from the reader', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(Buffer.from(createDerReader(utf8String(text)).content(derTag.utf8String)).toString()).toBe(text)
      }),
    )
  })
})
