import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { table, whole } from './auth-http.ts'
import { type AuthMessage, heard } from './auth-messages.ts'
import { findRabbitMq, type RabbitMq, startRabbitMq } from './auth-rabbitmq.ts'
import { median } from './measure.ts'

const identities = 500
const seconds = 3

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
    const rates: [number[], number[]] = [[], []]
    for (let round = -1; round < rounds; round += 1) {
      for (const asked of [0, 1] as const) {
        hook.send({ type: 'ask', fleet: asked === 1 } satisfies AuthMessage)
        client.send({ type: 'connect', port: broker.port, seconds } satisfies AuthMessage)
        const { rate } = await heard(client, 'loaded')
        // The first round warms up.
        if (round >= 0) rates[asked].push(rate)
      }
    }
    const [bare, ours] = rates
    const ratios = ours.map((rate, round) => rate / bare[round]!).toSorted((a, b) => a - b)
    const row = (name: string, list: readonly number[], ratio: string): string[] => {
      const sorted = list.toSorted((a, b) => a - b)
      return [name, whole(median(sorted)), `${whole(sorted[0]!)}–${whole(sorted.at(-1)!)}`, ratio]
    }
    return table(
      ['mutual TLS connects, RabbitMQ', 'per second (median)', 'min–max', '× constant'],
      [row('asking a constant', bare, '1.00'), row('asking the fleet', ours, median(ratios).toFixed(3))],
    )
  } finally {
    for (const child of children) child.kill()
    await broker?.stop()
    rmSync(place, { recursive: true, force: true })
  }
}
