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

type Due = { readonly at: number; readonly device: BackOff }

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
  // By second: what an attempt adds lies behind it.
  const due: Due[][] = []
  const add = (entry: Due): void => {
    const second = Math.floor(entry.at)
    due[second] ??= []
    due[second].push(entry)
  }
  for (const device of fleet) add({ at: device.next(loss), device })
  for (let second = 0; second < untilSeconds; second++) {
    // Again, for what is due within the same second.
    for (let now = due[second] ?? []; now.length > 0; now = due[second] ?? []) {
      due[second] = []
      for (const { at, device } of now.sort((one, other) => one.at - other.at)) {
        attempts.push(at)
        const end = answer(at)
        if (end === undefined) connected.push(at)
        else add({ at: at + device.next(end), device })
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
