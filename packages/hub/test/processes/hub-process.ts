import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { createClient } from 'redis'

/** A hub in a process of its own. */
export interface HubProcess {
  readonly name: string
  /** Resolves once it serves. Rejects with what it said if it ends before. */
  ready(): Promise<{ readonly port: number; readonly anchors: string }>
  /** Resolves once it stops where `HOLD_AT` says; `false` if it ended before. */
  reached(): Promise<boolean>
  readonly hasEnded: boolean
  readonly errors: () => string
  signal(signal: NodeJS.Signals): void
  kill(): Promise<void>
  /** Calls the API. Rejects when the connection ends. */
  call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: Record<string, unknown>; octets: Uint8Array }>
}

const running = new Set<ChildProcess>()

/** The children of a test file: all that still run are ended by {@link killAll}. */
export function startHub(name: string, environment: Readonly<Record<string, string>>): HubProcess {
  const child = spawn(
    process.execPath,
    ['--conditions=fleetcert-source', '--no-warnings', join(import.meta.dirname, 'children', 'hub.ts')],
    { env: { ...process.env, NAME: name, ...environment }, stdio: 'pipe' },
  )
  running.add(child)
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', text => (output += text))
  child.stderr.setEncoding('utf8').on('data', text => (errors += text))
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const said = async (key: string): Promise<Record<string, unknown> | undefined> => {
    for (;;) {
      const ended = hasEnded()
      const line = output.split('\n').find(one => one.startsWith(`{"${key}"`) && one.endsWith('}'))
      if (line !== undefined) return JSON.parse(line)
      if (ended) return undefined
      await sleep(10)
    }
  }
  let served: { port: number; anchors: string } | undefined
  const ready = async (): Promise<{ port: number; anchors: string }> => {
    served ??= (await said('port')) as typeof served
    if (served === undefined) throw new Error(`${name} has ended: ${errors}`)
    return served
  }
  return {
    name,
    ready,
    reached: async () => (await said('reached')) !== undefined,
    get hasEnded() {
      return hasEnded()
    },
    errors: () => errors,
    signal: signal => void child.kill(signal),
    async kill() {
      running.delete(child)
      if (hasEnded()) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    async call(method, path, body) {
      const { port } = await ready()
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
      const octets = await response.bytes()
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
      return { status: response.status, octets, json: isJson ? JSON.parse(Buffer.from(octets).toString()) : {} }
    },
  }
}

export async function killAll(): Promise<void> {
  for (const child of running) {
    const exited = once(child, 'exit')
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await exited
  }
  running.clear()
}

/** Lets the lease of a process that has died, or was stopped, run out: somebody whose clock is ahead takes it, and gives it back. */
export async function endLease(storeUrl: string, name: string): Promise<void> {
  const clock = (): Date => new Date(Date.now() + 3_600_000)
  if (!storeUrl.startsWith('redis:')) {
    await using store = sqliteStore({ file: storeUrl, clock })
    await store.open()
    const lease = await store.lease(name, 'the-test', 0)
    if (lease === undefined) throw new Error(`nobody gets the lease ${name}`)
    await store.releaseLease(lease)
    return
  }
  const client = createClient({ url: storeUrl })
  client.on('error', () => {})
  await client.connect()
  const store = redisStore({ client, durability: 'everysec', clock })
  await store.open()
  const lease = await store.lease(name, 'the-test', 0)
  if (lease === undefined) throw new Error(`nobody gets the lease ${name}`)
  await store.releaseLease(lease)
  await store.close()
  client.destroy()
}
