import { loadavg } from 'node:os'
import { benchStoreCrl } from './store-crl.ts'
import { benchStoreHubs } from './store-hubs.ts'
import { benchStoreIdentify } from './store-identify.ts'
import { benchStoreIssue } from './store-issue.ts'

/** Options of {@link benchStore}. */
export interface StoreBenchOptions {
  /** Certificates of a round of `issue`; of `identify` twice as many. */
  readonly count?: number
  readonly rounds?: number
  /** Revoked certificates of `crl`. */
  readonly rows?: number
  /** Devices of `hubs`. */
  readonly devices?: number
  /** Parts of it: `issue`, `identify`, `hubs`, `crl`. Default: all. */
  readonly only?: readonly string[]
}

/** The networked store beside the embedded one, and beside what its server can do. Servers of its own, on free ports. */
export async function benchStore({
  count = 3000,
  rounds = 9,
  rows = 1_000_000,
  devices = 20_000,
  only,
}: StoreBenchOptions = {}): Promise<string> {
  const parts: Readonly<Record<string, () => Promise<string>>> = {
    issue: () => benchStoreIssue(count, rounds),
    identify: () => benchStoreIdentify(2 * count, rounds),
    hubs: () => benchStoreHubs(devices, rounds),
    crl: () => benchStoreCrl(rows, Math.min(rounds, 5)),
  }
  const names = only ?? Object.keys(parts)
  const unknown = names.find(name => !Object.hasOwn(parts, name))
  if (unknown !== undefined) throw new TypeError(`--only: expected ${Object.keys(parts).join(', ')}`)
  const before = loadavg()[0]!
  const sections: string[] = []
  for (const name of names) {
    const section = await parts[name]!()
    process.stderr.write(`${section}\n\n`)
    sections.push(section)
  }
  sections.push(`Runnable processes on the machine: ${before.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after.`)
  return sections.join('\n\n')
}
