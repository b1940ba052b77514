import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Fleet, type Keyring, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { median } from './measure.ts'
import { opensslRevoke } from './openssl-revoke.ts'
import { type Filled, filledOwner, fillFile, fillStore } from './revoke-fill.ts'

const few = 1000
const peerRounds = 5

/** What is measured at each size. One caller waits for the disk at each call: fewer calls take as long. */
const ways = [
  { name: 'by device, 1 caller', callers: 1, share: 0.25, target: ({ deviceId }: Filled) => deviceId },
  { name: 'by device, 64 callers', callers: 64, share: 1, target: ({ deviceId }: Filled) => deviceId },
  { name: 'by key, 64 callers', callers: 64, share: 1, target: ({ publicKey }: Filled) => ({ publicKey }) },
] as const
type Way = (typeof ways)[number]

interface Site {
  readonly name: string
  readonly fleet: Fleet
  readonly live: Filled[]
}

/**
 * Revoking with a thousand revoked certificates in the store and with `rows` (default a million): `rounds` short spells of `count` revocations, small store and large store in turn, so that what else the machine does befalls both.
 */
export async function benchRevoke({
  count = 256,
  rounds = 61,
  rows = 1_000_000,
}: {
  count?: number
  rounds?: number
  rows?: number
} = {}): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const sites: Site[] = []
  const certificates: string[] = []
  try {
    const sections: string[] = []
    for (const [kind, open, factor] of [
      ['SQLite', openSqlite, 1],
      // A spell of a millisecond would measure the garbage collector.
      ['memory', openMemory, 8],
    ] as const) {
      const spell = count * factor
      // Each spell and the one before them, which warms up, use up what is live.
      const live = ways.reduce((sum, way) => sum + unitsOf(way, spell), 0) * (rounds + 1)
      const pair: Site[] = []
      for (const revoked of [few, rows]) {
        const start = performance.now()
        const name = `${kind}, ${revoked.toLocaleString('en-US')} revoked`
        const { fleet, store, filled } = await open(join(directory, `${revoked}.db`), revoked, live)
        const built = performance.now()
        await revokeFilled(fleet, revoked)
        const seconds = (performance.now() - built) / 1000
        process.stderr.write(
          `${name}: filled in ${((built - start) / 1000).toFixed(1)} s, revokeAll ${Math.round(revoked / seconds)}/s\n`,
        )
        await checkRevoked(store, revoked)
        if (certificates.length === 0) {
          for (let index = 0; index < 2 * peerRounds; index += 1) {
            certificates.push((await fleet.enroll(`peer-${index}`)).certificate)
          }
        }
        const site = { name, fleet, live: filled }
        sites.push(site)
        pair.push(site)
      }
      sections.push(await measurePair(kind, pair as [Site, Site], { count: spell, rounds, rows }))
      for (const { fleet } of pair) await fleet.close()
    }
    sections.push(peer(directory, rows, certificates))
    return sections.join('\n')
  } finally {
    for (const { fleet } of sites) await fleet.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Opened {
  readonly fleet: Fleet
  readonly store: Store
  readonly filled: Filled[]
}

async function openSqlite(file: string, revoked: number, live: number): Promise<Opened> {
  const keyring = memoryKeyring()
  const first = await openBench(sqliteStore({ file }), keyring)
  await first.enroll('template')
  await first.close()
  fillFile(file, revoked, { owner: filledOwner, prefix: 'revoked' })
  const filled = fillFile(file, live, { prefix: 'live' })
  const store = sqliteStore({ file })
  return { store, filled, fleet: await openBench(store, keyring) }
}

async function openMemory(_: string, revoked: number, live: number): Promise<Opened> {
  const store = memoryStore()
  const fleet = await openBench(store, memoryKeyring())
  let issuerKeyId = ''
  for await (const issuer of fleet.issuers()) issuerKeyId = issuer.issuerKeyId
  await fillStore(store, issuerKeyId, revoked, { owner: filledOwner, prefix: 'revoked' })
  const filled = await fillStore(store, issuerKeyId, live, { prefix: 'live' })
  return { store, filled, fleet }
}

function openBench(store: Store, keyring: Keyring): Promise<Fleet> {
  return openFleet({ store, keyring, background: false })
}

async function revokeFilled(fleet: Fleet, expected: number): Promise<void> {
  const { certificates } = await fleet.revokeAll({ owner: filledOwner }, { reason: 'cessationOfOperation' })
  if (certificates !== expected) throw new Error(`revokeAll ended ${certificates} of ${expected}`)
}

/** That the last page of what was filled is revoked. */
async function checkRevoked(store: Store, revoked: number): Promise<void> {
  const { items } = await store.certificates({ list: 'device', deviceId: `revoked-${revoked - 1}` }, { limit: 1 })
  if (items[0]?.revocation === undefined) throw new Error('what should be revoked is not')
}

function unitsOf({ share }: Way, count: number): number {
  return Math.max(1, Math.round(count * share))
}

async function measurePair(
  kind: string,
  [small, large]: readonly [Site, Site],
  { count, rounds, rows }: { readonly count: number; readonly rounds: number; readonly rows: number },
): Promise<string> {
  const format = (rate: number): string => Math.round(rate).toLocaleString('en-US')
  const lines = [
    `| ${kind} | at ${few.toLocaleString('en-US')} revoked, per second | at ${rows.toLocaleString('en-US')} revoked | ratio (quartiles) | ratio by processor time |`,
    '| --- | --- | --- | --- | --- |',
  ]
  for (const way of ways) {
    const units = unitsOf(way, count)
    const rates: [number[], number[]] = [[], []]
    const byProcessor: number[] = []
    for (let round = 0; round <= rounds; round += 1) {
      const measured = new Map<Site, Rates>()
      // Who comes first pays for what the other left behind.
      for (const site of round % 2 === 0 ? [small, large] : [large, small]) {
        measured.set(site, await rateOf(site, way, units))
      }
      if (round === 0) continue
      rates[0].push(measured.get(small)!.rate)
      rates[1].push(measured.get(large)!.rate)
      byProcessor.push(measured.get(large)!.byProcessor / measured.get(small)!.byProcessor)
    }
    const ratios = sorted(rates[1].map((rate, index) => rate / rates[0][index]!))
    const quartile = (part: number): string => ratios[Math.floor((ratios.length - 1) * part)]!.toFixed(2)
    const [first, second] = rates.map(each => format(median(sorted(each))))
    lines.push(
      `| ${way.name} | ${first} | ${second} | ${quartile(0.5)} (${quartile(0.25)}–${quartile(0.75)}) | ${median(sorted(byProcessor)).toFixed(2)} |`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** Revocations per second, and per second of all threads' processor time: that counts nobody else's work, and no waiting for the disk. */
interface Rates {
  readonly rate: number
  readonly byProcessor: number
}

async function rateOf({ name, fleet, live }: Site, way: Way, units: number): Promise<Rates> {
  const targets = live.splice(-units)
  if (targets.length < units) throw new Error(`${name}: nothing is left to be revoked`)
  const caller = async (): Promise<void> => {
    for (let next = targets.pop(); next !== undefined; next = targets.pop()) {
      const { certificates } = await fleet.revoke(way.target(next), { reason: 'cessationOfOperation' })
      if (certificates.length !== 1) throw new Error('not exactly one certificate was revoked')
    }
  }
  const before = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: way.callers }, caller))
  const milliseconds = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  return { rate: (units / milliseconds) * 1000, byProcessor: (units / (user + system)) * 1e6 }
}

function sorted(rates: readonly number[]): number[] {
  return rates.toSorted((a, b) => a - b)
}

function peer(directory: string, rows: number, certificates: readonly string[]): string {
  const small = opensslRevoke(directory, few, certificates.slice(0, peerRounds))
  const large = opensslRevoke(directory, rows, certificates.slice(peerRounds))
  if (small === undefined || large === undefined) return 'openssl ca -revoke: skipped, there is no openssl on PATH'
  const measurement = (count: number, rates: readonly number[]): string => {
    const all = sorted(rates)
    return `| ${small.version} ca -revoke, ${count.toLocaleString('en-US')} revoked | ${median(all).toFixed(2)} | ${all[0]!.toFixed(2)}–${all.at(-1)!.toFixed(2)} |`
  }
  return [
    '| what | per second (median) | min–max |',
    '| --- | --- | --- |',
    measurement(few, small.rates),
    measurement(rows, large.rates),
  ].join('\n')
}
