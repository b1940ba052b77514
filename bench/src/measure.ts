/** One thing to be measured: `run` does `count` units of work. */
export interface Contestant {
  readonly name: string
  readonly count: number
  run(count: number): Promise<void> | void
}

export interface Measurement {
  readonly name: string
  /** Units per second, median over the rounds. */
  readonly rate: number
  /** Ascending. */
  readonly rates: readonly number[]
  /** The same by round, where all took part in the same rounds. */
  readonly byRound?: readonly number[]
}

/** Rounds go around all contestants in turn, so that a slow spell of the machine hits everybody. */
export async function measureInTurn(contestants: readonly Contestant[], rounds = 5): Promise<Measurement[]> {
  const rates = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (const { run, count } of contestants) await run(Math.floor(count / 5))
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, run, count } of contestants) {
      globalThis.gc?.()
      const start = process.hrtime.bigint()
      await run(count)
      const seconds = Number(process.hrtime.bigint() - start) / 1e9
      rates.get(name)!.push(count / seconds)
    }
  }
  return contestants.map(({ name }) => {
    const byRound = rates.get(name)!
    const sorted = byRound.toSorted((a, b) => a - b)
    return { name, rates: sorted, byRound, rate: median(sorted) }
  })
}

/** The middle of rates in ascending order. */
export function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!
}

/** The median of the rounds' ratios, which a slow spell of the machine changes little; of those who were measured apart, the ratio of the medians. */
function ratioOf(measurement: Measurement, baseline: Measurement): number {
  if (measurement.byRound === undefined || baseline.byRound === undefined) return measurement.rate / baseline.rate
  const of = baseline.byRound
  return median(measurement.byRound.map((rate, round) => rate / of[round]!).toSorted((a, b) => a - b))
}

/** A Markdown table; `baselines` are the rows that ratios refer to. */
export function formatTable(measurements: readonly Measurement[], baselines: readonly string[]): string {
  const named = (name: string): Measurement => measurements.find(measurement => measurement.name === name)!
  const head = ['what', 'per second (median)', 'min–max', ...baselines.map(name => `× ${name}`)]
  const rows = measurements.map(measurement => [
    measurement.name,
    format(measurement.rate),
    `${format(measurement.rates[0]!)}–${format(measurement.rates.at(-1)!)}`,
    ...baselines.map(baseline => ratioOf(measurement, named(baseline)).toFixed(2)),
  ])
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function format(rate: number): string {
  return Math.round(rate).toLocaleString('en-US')
}
