import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Fleet,
  type Keyring,
  memoryKeyring,
  memoryStore,
  openFleet,
  type Signer,
  type Store,
} from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { type Contestant, formatTable, measureInTurn } from './measure.ts'
import { makeSamples, type Sample } from './samples.ts'

export interface HotIssuerBenchOptions {
  readonly count?: number
  readonly rounds?: number
}

/** Issuing through a hot issuer under a CA key that makes one signature a second, beside issuing by a CA key in memory. */
export async function benchHotIssuer({ count = 8000, rounds = 7 }: HotIssuerBenchOptions = {}): Promise<string> {
  const samples = await makeSamples(count)
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const fleets: Fleet[] = []
  const slow = slowKeyring()
  const open = async (store: Store, isHot: boolean): Promise<Fleet> => {
    const fleet = await openFleet({
      store,
      ...(isHot
        ? // Renewed each half minute: some rounds have a renewal in them.
          { keyring: slow.keyring(), hotIssuer: { useSeconds: 60 } }
        : { keyring: memoryKeyring() }),
    })
    fleets.push(fleet)
    return fleet
  }
  const issuing = (fleet: Fleet, callers: number): Contestant['run'] => {
    let device = 0
    return async units => {
      let next = 0
      const caller = async (): Promise<void> => {
        while (next < units) await issueOne(fleet, samples[next++]!, `device-${device++}`)
      }
      await Promise.all(Array.from({ length: callers }, caller))
    }
  }
  try {
    const contestants: Contestant[] = []
    for (const [kind, store, callers] of [
      ['memory store, 1 caller', memoryStore, 1],
      ['memory store, 64 callers', memoryStore, 64],
      ['SQLite, 64 callers', (): Store => sqliteStore({ file: join(directory, `${fleets.length}.db`) }), 64],
    ] as const) {
      for (const isHot of [false, true]) {
        const name = `${kind}: ${isHot ? 'hot issuer' : 'software key'}`
        contestants.push({ name, count, run: issuing(await open(store(), isHot), callers) })
      }
    }
    const measurements = await measureInTurn(contestants, rounds)
    const software = contestants.flatMap(({ name }) => (name.endsWith('software key') ? [name] : []))
    return `${formatTable(measurements, software)}\n\nThe slow key made ${slow.signatures()} signatures.\n`
  } finally {
    for (const fleet of fleets) await fleet.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function issueOne(fleet: Fleet, { csr }: Sample, deviceId: string): Promise<void> {
  await fleet.enroll(deviceId, { csr })
}

/** Keys that make one signature a second together, each 100 ms away. */
function slowKeyring(): { keyring(): Keyring; signatures(): number } {
  let signatures = 0
  let turn = Promise.resolve()
  const slowed = (signer: Signer): Signer => ({
    ...signer,
    async sign(message, options) {
      const mine = turn
      turn = mine.then(() => sleep(1000))
      await mine
      await sleep(100)
      signatures += 1
      return signer.sign(message, options)
    },
  })
  return {
    keyring() {
      const keys = memoryKeyring()
      return {
        ...keys,
        create: async (name, algorithm) => slowed(await keys.create(name, algorithm)),
        async open(name) {
          const signer = await keys.open(name)
          return signer === undefined ? undefined : slowed(signer)
        },
      }
    },
    signatures: () => signatures,
  }
}
