/** Counts by logarithmic step of 5 %: durations of a whole fleet in little memory, and those of several processes added up. */
export type HistogramCounts = Readonly<Record<number, number>>

export interface Histogram {
  record(seconds: number): void
  counts(): HistogramCounts
}

const step = Math.log(1.05)
const leastSeconds = 0.0001

export function createHistogram(): Histogram {
  const counts: Record<number, number> = {}
  return {
    record(seconds) {
      const index = Math.max(0, Math.round(Math.log(Math.max(seconds, leastSeconds) / leastSeconds) / step))
      counts[index] = (counts[index] ?? 0) + 1
    },
    counts: () => ({ ...counts }),
  }
}

/** Adds up what was counted by the same keys. */
export function addCounts(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const counts of all) {
    for (const [key, count] of Object.entries(counts)) sum[key] = (sum[key] ?? 0) + count
  }
  return sum
}

export interface Percentiles {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** In seconds, within 2.5 %; `undefined` where nothing was recorded. */
export function percentiles(counts: HistogramCounts): Percentiles | undefined {
  // Integer keys come in ascending order.
  const entries = Object.entries(counts).map(([index, count]) => [Number(index), count] as const)
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return undefined
  const at = (share: number): number => {
    let seen = 0
    for (const [index, count] of entries) {
      seen += count
      if (seen >= share * total) return leastSeconds * Math.exp(index * step)
    }
    return leastSeconds * Math.exp(entries.at(-1)![0] * step)
  }
  return { count: total, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}
