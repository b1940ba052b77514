import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareEncodings,
  concat,
  context,
  elementHeader,
  integer,
  sequence,
  sequenceOf,
  set,
  setOf,
  tlv,
} from '../../src/der/index.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('tlv', () => {
  it('writes the shortest length', () => {
    for (const [length, header] of [
      [0, '0400'],
      [127, '047f'],
      [128, '048180'],
      [255, '0481ff'],
      [256, '04820100'],
      [65535, '0482ffff'],
      [65536, '0483010000'],
      [16777216, '048401000000'],
    ] as const) {
      const element = tlv(0x04, new Uint8Array(length))
      expect(hex(element.subarray(0, header.length / 2))).toBe(header)
      expect(element.length).toBe(header.length / 2 + length)
      expect(hex(elementHeader(0x04, length))).toBe(header)
    }
  })

  it('puts parts one after the other', () => {
    expect(hex(sequence(integer(1), integer(2)))).toBe('3006020101020102')
    expect(hex(sequenceOf([integer(1), integer(2)]))).toBe('3006020101020102')
    expect(hex(set(integer(2), integer(1)))).toBe('3106020102020101')
    expect(hex(context(0, true, integer(2)))).toBe('a003020102')
    expect(hex(context(1, false, Uint8Array.of(0xff)))).toBe('8101ff')
    expect(hex(concat([integer(1), new Uint8Array(0), integer(2)]))).toBe('020101020102')
  })

  it('takes more elements than a call takes arguments', () => {
    const elements = new Array<Uint8Array>(300_000).fill(integer(1))
    expect(sequenceOf(elements).length).toBe(900_000 + 5)
  })

  it('refuses tag numbers that do not fit into one octet', () => {
    for (const tagNumber of [-1, 31, 1.5, Number.NaN]) expect(() => context(tagNumber, true)).toThrow(RangeError)
  })
})

describe('setOf', () => {
  it('sorts by encoding and leaves its arguments alone', () => {
    const parts = [integer(300), integer(2), integer(1)]
    expect(hex(setOf(...parts))).toBe('310a0201010201020202012c')
    expect(hex(parts[0]!)).toBe('0202012c')
  })

  it('puts a shorter encoding before the longer one that begins with it', () => {
    expect(compareEncodings(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBeLessThan(0)
  })

  it('does not depend on the order of its arguments', () => {
    const bytes = fc.uint8Array({ maxLength: 6 })
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), parts => {
        const elements = parts.map(part => tlv(0x04, part))
        expect(hex(setOf(...elements.toReversed()))).toBe(hex(setOf(...elements)))
      }),
    )
  })
})
