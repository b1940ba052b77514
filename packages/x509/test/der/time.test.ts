import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDerReader, generalizedTime, tlv, utcTime } from '../../src/der/index.ts'
import { expectPkiError } from '../support/errors.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes.subarray(2)).toString('latin1')
const read = (tag: number, content: string) => createDerReader(tlv(tag, Buffer.from(content))).time()

describe('utcTime and generalizedTime', () => {
  it('write whole seconds in UTC', () => {
    expect(text(utcTime(new Date('2049-12-31T23:59:59.999Z')))).toBe('491231235959Z')
    expect(text(utcTime(new Date('1950-01-01T00:00:00Z')))).toBe('500101000000Z')
    expect(text(generalizedTime(new Date('2050-01-01T00:00:00Z')))).toBe('20500101000000Z')
    expect(text(generalizedTime(new Date('9999-12-31T23:59:59Z')))).toBe('99991231235959Z')
    expect(text(generalizedTime(new Date('0001-02-03T04:05:06Z')))).toBe('00010203040506Z')
  })

  it('refuse dates out of range', () => {
    for (const date of ['1949-12-31T23:59:59Z', '2050-01-01T00:00:00Z', 'nonsense']) {
      expect(() => utcTime(new Date(date))).toThrow(RangeError)
    }
    for (const date of ['-000001-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', 'nonsense']) {
      expect(() => generalizedTime(new Date(date))).toThrow(RangeError)
    }
  })

  it('come back from the reader', () => {
    const seconds = (from: string, to: string) =>
      fc.integer({ min: Date.parse(from) / 1000, max: Date.parse(to) / 1000 })
    fc.assert(
      fc.property(seconds('1950-01-01T00:00:00Z', '2049-12-31T23:59:59Z'), second => {
        const date = new Date(second * 1000)
        expect(createDerReader(utcTime(date)).time()).toEqual(date)
      }),
    )
    fc.assert(
      fc.property(seconds('0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z'), second => {
        const date = new Date(second * 1000)
        expect(createDerReader(generalizedTime(date)).generalizedTime()).toEqual(date)
      }),
    )
  })
})

describe('reading a time', () => {
  it('knows leap years', () => {
    expect(read(0x18, '20000229000000Z').toISOString()).toBe('2000-02-29T00:00:00.000Z')
    expect(read(0x17, '240229120000Z').toISOString()).toBe('2024-02-29T12:00:00.000Z')
    expectPkiError(() => read(0x18, '19000229000000Z'), 'ERR_PKI_DER')
    expectPkiError(() => read(0x17, '230229000000Z'), 'ERR_PKI_DER')
  })

  it('refuses other forms than those of RFC 5280, and days that do not exist', () => {
    for (const [tag, content] of [
      [0x17, '2401011200Z'],
      [0x17, '240101120000'],
      [0x17, '240101120000+0000'],
      [0x17, '240101120000z'],
      [0x17, '240001120000Z'],
      [0x17, '241301120000Z'],
      [0x17, '240100120000Z'],
      [0x17, '240431120000Z'],
      [0x17, '240101240000Z'],
      [0x17, '240101006000Z'],
      [0x17, '240101000060Z'],
      [0x17, '24010100000 Z'],
      [0x17, '20240101120000Z'],
      [0x18, '240101120000Z'],
      [0x18, '20240101120000.5Z'],
      [0x18, '20240101120000.0Z'],
      [0x18, '202401011200Z'],
      [0x18, '2024010112Z'],
      [0x18, '20240101120000'],
      [0x18, '20240101120000+01'],
      [0x18, ''],
    ] as const) {
      expectPkiError(() => read(tag, content), 'ERR_PKI_DER', 'time not in a form')
    }
    expectPkiError(() => read(0x13, '240101120000Z'), 'ERR_PKI_DER', 'expected a time')
  })
})
