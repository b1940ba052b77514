import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createReceipts } from '../../src/backend/receipts.ts'
import { accountFor } from '../../src/fleet/account-for.ts'
import type { DeviceReport } from '../../src/fleet/device-report.ts'
import { codes, createDisplay, duration } from '../../src/fleet/display.ts'
import { addCounts, createHistogram, percentiles } from '../../src/fleet/histogram.ts'
import type { RackStats } from '../../src/fleet/rack-stats.ts'
import { addStats, endedStats } from '../../src/fleet/rack-stats.ts'
import { withClockSkew } from '../../src/fleet/skewed-clock.ts'
import { spreadOf } from '../../src/fleet/spread.ts'

const report = (changes: Partial<DeviceReport> = {}): DeviceReport => ({
  deviceId: 'device-1',
  boot: 1,
  isConnected: true,
  published: 3,
  acknowledged: 3,
  failed: 0,
  sent: 3,
  sentAgainUnmarked: 0,
  disconnects: 0,
  failedAttempts: 0,
  untrusting: 0,
  renewals: 0,
  trustUpdates: 0,
  ...changes,
})

describe('receipts and the account', () => {
  const arrive = (...seqs: number[]): ReturnType<typeof createReceipts> => {
    const receipts = createReceipts()
    for (const seq of seqs) {
      receipts.arrived('users/fleet/devices/device-1/telemetry', Buffer.from(JSON.stringify({ boot: 1, seq })))
    }
    return receipts
  }

  test('all arrived', () => {
    expect(accountFor([report()], arrive(1, 3, 2).report())).toEqual({
      published: 3,
      arrived: 3,
      lost: 0,
      repeated: 0,
      doubled: 0,
    })
  })

  test('one lost, though another one came twice', () => {
    const account = accountFor([report()], arrive(1, 3, 3).report())
    expect(account).toMatchObject({ arrived: 2, lost: 1, repeated: 1 })
  })

  test('what was sent twice may arrive twice; what was sent once may not', () => {
    const receipts = arrive(1, 2, 2, 3).report()
    expect(accountFor([report({ sent: 4 })], receipts)).toMatchObject({ lost: 0, repeated: 1, doubled: 0 })
    expect(accountFor([report({ sent: 3 })], receipts)).toMatchObject({ lost: 0, repeated: 1, doubled: 1 })
  })

  test('of a device whose power was cut only what was acknowledged counts', () => {
    const cut = report({ published: 5, acknowledged: 2, sent: 5 })
    expect(accountFor([], arrive(1, 2).report(), [cut])).toMatchObject({ lost: 0 })
    expect(accountFor([], arrive(1).report(), [cut])).toMatchObject({ lost: 1 })
    expect(accountFor([], {}, [cut])).toMatchObject({ lost: 2 })
  })

  test('what a broker hands on a second time is not held against the device', () => {
    const receipts = arrive(1, 2)
    receipts.arrived('users/fleet/devices/device-1/telemetry', Buffer.from('{"boot":1,"seq":2}'), true)
    receipts.arrived('users/fleet/devices/device-1/telemetry', Buffer.from('{"boot":1,"seq":3}'), true)
    receipts.arrived('users/fleet/devices/device-1/other', Buffer.from('{'))
    expect(receipts.report()).toEqual({ 'device-1 1': { received: 3, distinct: 3, completeUpTo: 3 } })
    expect(receipts.total).toBe(4)
  })
})

test('percentiles are within 2.5 %, also of several processes together', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 1 }), values => {
      const [one, other] = [createHistogram(), createHistogram()]
      for (const [index, value] of values.entries()) (index % 2 ? one : other).record(value)
      const found = percentiles(addCounts([one.counts(), other.counts()]))!
      const sorted = [...values].sort((a, b) => a - b)
      expect(found.count).toBe(values.length)
      expect(found.max / sorted.at(-1)!).toBeCloseTo(1, 1)
      const median = sorted[Math.ceil(values.length / 2) - 1]!
      expect(Math.abs(found.p50 / median - 1)).toBeLessThan(0.026)
    }),
  )
  expect(percentiles({})).toBeUndefined()
})

test('the spread of a storm', () => {
  const at = (...seconds: number[]): number[] => seconds.map(second => 1_000_000 + second * 1000)
  const sessions = at(-1, 0, 0.1, 0.9, 1, 59.9, 60)
  const spread = spreadOf(sessions, 1_000_000)
  expect(spread).toEqual({ sessions: 5, peakSecond: 3, meanSecond: 5 / 60, lastAfterSeconds: 59.9 })
  expect(spreadOf([], 0)).toEqual({ sessions: 0, peakSecond: 0, meanSecond: 0, lastAfterSeconds: 0 })
})

test('many clocks in one process', async () => {
  const read = async (): Promise<number[]> => {
    await new Promise(resolve => setTimeout(resolve, 5))
    return [Date.now(), Date.parse(new Date().toISOString())]
  }
  const [ahead, behind, right] = await Promise.all([withClockSkew(3600, read), withClockSkew(-3600, read), read()])
  const now = Date.now()
  for (const one of ahead!) expect(Math.abs(one - now - 3_600_000)).toBeLessThan(60_000)
  for (const one of behind!) expect(Math.abs(one - now + 3_600_000)).toBeLessThan(60_000)
  for (const one of right!) expect(Math.abs(one - now)).toBeLessThan(60_000)
  expect(withClockSkew(3600, () => new Date(5).getTime())).toBe(5)
  expect(new Date()).toBeInstanceOf(Date)
})

describe('the display', () => {
  const stats: RackStats = {
    devices: 10,
    connected: 7,
    starting: 0,
    renewing: 2,
    failing: { ERR_PKI_UNREACHABLE: 2, waiting: 1 },
    renewed: 4,
    renewalFailures: {},
    trustUpdates: 0,
    published: 100,
    acknowledged: 90,
    failed: 0,
    sentAgain: 0,
    connectSeconds: {},
    awaySeconds: {},
    acknowledgeSeconds: {},
    renewalSeconds: {},
    residentMiB: 200,
    cpuSeconds: 10,
  }

  function watch(isTerminal: boolean): { text: () => string; at(seconds: number): ReturnType<typeof createDisplay> } {
    let [text, seconds] = ['', 0]
    const display = createDisplay({ write: more => (text += more), isTerminal, columns: () => 60, now: () => seconds })
    return {
      text: () => text,
      at(now) {
        seconds = now
        return display
      },
    }
  }

  test('plain lines elsewhere, one every ten seconds', () => {
    const { text, at } = watch(false)
    at(1).show(stats, { residentMiB: 100 })
    at(2).show(stats, { residentMiB: 100 })
    at(65).line('storm')
    at(71).show({ ...stats, acknowledged: 230, cpuSeconds: 45 }, { residentMiB: 100 })
    at(72).end()
    expect(text().split('\n')).toEqual([
      expect.stringMatching(
        /^00:01 {2}7\/10 connected · 2 renewing, 4 renewed · 3 failing \(ERR_PKI_UNREACHABLE 2, waiting 1\)/,
      ),
      '01:05  storm',
      expect.stringMatching(
        /^01:11 .* 2 messages\/s · nothing acknowledged · devices 200 MiB 0\.50 cores · backend 100 MiB$/,
      ),
      '',
    ])
  })

  test('on a terminal one line, written over, cut to its width', () => {
    const { text, at } = watch(true)
    at(1).show(stats, { residentMiB: 100 })
    at(2).line('storm')
    at(3).end()
    at(4).end()
    const [first, event, again, last] = text()
      .split(/\r\x1b\[K|\n/)
      .slice(1)
    expect(first).toMatch(/^00:01 {2}7\/10 connected/)
    expect(first).toHaveLength(59)
    expect(event).toBe('00:02  storm')
    expect(again).toBe(first)
    expect(last).toBe('')
  })

  test('durations and codes', () => {
    expect([0.0007, 0.25, 1.25, 300].map(duration)).toEqual(['0.7 ms', '250 ms', '1.3 s', '5.0 min'])
    expect(codes({})).toBe('')
    expect(codes({ A: 1, B: 4, C: 2, D: 3 })).toBe(' (B 4, D 3, C 2, …)')
  })

  test('racks add up, and one that was cut keeps what it did', () => {
    const sum = addStats([stats, endedStats(stats)])
    expect(sum).toMatchObject({ devices: 10, connected: 7, renewed: 8, acknowledged: 180, residentMiB: 200 })
    expect(sum.failing).toEqual(stats.failing)
  })
})
