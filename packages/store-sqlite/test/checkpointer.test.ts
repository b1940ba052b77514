import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Checkpointer } from '../src/checkpointer.ts'
import type { Sql } from '../src/sql.ts'

/** The checkpoints that were asked for. */
let modes: string[]
/** What the next ones answer: pages in the log, and how many of them were moved; `undefined` fails. */
let answer: { log: number; checkpointed: number } | undefined
let busyTimeout: number

const sql = {
  get(text: string) {
    const [, pragma, value] = /^PRAGMA (\w+)(?: = |\()(\w+)/.exec(text)!
    if (pragma === 'busy_timeout') {
      busyTimeout = Number(value)
      return { timeout: busyTimeout }
    }
    modes.push(value!)
    if (answer === undefined) throw new Error('failed')
    return { busy: 0, ...answer }
  },
} as unknown as Sql

beforeEach(() => {
  vi.useFakeTimers()
  modes = []
  answer = { log: 9, checkpointed: 9 }
})
afterEach(() => vi.useRealTimers())

describe('Checkpointer', () => {
  it('waits for enough rows', () => {
    const checkpointer = new Checkpointer(sql)
    for (let transaction = 0; transaction < 1000; transaction += 1) checkpointer.wrote(6)
    expect(modes.length).toBeGreaterThan(1)
    expect(modes.length).toBeLessThan(100)
    expect(new Set(modes)).toEqual(new Set(['PASSIVE']))
    expect(busyTimeout, 'as it was').toBe(5000)
  })

  it('empties the log when nothing is written, each time', () => {
    const checkpointer = new Checkpointer(sql)
    vi.advanceTimersByTime(60_000)
    expect(modes).toEqual(['TRUNCATE'])
    checkpointer.wrote(1)
    vi.advanceTimersByTime(60_000)
    expect(modes).toEqual(['TRUNCATE', 'TRUNCATE'])
    checkpointer.wrote(1)
    checkpointer.stop()
    vi.advanceTimersByTime(60_000)
    expect(modes.length).toBe(2)
  })

  it('makes others wait when the log would go on growing', () => {
    const checkpointer = new Checkpointer(sql)
    const round = (): void => checkpointer.wrote(10_000)
    answer = { log: 9, checkpointed: 8 }
    for (let count = 0; count < 4; count += 1) round()
    answer = undefined
    round()
    answer = { log: 9, checkpointed: 9 }
    round()
    round()
    expect(modes).toEqual(['PASSIVE', 'PASSIVE', 'PASSIVE', 'PASSIVE', 'FULL', 'FULL', 'PASSIVE'])
    expect(busyTimeout, 'as it was').toBe(5000)
  })
})
