import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchConnects } from './auth-connects.ts'
import { fillFleet } from './auth-fill.ts'
import { benchAuthHttp } from './auth-http.ts'
import { benchSilence } from './auth-silence.ts'

const parts = ['http', 'connects', 'silence'] as const

/** Options of {@link benchAuth}. */
export interface AuthBenchOptions {
  readonly devices?: number
  readonly rounds?: number
  /** A folder that is kept, and used again when it has a fleet of as many devices. */
  readonly folder?: string
  /** Parts of it: `http`, `connects`, `silence`. Default: all. */
  readonly only?: readonly string[]
}

/** What a broker waits for: decisions over HTTP beside a bare server, connects to a broker that asks, and the end of a revoked session. */
export async function benchAuth({
  devices = 1_000_000,
  rounds = 7,
  folder,
  only = parts,
}: AuthBenchOptions = {}): Promise<string> {
  const unknown = only.find(name => !(parts as readonly string[]).includes(name))
  if (unknown !== undefined) throw new TypeError(`--only: expected ${parts.join(', ')}`)
  const place = folder ?? mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  mkdirSync(place, { recursive: true })
  const sections: string[] = []
  const before = loadavg()[0]!
  const add = (section: string): void => {
    process.stderr.write(`${section}\n\n`)
    sections.push(section)
  }
  try {
    if (only.includes('http') || only.includes('connects')) {
      const start = performance.now()
      const template = await fillFleet(place, devices)
      process.stderr.write(`filled in ${((performance.now() - start) / 1000).toFixed(1)} s\n`)
      if (only.includes('http')) add(await benchAuthHttp({ folder: place, template, devices, rounds }))
      if (only.includes('connects')) add(await benchConnects(place, rounds))
    }
    if (only.includes('silence')) add(await benchSilence())
    // Beside what was measured: on two cores a server, a client and whatever else there is are in each other's way.
    sections.push(`Runnable processes on the machine: ${before.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after.`)
    return sections.join('\n\n')
  } finally {
    if (folder === undefined) rmSync(place, { recursive: true, force: true })
  }
}
