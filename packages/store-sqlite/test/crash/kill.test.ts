import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { checkInvariants } from '../../../core/test/crash/check-invariants.ts'
import { createProcess } from '../../../core/test/crash/faulty-process.ts'
import { createObservations } from '../../../core/test/crash/observations.ts'
import { type Random, seededRandom } from '../../../core/test/crash/random.ts'
import { readJournal } from './journal.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
/** Repeats the moments of death as far as a real machine lets them be repeated. */
const firstSeed = Number(process.env['FLEETCERT_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 1))
/** Each on a file of its own, from its first start on. */
const files = isLong ? 14 : 1
const killsPerFile = 15
/** Longer than every lease: the next process finds them run out. */
const leaseSeconds = 120

const total = { kills: 0, atStart: 0, returned: 0, signed: 0, rows: 0, leftovers: 0 }
afterAll(() => console.info(`kill test: ${JSON.stringify(total)}`))

interface Child {
  readonly journal: string
  killed(): Promise<void>
}

/** When a child dies: so long after a line of its journal. */
interface Moment {
  readonly after: 'opening' | 'opened'
  readonly milliseconds: number
}

function startChild(args: readonly string[], journal: string, { after, milliseconds }: Moment): Child {
  const child = spawn(
    process.execPath,
    ['--conditions=fleetcert-source', '--no-warnings', join(import.meta.dirname, 'work-until-killed.ts'), ...args],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const exited = once(child, 'exit')
  const hasCome = (): boolean => existsSync(journal) && readFileSync(journal, 'utf8').includes(`["${after}"`)
  return {
    journal,
    async killed() {
      try {
        while (child.exitCode === null && !hasCome()) await sleep(2)
        await Promise.race([sleep(milliseconds), exited])
      } finally {
        child.kill('SIGKILL')
      }
      const [code, signal] = await exited
      if (signal !== 'SIGKILL') throw new Error(`the child ended by itself with ${code}`)
    },
  }
}

/** The first ones die while they make the fleet, later ones now and then while they open it. */
function momentOfDeath(random: Random, round: number): Moment {
  return round < 3 || random.once(6)
    ? { after: 'opening', milliseconds: random.below(50) }
    : { after: 'opened', milliseconds: random.below(isLong ? 1500 : 500) }
}

it.each(Array.from({ length: files }, (_, index) => firstSeed + index))(
  `keeps its promises when it is killed ${killsPerFile} times (FLEETCERT_SEED=%i)`,
  { timeout: 600_000 },
  async seed => {
    const folder = temporaryDirectory()
    const file = folder.path('fleet.db')
    const keys = folder.path('keys')
    const random = seededRandom(seed)
    const observations = createObservations()
    try {
      let aheadSeconds = 0
      let round = 0
      for (let kills = 0; kills < killsPerFile; round += 1) {
        aheadSeconds += leaseSeconds
        // Now and then two processes share the file.
        const children = Array.from(
          { length: Math.min(1 + Number(random.once(3)), killsPerFile - kills) },
          (_, index) => {
            const journal = folder.path(`journal-${round}-${index}`)
            const args = [file, keys, journal, String(random.below(2 ** 31)), String(aheadSeconds)]
            return startChild(args, journal, momentOfDeath(random, round))
          },
        )
        for (const ended of await Promise.allSettled(children.map(child => child.killed()))) {
          if (ended.status === 'rejected') throw ended.reason
        }
        kills += children.length
        total.kills += children.length
        for (const { journal } of children) {
          const { marks, errors } = readJournal(journal, observations)
          expect(errors).toEqual([])
          if (!marks.includes('opened')) total.atStart += 1
        }
        aheadSeconds += leaseSeconds
        await checkFile(file, keys, aheadSeconds, observations)
      }
      total.returned += observations.returned.length
      total.signed += observations.signed.length
      total.rows += observations.seen.rows.size
      for (const { state } of observations.seen.rows.values()) if (state === 'abandoned') total.leftovers += 1
    } finally {
      folder.remove()
    }
  },
)

/** Opens what the dead left, as the next process would, and looks at all of it. */
async function checkFile(
  file: string,
  keys: string,
  aheadSeconds: number,
  observations: ReturnType<typeof createObservations>,
): Promise<void> {
  const clock = (): Date => new Date(Date.now() + aheadSeconds * 1000)
  const store = sqliteStore({ file, clock })
  const seen = createProcess({ store, keyring: fileKeyring(keys), observations })
  try {
    const fleet = await openFleet({ store: seen.store, keyring: seen.keyring, clock, background: false })
    await checkInvariants(fleet, store, observations)
    await fleet.close()
  } finally {
    await store.close()
  }
  const database = new DatabaseSync(file)
  try {
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    expect(database.prepare('PRAGMA foreign_key_check').all()).toEqual([])
  } finally {
    database.close()
  }
}
