import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import type { Template } from './auth-devices.ts'
import { table, whole } from './auth-http.ts'
import { type AuthMessage, heard } from './auth-messages.ts'
import { median } from './measure.ts'
import { fillDevices } from './store-fill.ts'
import { noteRedis, processorTime, startedThings } from './store-servers.ts'

const loads = 2
// Of all clients together as in `bench auth`.
const connections = 8
const depth = 16
const seenDevices = 1000

interface Round {
  readonly rate: number
  /** Of the hubs, microseconds per answer. */
  readonly hubs: number
  /** Of the hubs and Redis together. */
  readonly all: number
}

/** Decisions of two hub processes on one Redis beside those of one: what a decision costs the processor. The load is the same, by as many clients, whose time does not count. */
export async function benchStoreHubs(devices: number, rounds: number): Promise<string> {
  await using started = startedThings()
  const folder = started.folder()
  const redis = await started.redis()
  const template = await fill(folder, redis.url, devices, started)
  const start = (file: string, ...args: string[]): ChildProcess => {
    const child = fork(join(import.meta.dirname, file), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    started.later(() => child.kill())
    return child
  }
  const clients = Array.from({ length: loads }, () => start('auth-load.ts'))
  const hubs: { readonly server: ChildProcess; readonly port: number }[] = []
  // The first of them serves alone as well; while one is alone, the other one idles.
  for (let index = 0; index < 2; index += 1) {
    const server = start('auth-server.ts', 'hub', folder, String(devices))
    hubs.push({ server, port: (await heard(server, 'ready')).port })
  }
  const cpuOf = async (among: typeof hubs): Promise<number> => {
    let sum = 0
    for (const { server } of among) {
      server.send({ type: 'usage' } satisfies AuthMessage)
      sum += (await heard(server, 'used')).cpu
    }
    return sum
  }
  const run = async (count: number, among: number): Promise<Round> => {
    const used = hubs.slice(0, count)
    const [before, redisBefore] = [await cpuOf(used), processorTime(redis.pid)]
    const loaded = await Promise.all(
      clients.map(async (client, index) => {
        const { port } = used[index % count]!
        const load = { port, template, devices: among, seconds: 1, connections: connections / loads, depth }
        client.send({ type: 'load', ...load } satisfies AuthMessage)
        return heard(client, 'loaded')
      }),
    )
    const answers = loaded.reduce((sum, { answers: own }) => sum + own, 0)
    const cpu = ((await cpuOf(used)) - before) / answers
    return {
      rate: loaded.reduce((sum, { rate }) => sum + rate, 0),
      hubs: cpu,
      all: cpu + (processorTime(redis.pid) - redisBefore) / answers,
    }
  }

  const cases = [
    { name: 'devices seen before', among: Math.min(seenDevices, devices) },
    { name: `any of ${whole(devices)}`, among: devices },
  ]
  const rows: string[][] = []
  for (const { name, among } of cases) {
    const measured: Record<1 | 2, Round[]> = { 1: [], 2: [] }
    for (let time = 0; time < 2; time += 1) for (const count of [1, 2] as const) await run(count, among)
    for (let round = 0; round < rounds; round += 1) {
      for (const count of [1, 2] as const) measured[count].push(await run(count, among))
    }
    for (const count of [1, 2] as const) {
      const of = (key: keyof Round): readonly number[] => measured[count].map(round => round[key])
      const ratio = medianOf(of('all').map((all, round) => all / measured[1][round]!.all))
      rows.push([
        `${count === 1 ? 'one hub' : 'two hubs'}, ${name}`,
        whole(medianOf(of('rate'))),
        medianOf(of('hubs')).toFixed(1),
        medianOf(of('all')).toFixed(1),
        ratio.toFixed(2),
      ])
    }
  }
  const head = ['what', 'per second (median)', 'hub CPU, µs per decision', 'with Redis', '× one hub']
  return table(head, rows)
}

async function fill(
  folder: string,
  url: string,
  devices: number,
  started: ReturnType<typeof startedThings>,
): Promise<Template> {
  noteRedis(folder, url)
  const store = redisStore({ client: await started.client(url), durability: 'everysec' })
  const keyring = fileKeyring(join(folder, 'keys'), { passphrase: 'bench' })
  const fleet = await openFleet({ store, keyring, background: false })
  const certificate = await fillDevices(fleet, store, devices)
  await fleet.close()
  const template = { certificate, secret: randomBytes(24).toString('base64url') }
  writeFileSync(join(folder, `template-${devices}.json`), JSON.stringify(template))
  return template
}

function medianOf(values: readonly number[]): number {
  return median(values.toSorted((one, other) => one - other))
}
