import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { deviceMaker, emqxRequest, type Template } from './auth-devices.ts'
import { type AuthLoad, type AuthLoaded, type AuthMessage, heard } from './auth-messages.ts'
import { median } from './measure.ts'

// As EMQX: `pool_size = 8`, and of its `enable_pipelining = 100` what comes together.
const connections = 8
const depth = 16
const seenDevices = 1000

interface Contestant {
  readonly name: string
  readonly server: ChildProcess
  readonly port: number
  readonly devices: number
}

interface Round {
  readonly loaded: AuthLoaded
  /** Of the server, microseconds per answer. */
  readonly cpu: number
}

/** Rates, medians of the rounds' ratios to the bare server, and what is left open after half the rate. */
export async function benchAuthHttp({
  folder,
  template,
  devices,
  rounds,
}: {
  readonly folder: string
  readonly template: Template
  readonly devices: number
  readonly rounds: number
}): Promise<string> {
  const children: ChildProcess[] = []
  const start = (file: string, ...args: string[]): ChildProcess => {
    const child = fork(join(import.meta.dirname, file), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    children.push(child)
    return child
  }
  try {
    const serve = async (kind: string, ...more: string[]): Promise<Pick<Contestant, 'server' | 'port'>> => {
      const server = start('auth-server.ts', kind, folder, String(devices), ...more)
      return { server, port: (await heard(server, 'ready')).port }
    }
    const client = start('auth-load.ts')
    const hub = await serve('hub')
    const bare = await serve('bare', await answerOf(hub.port, template))
    const web = await serve('web')
    const contestants: readonly Contestant[] = [
      { name: 'bare node:http, a constant', ...bare, devices },
      { name: 'hub, any of all devices', ...hub, devices },
      { name: 'hub, devices seen before', ...hub, devices: Math.min(devices, seenDevices) },
      { name: '`Request` face, any of all devices', ...web, devices },
      { name: '`Request` face, devices seen before', ...web, devices: Math.min(devices, seenDevices) },
    ]
    const cpuOf = async (server: ChildProcess): Promise<number> => {
      server.send({ type: 'usage' } satisfies AuthMessage)
      return (await heard(server, 'used')).cpu
    }
    const run = async (
      { server, port, devices: among }: Contestant,
      seconds: number,
      rate?: number,
    ): Promise<Round> => {
      const before = await cpuOf(server)
      const load: AuthLoad = { port, template, devices: among, seconds, connections, depth }
      client.send({ type: 'load', ...load, ...(rate === undefined ? {} : { rate }) } satisfies AuthMessage)
      const loaded = await heard(client, 'loaded')
      return { loaded, cpu: ((await cpuOf(server)) - before) / loaded.answers }
    }

    // The first warms up, and shows the devices that are to be seen again.
    for (const contestant of contestants) for (let time = 0; time < 2; time += 1) await run(contestant, 2)
    const full = contestants.map(() => [] as Round[])
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, contestant] of contestants.entries()) full[index]!.push(await run(contestant, 1))
    }
    const rates = full.map(list => medianOf(list.map(({ loaded }) => loaded.rate)))

    // Everybody at half of the own maximum, and the bare server at half of the hub's, too.
    const half: { name: string; contestant: Contestant; rate: number; rounds: Round[] }[] = contestants
      .slice(0, 3)
      .map((contestant, index) => ({ name: contestant.name, contestant, rate: rates[index]! / 2, rounds: [] }))
    half.push({
      ...half[0]!,
      name: `${half[0]!.name}, at half the rate of "${contestants[1]!.name}"`,
      rate: rates[1]! / 2,
      rounds: [],
    })
    for (let round = 0; round < rounds; round += 1) {
      for (const { contestant, rate, rounds: list } of half) list.push(await run(contestant, 2, rate))
    }
    return `${ratesTable(contestants, full)}\n\n${delayTable(half)}`
  } finally {
    for (const child of children) child.kill()
  }
}

/** What the hub says to a device, which is what the bare server says to all. */
async function answerOf(port: number, template: Template): Promise<string> {
  const request = emqxRequest(deviceMaker(template)(1), template.secret).toString('latin1')
  const response = await fetch(`http://127.0.0.1:${port}/api/devices/certificates/validate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-broker-secret': template.secret },
    body: request.slice(request.indexOf('\r\n\r\n') + 4),
  })
  return response.text()
}

function medianOf(values: readonly number[]): number {
  return median(values.toSorted((a, b) => a - b))
}

function ratesTable(contestants: readonly Contestant[], full: readonly (readonly Round[])[]): string {
  const bare = full[0]!
  const rows = contestants.map(({ name }, index) => {
    const rounds = full[index]!
    const sorted = rounds.map(({ loaded }) => loaded.rate).toSorted((a, b) => a - b)
    const ratio = medianOf(rounds.map(({ loaded }, round) => loaded.rate / bare[round]!.loaded.rate))
    const cpu = medianOf(rounds.map(one => one.cpu))
    const bareCpu = medianOf(bare.map(one => one.cpu))
    return [
      name,
      whole(median(sorted)),
      `${whole(sorted[0]!)}–${whole(sorted.at(-1)!)}`,
      ratio.toFixed(2),
      cpu.toFixed(1),
      (bareCpu / cpu).toFixed(2),
    ]
  })
  return table(['what', 'per second (median)', 'min–max', '× bare', 'server CPU, µs per answer', 'bare ÷ that'], rows)
}

function delayTable(
  half: readonly { readonly name: string; readonly rate: number; readonly rounds: readonly Round[] }[],
): string {
  const bare = half[0]!.rounds
  const rows = half.map(({ name, rate, rounds }) => [
    name,
    whole(rate),
    medianOf(rounds.map(({ loaded }) => loaded.p50!)).toFixed(2),
    medianOf(rounds.map(({ loaded }) => loaded.p99!)).toFixed(2),
    medianOf(rounds.map(({ loaded }, round) => loaded.p99! / bare[round]!.loaded.p99!)).toFixed(2),
    `${(medianOf(rounds.map(({ loaded }) => loaded.refused! / loaded.answers)) * 100).toFixed(1)} %`,
  ])
  return table(['at half the rate', 'per second', 'p50, ms', 'p99, ms', '× bare p99', 'refused as overloaded'], rows)
}

/** Rows as Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

export function whole(rate: number): string {
  return Math.round(rate).toLocaleString('en-US')
}
