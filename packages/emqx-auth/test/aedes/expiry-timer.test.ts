import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startExpiryTimer } from '../../src/aedes/expiry-timer.ts'

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') }))
afterEach(() => void vi.useRealTimers())
const clock = (): Date => new Date()

it('fires when the time has come, beyond what setTimeout can count', () => {
  const expire = vi.fn()
  startExpiryTimer(new Date('2027-01-01T00:00:00Z'), clock, expire)
  vi.advanceTimersByTime(364 * 86_400_000)
  expect(expire).not.toHaveBeenCalled()
  vi.advanceTimersByTime(86_400_000)
  expect(expire).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
})

it('fires at once for what is over, and never once it is cancelled', () => {
  const expire = vi.fn()
  startExpiryTimer(new Date('2025-01-01T00:00:00Z'), clock, expire)
  expect(expire).toHaveBeenCalledOnce()
  startExpiryTimer(new Date('2026-01-02T00:00:00Z'), clock, expire)()
  vi.advanceTimersByTime(10 * 86_400_000)
  expect(expire).toHaveBeenCalledOnce()
})

it('follows the clock it is given', () => {
  const expire = vi.fn()
  let now = new Date('2026-01-01T00:00:00Z')
  startExpiryTimer(new Date('2026-01-01T00:00:10Z'), () => now, expire)
  vi.advanceTimersByTime(10_000)
  expect(expire).not.toHaveBeenCalled()
  now = new Date('2026-01-01T00:00:11Z')
  vi.advanceTimersByTime(10_000)
  expect(expire).toHaveBeenCalledOnce()
})
