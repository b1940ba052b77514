import { describe, expect, it } from 'vitest'
import { decodeFailure, encodeFailure } from '../src/failure-message.ts'
import { StoreFailure, storeUnavailable } from '../src/store-failure.ts'

/** As it comes out of the thread. */
const cross = (error: unknown): Error => decodeFailure(structuredClone(encodeFailure(error)))

describe('a failure that crosses from thread to thread', () => {
  it('keeps its code and details, and leaves its cause behind', () => {
    for (const failure of [
      storeUnavailable('the disk is full', new Error('INSERT INTO documents')),
      new StoreFailure('ERR_PKI_STORE_SCHEMA', { found: 9, supported: 1 }),
      new StoreFailure('ERR_PKI_CURSOR', {}),
    ]) {
      const { code, details, cause } = cross(failure) as StoreFailure
      expect({ code, details, cause }).toEqual({ code: failure.code, details: failure.details, cause: undefined })
    }
  })

  it("keeps the message of a caller's mistake", () => {
    expect(cross(new TypeError('a'))).toEqual(new TypeError('a'))
    expect(cross(new RangeError('b'))).toEqual(new RangeError('b'))
  })

  it('says of anything else no more than its kind', () => {
    const driver = Object.assign(new Error('UNIQUE constraint failed: certificates.serial_number'), { errcode: 2067 })
    expect(cross(driver).message).toBe('SQLite answered with result code 19')
    expect(cross(new SyntaxError('near "SELECT"')).message).toBe('the writer failed with SyntaxError')
    expect(cross('text').message).toBe('the writer failed with string')
  })
})
