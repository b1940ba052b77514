import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDerReader, objectIdentifier, tlv } from '../../src/der/index.ts'
import { decodeObjectIdentifier } from '../../src/der/object-identifier.ts'
import { countingOctets } from '../support/counting-octets.ts'
import { expectPkiError } from '../support/errors.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const read = (...content: number[]) => createDerReader(tlv(0x06, Uint8Array.from(content))).objectIdentifier()

describe('objectIdentifier', () => {
  it('writes and reads known ones', () => {
    for (const [dotted, encoding] of [
      ['0.0', '060100'],
      ['1.39', '06014f'],
      ['2.5.4.3', '0603550403'],
      ['2.999.3', '0603883703'],
      ['1.2.840.113549.1.1.11', '06092a864886f70d01010b'],
      // Seven, eight and nine octets: around what a number holds exactly.
      ['1.2.562949953421311', '06082affffffffffff7f'],
      ['1.2.72057594037927935', '06092affffffffffffff7f'],
      ['1.2.9223372036854775807', '060a2affffffffffffffff7f'],
      ['2.25.340282366920938463463374607431768211455', `06146983${'ff'.repeat(17)}7f`],
    ] as const) {
      expect(hex(objectIdentifier(dotted))).toBe(encoding)
      expect(createDerReader(Buffer.from(encoding, 'hex')).objectIdentifier()).toBe(dotted)
    }
  })

  it('refuses what is none', () => {
    for (const text of [
      '',
      '1',
      '1.',
      '.1',
      '3.1',
      '0.40',
      '1.40',
      '1.2.',
      '1.02',
      '1.-2',
      '1.2.a',
      '1. 2',
      `1.2.${'9'.repeat(41)}`,
      `1.2${'.1'.repeat(200)}`,
    ]) {
      expect(() => objectIdentifier(text)).toThrow(TypeError)
    }
  })

  it('comes back from the reader', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
    const first = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
      fc.tuple(fc.constant(2n), fc.bigInt({ min: 0n, max: 2n ** 100n })),
    )
    fc.assert(
      fc.property(first, fc.array(arc, { maxLength: 4 }), (start, rest) => {
        const dotted = [...start, ...rest].join('.')
        expect(createDerReader(objectIdentifier(dotted)).objectIdentifier()).toBe(dotted)
      }),
    )
  })
})

describe('reading an object identifier', () => {
  it('refuses what is not minimal, truncated or too large', () => {
    expectPkiError(() => read(), 'ERR_PKI_DER', 'empty')
    expectPkiError(() => read(0x2a, 0x80, 0x01), 'ERR_PKI_DER', 'not minimal')
    expectPkiError(() => read(0x80, 0x01), 'ERR_PKI_DER', 'not minimal')
    expectPkiError(() => read(0x2a, 0x86), 'ERR_PKI_DER', 'truncated')
    expectPkiError(() => read(0x2a, ...new Array(19).fill(0xff), 0x7f), 'ERR_PKI_DER', 'too large')
    expectPkiError(() => read(...new Array(129).fill(1)), 'ERR_PKI_DER', 'too long')
  })

  it('looks at no octet of a 16 KiB identifier', () => {
    for (const filling of [0x01, 0xff, 0x81]) {
      const { octets, reads } = countingOctets(new Uint8Array(16 * 1024).fill(filling))
      expect(decodeObjectIdentifier(octets, 0, octets.length)).toEqual({ reason: 'object identifier too long' })
      expect(reads()).toBe(0)
    }
  })

  it('takes steps in proportion to the octets of the longest that it accepts', () => {
    const worst = [0x2a, ...new Array(6).fill([...new Array(18).fill(0xff), 0x7f]).flat()]
    const small = new Array(128).fill(1)
    for (const content of [worst, small]) {
      const { octets, reads } = countingOctets(Uint8Array.from(content))
      expect(decodeObjectIdentifier(octets, 0, content.length)).toBeTypeOf('string')
      expect(reads()).toBeLessThanOrEqual(5 * content.length)
    }
  })
})
