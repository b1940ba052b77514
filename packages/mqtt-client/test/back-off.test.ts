import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AttemptEnd } from '../src/attempt-end.ts'
import { createBackOff } from '../src/back-off.ts'
import { readConnectOptions } from '../src/connect-options.ts'
import { peakToMean, perSecond, runStorm } from './support/storm.ts'

const { reconnect } = readConnectOptions({ identity: { deviceId: 'x', credential: () => Promise.reject() } }, 'host')
const bounds = reconnect || expect.fail()
const lost: AttemptEnd = { kind: 'lost' }
const failed: AttemptEnd = { kind: 'failed' }
const refused: AttemptEnd = { kind: 'refused' }
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('one device', () => {
  test('the defaults', () => {
    expect(bounds).toEqual({ minSeconds: 2, spreadSeconds: 90, maxSeconds: 120, refusedMaxSeconds: 900 })
  })

  test('the ceiling doubles up to the last one', () => {
    const backOff = createBackOff({ ...bounds, spreadSeconds: 10 }, () => 1)
    expect(Array.from({ length: 7 }, () => backOff.next(failed))).toEqual([10, 10, 20, 40, 80, 120, 120])
    expect(backOff.attempt).toBe(7)
  })

  test('it is higher for who is refused', () => {
    const backOff = createBackOff(bounds, () => 1)
    backOff.next(lost)
    expect(Array.from({ length: 6 }, () => backOff.next(refused))).toEqual([90, 180, 360, 720, 900, 900])
    expect(backOff.next(failed)).toBe(120)
  })

  test('who heard nothing any more tries soon, once', () => {
    const backOff = createBackOff(bounds, () => 0.5)
    expect(backOff.next({ kind: 'silent' })).toBe(1)
    expect(backOff.next({ kind: 'silent' })).toBe(45)
  })

  test('a broker that is busy sees no early attempts', () => {
    fc.assert(
      fc.property(random, fc.nat(20), (value, count) => {
        const backOff = createBackOff(bounds, () => value)
        for (let attempt = 0; attempt < count; attempt++) backOff.next(failed)
        expect(backOff.next({ kind: 'busy' })).toBeGreaterThanOrEqual(45)
      }),
    )
  })

  test('what the broker asks for is waited for, and then spread', () => {
    fc.assert(
      fc.property(random, fc.nat(3600), fc.constantFrom('lost', 'busy', 'refused', 'silent'), (value, hint, kind) => {
        const delay = createBackOff(bounds, () => value).next({ kind, retryAfterSeconds: hint })
        expect(delay).toBeCloseTo(hint + value * 90, 9)
      }),
    )
  })

  test('every delay is between nothing and the ceiling, however long it lasts', () => {
    fc.assert(
      fc.property(fc.array(random, { maxLength: 100 }), values => {
        let index = 0
        const backOff = createBackOff(bounds, () => values[index++]!)
        values.forEach((value, attempt) => {
          const delay = backOff.next(attempt === 0 ? lost : failed)
          const ceiling = attempt < 2 ? 90 : 120
          expect(delay).toBeCloseTo(attempt === 0 ? 90 * (1 - Math.sqrt(value)) : value * ceiling, 9)
        })
      }),
    )
  })

  test('a session that lasted begins anew, one that did not goes on', () => {
    const backOff = createBackOff(bounds, () => 1)
    backOff.next(lost)
    backOff.next(failed)
    backOff.ended(119)
    expect(backOff.next(lost)).toBe(120)
    backOff.ended(120)
    expect(backOff.attempt).toBe(0)
    expect(backOff.next(lost)).toBe(0)
  })

  test('is random by default', () => {
    const backOff = createBackOff(bounds)
    expect(new Set(Array.from({ length: 10 }, () => backOff.next(lost))).size).toBe(10)
  })
})

describe('a thousand devices, in virtual time', () => {
  const storm = { devices: 1000, bounds }

  test.each([0, 0.2, 1, 5, 15, 30, 45, 60, 90, 120, 180, 300, 900])(
    'the broker is away for %d s: the busiest second is at most three times the mean of a minute',
    awaySeconds => {
      for (let seed = 1; seed <= 20; seed++) {
        const { connected } = runStorm({ ...storm, seed, answer: at => (at < awaySeconds ? failed : undefined) })
        expect(connected).toHaveLength(1000)
        expect(peakToMean(connected, awaySeconds)).toBeLessThanOrEqual(3)
        expect(Math.max(...connected)).toBeLessThanOrEqual(awaySeconds + 120)
      }
    },
  )

  test('within two seconds is too soon: the requirement can fail', () => {
    const soon = { ...bounds, spreadSeconds: 2, minSeconds: 2 }
    const { connected } = runStorm({ ...storm, bounds: soon, seed: 1, answer: at => (at < 1 ? failed : undefined) })
    expect(peakToMean(connected, 1)).toBeGreaterThan(10)
  })

  test('while the broker is away it sees a steady trickle', () => {
    const { attempts } = runStorm({ ...storm, seed: 1, answer: () => failed, untilSeconds: 1800 })
    const counts = perSecond(attempts, 0, 1800)
    expect(Math.max(...counts)).toBeLessThanOrEqual(45)
    expect(attempts.length / 1800).toBeLessThan(20)
  })

  test('devices that are refused knock about eight times an hour each, over a day', () => {
    const { attempts } = runStorm({ ...storm, devices: 100, seed: 1, answer: () => refused, untilSeconds: 86_400 })
    expect(attempts.length / 100 / 24).toBeLessThan(8.5)
    expect(Math.max(...perSecond(attempts, 0, 86_400))).toBeLessThanOrEqual(8)
  })

  test('a broker that takes five in a second and tells the others to wait lets all in', () => {
    const let5: number[] = []
    const { connected, attempts } = runStorm({
      ...storm,
      seed: 1,
      answer: at => {
        const second = Math.floor(at)
        let5[second] = (let5[second] ?? 0) + 1
        return let5[second] > 5 ? { kind: 'busy', retryAfterSeconds: 30 } : undefined
      },
    })
    expect(connected).toHaveLength(1000)
    expect(Math.max(...connected)).toBeLessThan(600)
    expect(attempts.length).toBeLessThan(5000)
  })

  test('a fleet that heard nothing any more over a minute comes back over that minute', () => {
    // Each device notices at its own time: its keep-alive runs out within 60 s.
    const times: number[] = []
    for (let device = 0; device < 1000; device++) {
      const course = runStorm({ devices: 1, bounds, seed: device, loss: { kind: 'silent' }, answer: () => undefined })
      times.push((device / 1000) * 60 + course.connected[0]!)
    }
    expect(peakToMean(times, 0)).toBeLessThanOrEqual(3)
  })
})
