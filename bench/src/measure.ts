/** One thing to be measured: `run` does `count` units of work. */
export interface Contestant {
  readonly name: string
  readonly count: number
  run(count: number): Promise<void> | void
  /** Waits, unmeasured, until nothing of a run is left to do. */
  rest?(): Promise<unknown>
  /** Processor time so far of all that takes part, microseconds. It says what the clock does not where a machine is busy. */
  cpu?(): number
}

export interface Measurement {
  readonly name: string
  /** Units per second, median over the rounds. */
  readonly rate: number
  /** Ascending. */
  readonly rates: readonly number[]
  /** The same by round, where all took part in the same rounds. */
  readonly byRound?: readonly number[]
  /** Processor time of a unit, microseconds, median over the rounds. */
  readonly cpu?: number
}

/** Rounds go around all contestants in turn, so that a slow spell of the machine hits everybody. */
export async function measureInTurn(contestants: readonly Contestant[], rounds = 5): Promise<Measurement[]> {
  const rates = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  const cpus = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (const { run, rest, count } of contestants) {
    await run(Math.floor(count / 5))
    await rest?.()
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, run, rest, cpu, count } of contestants) {
      globalThis.gc?.()
      const cpuBefore = cpu?.()
      const start = process.hrtime.bigint()
      await run(count)
      const seconds = Number(process.hrtime.bigint() - start) / 1e9
      rates.get(name)!.push(count / seconds)
      if (cpu !== undefined && cpuBefore !== undefined) cpus.get(name)!.push((cpu() - cpuBefore) / count)
      await rest?.()
    }
  }
  return contestants.map(({ name }) => {
    const byRound = rates.get(name)!
    const sorted = byRound.toSorted((a, b) => a - b)
    const times = cpus.get(name)!.toSorted((a, b) => a - b)
    return { name, rates: sorted, byRound, rate: median(sorted), ...(times.length > 0 && { cpu: median(times) }) }
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

/** A Markdown table; `baselines` are the rows that ratios refer to. With the processor time where it was measured, and the first row's against it. */
export function formatTable(measurements: readonly Measurement[], baselines: readonly string[]): string {
  const named = (name: string): Measurement => measurements.find(measurement => measurement.name === name)!
  const isTimed = measurements.some(({ cpu }) => cpu !== undefined)
  const head = ['what', 'per second (median)', 'min–max', ...baselines.map(name => `× ${name}`)]
  if (isTimed) head.push('CPU, µs each', 'the first ÷ that')
  const rows = measurements.map(measurement => [
    measurement.name,
    format(measurement.rate),
    `${format(measurement.rates[0]!)}–${format(measurement.rates.at(-1)!)}`,
    ...baselines.map(baseline => ratioOf(measurement, named(baseline)).toFixed(2)),
    ...(isTimed ? timesOf(measurement, measurements[0]!) : []),
  ])
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** Processor time of a unit, and what it is of that of the first; nothing where it was not measured. */
function timesOf({ cpu }: Measurement, first: Measurement): string[] {
  if (cpu === undefined || first.cpu === undefined) return ['', '']
  return [cpu.toFixed(1), (first.cpu / cpu).toFixed(2)]
}

function format(rate: number): string {
  return Math.round(rate).toLocaleString('en-US')
}
