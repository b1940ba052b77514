import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBackOff } from '../src/back-off.ts'

const bounds = { minSeconds: 2, maxSeconds: 120 }

test('the ceiling doubles up to the last one', () => {
  const backOff = createBackOff(bounds, () => 1)
  expect(Array.from({ length: 8 }, () => backOff.next())).toEqual([2, 4, 8, 16, 32, 64, 120, 120])
  expect(backOff.attempt).toBe(8)
})

test('every delay is between nothing and the ceiling, however long it lasts', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 100 }), values => {
      let index = 0
      const backOff = createBackOff(bounds, () => values[index++]!)
      values.forEach((value, attempt) => {
        expect(backOff.next()).toBeCloseTo(value * Math.min(120, 2 * 2 ** attempt), 9)
      })
    }),
  )
})

test('a session that lasted begins anew, one that did not goes on', () => {
  const backOff = createBackOff(bounds, () => 1)
  backOff.next()
  backOff.next()
  backOff.ended(7.9)
  expect(backOff.next()).toBe(8)
  backOff.ended(16)
  expect(backOff.attempt).toBe(0)
  expect(backOff.next()).toBe(2)
})

test('is random by default', () => {
  const backOff = createBackOff({ minSeconds: 1, maxSeconds: 1 })
  expect(new Set(Array.from({ length: 10 }, () => backOff.next())).size).toBeGreaterThan(1)
})
