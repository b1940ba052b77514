import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { type InterleavingOptions, interleave, requestsPerRun } from './interleavings.ts'
import { makeSpareKeys, type SpareKeys } from './spare-keys.ts'

// A seed is a run only if nothing but the schedule decides what comes first: no thread verifies, whatever the machine.
vi.mock('node:os', async original => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => 1,
}))

const isLong = process.env['FLEETCERT_LONG'] === '1'
/** Replays one run. */
const wanted = process.env['FLEETCERT_SEED']
const seeds = isLong ? 100_000 : 2000
const budgetMilliseconds = isLong ? 900_000 : 20_000
// In short runs always the same ones: what fails once fails again.
const firstSeed = isLong ? Math.floor(Math.random() * 2 ** 31) : 1

let keys: SpareKeys
beforeAll(async () => {
  keys = await makeSpareKeys(requestsPerRun)
})
// Timers and time are the scheduler's; setImmediate stays real: it tells when all is quiet.
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    now: new Date('2026-11-21T12:00:00Z'),
  })
})
afterEach(() => {
  vi.useRealTimers()
})

function run(seed: number): Promise<readonly string[]> {
  vi.clearAllTimers()
  vi.setSystemTime(new Date('2026-11-21T12:00:00Z'))
  const options: InterleavingOptions = {
    keys,
    clock: { now: () => new Date(), advance: seconds => void vi.advanceTimersByTime(seconds * 1000) },
    timers: {
      advance: milliseconds => void vi.advanceTimersByTime(milliseconds),
      next: () => void vi.advanceTimersToNextTimer(),
    },
  }
  return interleave(seed, options)
}

if (wanted !== undefined) {
  it(`seed ${wanted}`, { timeout: 60_000 }, async () => {
    console.info((await run(Number(wanted))).join('\n'))
  })
} else {
  it('a seed is a run', async () => {
    for (const seed of [1, 2, 3]) {
      const trace = await run(seed)
      expect(trace.length).toBeGreaterThan(20)
      expect(await run(seed)).toEqual(trace)
    }
  })

  it(`holds its promises in up to ${seeds} interleavings from seed ${firstSeed}`, {
    timeout: 10 * budgetMilliseconds,
  }, async () => {
    const started = process.hrtime.bigint()
    const elapsed = (): number => Number(process.hrtime.bigint() - started) / 1e6
    let count = 0
    let steps = 0
    const failed: string[] = []
    for (; count < seeds && elapsed() < budgetMilliseconds && failed.length < 3; count += 1) {
      const seed = firstSeed + count
      try {
        steps += (await run(seed)).length
      } catch (error) {
        failed.push(`FLEETCERT_SEED=${seed} ${(error as Error).message}`)
      }
    }
    console.info(`interleavings: ${count} seeds from ${firstSeed}, ${steps} steps`)
    expect(failed.join('\n\n')).toBe('')
  })
}
