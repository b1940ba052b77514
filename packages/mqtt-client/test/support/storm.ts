import type { AttemptEnd } from '../../src/attempt-end.ts'
import { type BackOff, createBackOff } from '../../src/back-off.ts'

export interface Storm {
  readonly devices: number
  readonly bounds: Parameters<typeof createBackOff>[0]
  readonly seed: number
  /** What the broker does with an attempt at a time (seconds since the loss); `undefined` lets in. */
  readonly answer: (atSeconds: number) => AttemptEnd | undefined
  /** Default: the other side ended the session. */
  readonly loss?: AttemptEnd
  /** Default 3600. */
  readonly untilSeconds?: number
}

export interface StormCourse {
  /** When each device was let in; fewer than there are devices if some never were. */
  readonly connected: readonly number[]
  /** When each attempt was made, by whomever. */
  readonly attempts: readonly number[]
}

/** A fleet that loses its broker at second 0, in virtual time: each device waits as its back-off says, and tries. */
export function runStorm({
  devices,
  bounds,
  seed,
  answer,
  loss = { kind: 'lost' },
  untilSeconds = 3600,
}: Storm): StormCourse {
  const random = seededRandom(seed)
  const fleet = Array.from({ length: devices }, () => createBackOff(bounds, random))
  const connected: number[] = []
  const attempts: number[] = []
  let due: { readonly at: number; readonly device: BackOff }[] = fleet.map(device => ({
    at: device.next(loss),
    device,
  }))
  // In order of time, a second at a time: what an attempt adds lies behind it.
  for (let second = 0; second < untilSeconds && due.length > 0; second++) {
    const inOrder = (): typeof due => due.filter(({ at }) => at < second + 1).sort((a, b) => a.at - b.at)
    for (let now = inOrder(); now.length > 0; now = inOrder()) {
      const tried = new Set(now)
      due = due.filter(entry => !tried.has(entry))
      for (const { at, device } of now) {
        attempts.push(at)
        const end = answer(at)
        if (end === undefined) connected.push(at)
        else due.push({ at: at + device.next(end), device })
      }
    }
  }
  return { connected, attempts }
}

/** How many fall into each second from `from` on. */
export function perSecond(times: readonly number[], from: number, seconds: number): number[] {
  const counts = new Array<number>(seconds).fill(0)
  for (const time of times) {
    const second = Math.floor(time - from)
    if (second >= 0 && second < seconds) counts[second]! += 1
  }
  return counts
}

/** The busiest second of the minute after a broker's return, as a multiple of that minute's mean. */
export function peakToMean(times: readonly number[], from: number): number {
  const counts = perSecond(times, from, 60)
  return Math.max(...counts) / (counts.reduce((sum, count) => sum + count, 0) / 60)
}

/** Mulberry32: numbers that look random and are the same each time. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}
