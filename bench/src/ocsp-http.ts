import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { median } from './measure.ts'

/** What the processes of this benchmark tell each other. */
export type HttpBenchMessage =
  | {
      readonly type: 'ready'
      readonly port: number
      readonly requests: readonly Readonly<Record<'post' | 'get', string>>[]
    }
  | { readonly type: 'answers'; readonly head: readonly (readonly [string, string])[]; readonly body: string }
  | { readonly type: 'load'; readonly port: number; readonly requests: readonly string[]; readonly seconds: number }
  | { readonly type: 'loaded'; readonly answers: number; readonly seconds: number }
  | { readonly type: 'usage' }
  /** CPU time of the server so far, microseconds. */
  | { readonly type: 'used'; readonly cpu: number }

interface Contestant {
  readonly name: string
  readonly server: ChildProcess
  readonly requests: readonly string[]
}

interface Round {
  /** Answers per second. */
  readonly rate: number
  /** Of the server, microseconds per answer. */
  readonly cpu: number
}

/**
 * Warm OCSP over HTTP through `toNodeHandler`, beside a node:http server that knows nothing and answers the same bytes. Three processes: the hub, the bare server, and one that asks over 32 kept connections,
 * one request at a time on each. The rounds go around, and the ratios are those of the medians;
 * the servers' CPU time per answer stands beside the rate, for it is the same whatever else the machine does.
 */
export async function benchOcspHttp({ rounds = 5 }: { rounds?: number } = {}): Promise<string> {
  const children: ChildProcess[] = []
  const start = (file: string, ...args: string[]): ChildProcess => {
    const child = fork(join(import.meta.dirname, file), args)
    children.push(child)
    return child
  }
  try {
    const hub = start('ocsp-http-server.ts', 'hub')
    const { port, requests } = await heard(hub, 'ready')
    const bare = start('ocsp-http-server.ts', 'bare')
    const bareReady = heard(bare, 'ready')
    const client = start('http-load.ts')
    const [first] = requests
    const response = await fetch(`http://127.0.0.1:${port}/ocsp`, {
      method: 'POST',
      body: Buffer.from(Buffer.from(first!.post, 'base64').subarray(headOf(first!.post))),
    })
    // Exactly the hub's headers, save those that node:http writes by itself.
    const head = [...response.headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))
    const body = Buffer.from(await response.arrayBuffer()).toString('base64')
    bare.send({ type: 'answers', head, body } satisfies HttpBenchMessage)
    const barePort = (await bareReady).port

    const cpuOf = async (server: ChildProcess): Promise<number> => {
      server.send({ type: 'usage' } satisfies HttpBenchMessage)
      return (await heard(server, 'used')).cpu
    }
    const measure = async ({ server, requests: asked }: Contestant): Promise<Round> => {
      const before = await cpuOf(server)
      const target = server === bare ? barePort : port
      client.send({ type: 'load', port: target, requests: asked, seconds: 1 } satisfies HttpBenchMessage)
      const { answers, seconds } = await heard(client, 'loaded')
      return { rate: answers / seconds, cpu: ((await cpuOf(server)) - before) / answers }
    }
    const contestants: readonly Contestant[] = [
      { name: 'bare node:http, the same bytes', server: bare, requests: [first!.post] },
      { name: 'POST, one certificate', server: hub, requests: [first!.post] },
      { name: 'GET, one certificate', server: hub, requests: [first!.get] },
      { name: 'POST, 1,000 certificates in turn', server: hub, requests: requests.map(request => request.post) },
    ]
    const measured = contestants.map(({ name }) => ({ name, rounds: [] as Round[] }))
    for (const contestant of contestants) await measure(contestant)
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, contestant] of contestants.entries()) {
        measured[index]!.rounds.push(await measure(contestant))
      }
    }
    return tableOf(measured)
  } finally {
    for (const child of children) child.kill()
  }
}

/** The first row is what the others are compared with. */
function tableOf(measured: readonly { readonly name: string; readonly rounds: readonly Round[] }[]): string {
  const rows = measured.map(({ name, rounds }) => {
    const rates = rounds.map(({ rate }) => rate).toSorted((a, b) => a - b)
    return { name, rates, rate: median(rates), cpu: median(rounds.map(({ cpu }) => cpu).toSorted((a, b) => a - b)) }
  })
  const bare = rows[0]!
  const head = ['what', 'per second (median)', 'min–max', '× bare', 'server CPU, µs per answer', 'bare ÷ that']
  const whole = (rate: number): string => Math.round(rate).toLocaleString('en-US')
  const cells = rows.map(({ name, rates, rate, cpu }) => [
    ...[name, whole(rate), `${whole(rates[0]!)}–${whole(rates.at(-1)!)}`, (rate / bare.rate).toFixed(2)],
    ...[cpu.toFixed(1), (bare.cpu / cpu).toFixed(2)],
  ])
  return [head, head.map(() => '---'), ...cells].map(row => `| ${row.join(' | ')} |`).join('\n')
}

function headOf(request: string): number {
  return Buffer.from(request, 'base64').indexOf('\r\n\r\n') + 4
}

function heard<Type extends HttpBenchMessage['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<HttpBenchMessage, { readonly type: Type }>> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error(`the process that should say ${type} is gone`))
    const hear = (message: HttpBenchMessage): void => {
      if (message.type !== type) return
      child.off('message', hear).off('exit', gone)
      resolve(message as Extract<HttpBenchMessage, { readonly type: Type }>)
    }
    child.on('message', hear).on('exit', gone)
  })
}
