import { describe, expect, it } from 'vitest'
import { encodeTime, endlessNotAfter, parseTime } from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'

describe('encodeTime', () => {
  it('changes form with the year 2050', () => {
    expect(Buffer.from(encodeTime(new Date('2049-12-31T23:59:59Z'))).toString('latin1')).toBe('\x17\x0d491231235959Z')
    expect(Buffer.from(encodeTime(new Date('2050-01-01T00:00:00Z'))).toString('latin1')).toBe('\x18\x0f20500101000000Z')
    expect(Buffer.from(encodeTime(endlessNotAfter)).toString('latin1')).toBe('\x18\x0f99991231235959Z')
  })

  it('refuses what certificates cannot say', () => {
    for (const date of ['1949-12-31T23:59:59Z', '+010000-01-01T00:00:00Z', 'nonsense']) {
      expect(() => encodeTime(new Date(date))).toThrow(RangeError)
    }
  })

  it('comes back', () => {
    for (const date of [new Date('1950-01-01T00:00:00Z'), new Date('2024-02-29T12:34:56Z'), endlessNotAfter]) {
      expect(parseTime(encodeTime(date))).toEqual(date)
    }
  })
})

describe('parseTime', () => {
  it.each(['', '17', '170d', '0500', '1700', '180f3230', '170d323430313031303030303030'])('refuses %j', hex => {
    expectPkiError(() => parseTime(Buffer.from(hex, 'hex')), 'ERR_PKI_DER')
  })
})
