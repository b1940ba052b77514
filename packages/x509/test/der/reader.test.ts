import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  boolean,
  createDerReader,
  type DerReader,
  derTag,
  integer,
  nullValue,
  octetString,
  sequence,
  set,
  tlv,
} from '../../src/der/index.ts'
import { expectPkiError, pkiErrorOf } from '../support/errors.ts'

const readerOf = (hex: string) => createDerReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** What each method refuses, as hex of the input, with a part of the reason. */
const refusals: readonly (readonly [
  name: string,
  hex: string,
  read: (reader: DerReader) => unknown,
  reason: string,
])[] = [
  ['no element', '', r => r.element(), 'missing element'],
  ['half a header', '30', r => r.element(), 'truncated header'],
  ['length octets missing', '30 82 01', r => r.element(), 'truncated header'],
  ['content missing', '04 03 00 00', r => r.element(), 'longer than what holds it'],
  ['indefinite length', '30 80 00 00', r => r.element(), 'indefinite length'],
  ['long form where short fits', '04 81 01 00', r => r.element(), 'length not minimal'],
  ['leading zero in the length', `04 82 00 80 ${'00'.repeat(128)}`, r => r.element(), 'length not minimal'],
  ['length of five octets', '04 85 01 00 00 00 00', r => r.element(), 'length too large'],
  ['reserved length', '04 ff', r => r.element(), 'length too large'],
  ['high tag number', '1f 1f 00', r => r.element(), 'tag not allowed'],
  ['high tag number, context', 'bf 1f 00', r => r.element(), 'tag not allowed'],
  ['end of contents', '00 00', r => r.element(), 'tag not allowed'],
  ['constructed OCTET STRING', '24 04 04 02 00 00', r => r.element(), 'constructed form not allowed'],
  ['constructed UTF8String', '2c 00', r => r.element(), 'constructed form not allowed'],
  ['primitive SEQUENCE', '10 00', r => r.element(), 'primitive form not allowed'],
  ['child longer than its parent', '30 03 04 02 00', r => r.element(), 'longer than what holds it'],
  ['another tag', '04 00', r => r.null(), 'expected tag 0x05, found 0x04'],
  ['boolean of two octets', '01 02 ff ff', r => r.boolean(), 'boolean neither'],
  ['boolean 01', '01 01 01', r => r.boolean(), 'boolean neither'],
  ['boolean without octet', '01 00', r => r.boolean(), 'boolean neither'],
  ['boolean 01, nested', '30 03 01 01 01', r => r.element(), 'boolean neither'],
  ['empty integer', '02 00', r => r.integer(), 'empty integer'],
  ['padded integer', '02 02 00 7f', r => r.integer(), 'integer not minimal'],
  ['padded negative integer', '02 02 ff 80', r => r.integer(), 'integer not minimal'],
  ['padded integer, nested', '30 04 02 02 00 01', r => r.element(), 'integer not minimal'],
  ['negative small integer', '02 01 ff', r => r.smallInteger(), 'out of range'],
  ['large small integer', '02 05 00 80 00 00 00', r => r.smallInteger(), 'out of range'],
  ['large enumerated', '0a 02 00 80', r => r.enumerated(), 'out of range'],
  ['negative enumerated', '0a 01 ff', r => r.enumerated(), 'out of range'],
  ['empty bit string', '03 00', r => r.bitString(), 'empty bit string'],
  ['eight unused bits', '03 02 08 00', r => r.bitString(), 'impossible unused bits'],
  ['unused bits of nothing', '03 01 01', r => r.bitString(), 'impossible unused bits'],
  ['unused bit set', '03 02 01 01', r => r.bitString(), 'unused bits not zero'],
  ['unused bit set, nested', '30 04 03 02 01 01', r => r.element(), 'unused bits not zero'],
  ['null with content', '05 01 00', r => r.null(), 'null with content'],
  ['malformed identifier, nested', '30 02 06 00', r => r.element(), 'empty object identifier'],
  ['octets behind the end', '05 00 00', r => [r.null(), r.finish()], 'octets behind the end'],
  ['element left over', '30 02 05 00', r => [r.enter(0x30), r.leave()], 'unexpected element'],
]

describe('the strict reader', () => {
  it.each(refusals)('refuses: %s', (_, hex, read, reason) => {
    expectPkiError(() => read(readerOf(hex)), 'ERR_PKI_DER', reason)
  })

  it('says where', () => {
    const reader = createDerReader(sequence(nullValue(), octetString(Uint8Array.of(1)), Uint8Array.of(1, 1, 7)))
    reader.enter(derTag.sequence)
    reader.null()
    reader.octetString()
    expect(pkiErrorOf(() => reader.boolean()).details).toEqual({ offset: 7, reason: 'boolean neither 00 nor FF' })
  })

  it('reads what is there', () => {
    const reader = createDerReader(
      sequence(boolean(true), set(integer(5)), integer(Uint8Array.of(0x80)), integer(70000)),
    )
    expect(reader.peekTag()).toBe(derTag.sequence)
    reader.enter(derTag.sequence)
    expect(reader.boolean()).toBe(true)
    expect([...reader.element(derTag.set)]).toEqual([0x31, 3, 2, 1, 5])
    expect([...reader.integerOctets()]).toEqual([0, 0x80])
    expect(reader.smallInteger()).toBe(70000)
    expect(reader.atEnd).toBe(true)
    expect(reader.peekTag()).toBeUndefined()
    reader.leave()
    reader.finish()
    expect(reader.elements).toBe(6)
  })

  it('reads negative integers', () => {
    expect(readerOf('02 01 ff').integer()).toBe(-1n)
    expect(readerOf('02 02 ff 7f').integer()).toBe(-129n)
    expect(readerOf('02 01 80').integer()).toBe(-128n)
  })

  it('gives views, not copies', () => {
    const bytes = octetString(Uint8Array.of(1, 2, 3))
    expect(createDerReader(bytes).octetString().buffer).toBe(bytes.buffer)
  })

  it('bounds the input', () => {
    const error = pkiErrorOf(() => createDerReader(new Uint8Array(65 * 1024)))
    expect(error.code).toBe('ERR_PKI_TOO_LARGE')
    expect(error.details).toEqual({ limitBytes: 65536 })
    expect(pkiErrorOf(() => createDerReader(new Uint8Array(3), { maxBytes: 2 })).code).toBe('ERR_PKI_TOO_LARGE')
  })

  it('bounds the depth, entered or skipped', () => {
    const nest = (depth: number) => {
      let element: Uint8Array = nullValue()
      for (let level = 0; level < depth; level++) element = sequence(element)
      return element
    }
    expect(createDerReader(nest(32)).element().length).toBe(66)
    expectPkiError(() => createDerReader(nest(33)).element(), 'ERR_PKI_DER', 'nested too deeply')
    expectPkiError(() => createDerReader(nest(15_000)).element(), 'ERR_PKI_DER', 'nested too deeply')
    const reader = createDerReader(nest(3), { maxDepth: 2 })
    reader.enter(derTag.sequence)
    reader.enter(derTag.sequence)
    expectPkiError(() => reader.enter(derTag.sequence), 'ERR_PKI_DER', 'nested too deeply')
  })

  it('tells a caller about mismatched calls', () => {
    expect(() => createDerReader('3000' as never)).toThrow(TypeError)
    expect(() => createDerReader(new Uint8Array(0)).leave()).toThrow(RangeError)
    const reader = createDerReader(sequence())
    reader.enter(derTag.sequence)
    expect(() => reader.finish()).toThrow(RangeError)
  })

  it('reads any tree that the writer writes, once each element', () => {
    const tree = fc.letrec<{ node: Uint8Array; leaf: Uint8Array }>(tie => ({
      leaf: fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map(octetString),
        fc.bigInt({ min: 0n, max: 2n ** 70n }).map(integer),
        fc.boolean().map(boolean),
      ),
      node: fc.oneof(
        { depthSize: 'small' },
        tie('leaf'),
        fc.array(tie('node'), { maxLength: 4 }).map(parts => sequence(...parts)),
        fc.array(tie('node'), { maxLength: 4 }).map(parts => tlv(0xa3, ...parts)),
      ),
    })).node
    fc.assert(
      fc.property(tree, element => {
        const reader = createDerReader(element)
        expect(reader.element()).toEqual(element)
        reader.finish()
        expect(reader.elements).toBeLessThanOrEqual(element.length / 2)
      }),
    )
  })

  it('takes any octets without another exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        const reader = createDerReader(bytes)
        try {
          reader.element()
          reader.finish()
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_PKI_DER' })
        }
      }),
      { numRuns: 2000 },
    )
  })
})
