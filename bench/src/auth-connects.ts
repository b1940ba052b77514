import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { table, whole } from './auth-http.ts'
import { type AuthMessage, heard } from './auth-messages.ts'
import { findRabbitMq, type RabbitMq, startRabbitMq } from './auth-rabbitmq.ts'
import { median } from './measure.ts'

const identities = 500
const seconds = 1
// Short ones, in turn: a slow spell of the machine befalls both.
const roundsEach = 3

interface Round {
  /** Connects per second. */
  readonly rate: number
  /** Of the broker and of the server that it asks, milliseconds per connect. */
  readonly cpu: number
}

/** Connections by mutual TLS to a RabbitMQ that asks the fleet, beside the same RabbitMQ whose questions are answered `allow` unseen. */
export async function benchConnects(folder: string, rounds: number): Promise<string> {
  if (findRabbitMq() === undefined) return 'Connects to a real broker: left out, there is no RabbitMQ on this machine.'
  const place = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const children: ChildProcess[] = []
  let broker: RabbitMq | undefined
  const start = (file: string, ...args: string[]): ChildProcess => {
    const child = fork(join(import.meta.dirname, file), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    children.push(child)
    return child
  }
  try {
    const hook = start('auth-hook.ts', folder, place, String(identities))
    const { port } = await heard(hook, 'ready')
    broker = await startRabbitMq(place, port)
    const client = start('auth-connect.ts', join(place, 'identities.json'))
    await heard(client, 'ready')
    const cpuOf = async (): Promise<number> => {
      hook.send({ type: 'usage' } satisfies AuthMessage)
      return (await heard(hook, 'used')).cpu / 1000 + broker!.cpu()
    }
    const measured: [Round[], Round[]] = [[], []]
    for (let round = -2; round < rounds * roundsEach; round += 1) {
      // Each goes first every other time.
      for (const asked of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        hook.send({ type: 'ask', fleet: asked === 1 } satisfies AuthMessage)
        const before = await cpuOf()
        client.send({ type: 'connect', port: broker.port, seconds } satisfies AuthMessage)
        const { rate, answers } = await heard(client, 'loaded')
        // The first rounds warm up.
        if (round >= 0) measured[asked].push({ rate, cpu: ((await cpuOf()) - before) / answers })
      }
    }
    const [bare, ours] = measured
    const ratio = (of: (one: Round, other: Round) => number): string =>
      median(ours.map((one, round) => of(one, bare[round]!)).toSorted((a, b) => a - b)).toFixed(3)
    const row = (name: string, list: readonly Round[], ...ratios: readonly string[]): string[] => {
      const sorted = list.map(({ rate }) => rate).toSorted((a, b) => a - b)
      const cpu = median(list.map(one => one.cpu).toSorted((a, b) => a - b))
      const range = `${whole(sorted[0]!)}–${whole(sorted.at(-1)!)}`
      return [name, whole(median(sorted)), range, ratios[0]!, cpu.toFixed(2), ratios[1]!]
    }
    const columns = [
      'per second (median)',
      'min–max',
      '× constant',
      'CPU of broker and server, ms each',
      'constant ÷ that',
    ]
    return table(
      ['mutual TLS connects, RabbitMQ', ...columns],
      [
        row('asking a constant', bare, '1.000', '1.000'),
        row(
          'asking the fleet',
          ours,
          ratio((one, other) => one.rate / other.rate),
          ratio((one, other) => other.cpu / one.cpu),
        ),
      ],
    )
  } finally {
    for (const child of children) child.kill()
    await broker?.stop()
    rmSync(place, { recursive: true, force: true })
  }
}
