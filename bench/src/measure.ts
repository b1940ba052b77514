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
  readonly rates: readonly number[]
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
    const sorted = rates.get(name)!.toSorted((a, b) => a - b)
    return { name, rates: sorted, rate: median(sorted) }
  })
}

/** The middle of rates in ascending order. */
export function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!
}

/** A Markdown table; `baseline` is the row that ratios refer to. */
export function formatTable(measurements: readonly Measurement[], baselines: readonly string[]): string {
  const rateOf = (name: string): number => measurements.find(measurement => measurement.name === name)!.rate
  const head = ['what', 'per second (median)', 'min–max', ...baselines.map(name => `× ${name}`)]
  const rows = measurements.map(({ name, rate, rates }) => [
    name,
    format(rate),
    `${format(rates[0]!)}–${format(rates.at(-1)!)}`,
    ...baselines.map(baseline => (rate / rateOf(baseline)).toFixed(2)),
  ])
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function format(rate: number): string {
  return Math.round(rate).toLocaleString('en-US')
}
