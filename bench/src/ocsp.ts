import { type ChildProcess, fork, spawn } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  encodeCertId,
  encodeOcspRequest,
  fileKeyring,
  type Keyring,
  memoryKeyring,
  memoryStore,
  openFleet,
  parseCertificate,
  parseOcspResponse,
  type Store,
} from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { type Contestant, formatTable, measureInTurn, median } from './measure.ts'
import type { OcspChildReady } from './ocsp-child.ts'
import { type Asked, askable, certificates } from './ocsp-requests.ts'

export interface OcspBenchOptions {
  readonly count?: number
  readonly rounds?: number
}

const bareSign = 'bare P-256 sign'
const httpLive = 'fleetcert, live-signed, behind bare node:http, a connection each'
const httpOpenssl = 'openssl ocsp -port, a connection each'

/** Request octets → answer octets, in process, beside what the signature alone costs; and openssl's responder. HTTP on kept connections is `bench ocsp-http`. */
export async function benchOcsp({ count = 20_000, rounds = 7 }: OcspBenchOptions = {}): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const closers: (() => Promise<void> | void)[] = []
  try {
    const open = async (store: Store, keyring: Keyring): Promise<Asked> => {
      const fleet = await openFleet({ store, keyring, background: false })
      closers.push(() => fleet.close())
      return askable(fleet)
    }
    const memory = await open(memoryStore(), fileKeyring(join(directory, 'keys')))
    const sqlite = await open(sqliteStore({ file: join(directory, 'fleet.db') }), memoryKeyring())
    const contestants: Contestant[] = [
      bare(count),
      { name: 'fleetcert, live-signed, memory store', count, run: units => memory.ask(memory.withNonce, units) },
      { name: 'fleetcert, live-signed, SQLite', count, run: units => sqlite.ask(sqlite.withNonce, units) },
      { name: 'fleetcert, kept, memory store', count: count * 4, run: units => memory.ask(memory.plain, units) },
      { name: 'fleetcert, kept, SQLite', count: count * 4, run: units => sqlite.ask(sqlite.plain, units) },
    ]
    const inProcess = await measureInTurn(contestants, rounds)
    const tables = [formatTable(inProcess, [bareSign]), await processorTimes(contestants, rounds)]

    const peer = await startOpenssl(directory, memory)
    if (peer !== undefined) {
      closers.push(peer.close)
      const own = await startChild()
      closers.push(own.close)
      const few = Math.min(200, count)
      const overHttp = (name: string, port: number, requests: readonly Uint8Array[]): Contestant => ({
        name,
        count: few,
        async run(units) {
          for (let unit = 0; unit < units; unit += 1) {
            const answer = await post(port, requests[unit % certificates]!)
            if (parseOcspResponse(answer).status !== 'successful') throw new Error(`${name}: no answer`)
          }
        },
      })
      const measured = await measureInTurn(
        [overHttp(httpOpenssl, peer.port, memory.withNonce), overHttp(httpLive, own.port, own.requests)],
        rounds,
      )
      tables.push(formatTable(measured, [httpOpenssl]))
    }
    return tables.join('\n\n')
  } finally {
    for (const close of closers.reverse()) await close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Processor time of this process for each unit: on a machine that others use, too, it is steadier than the clock on the wall. */
async function processorTimes(contestants: readonly Contestant[], rounds: number): Promise<string> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, count, run } of contestants) {
      globalThis.gc?.()
      const before = process.cpuUsage()
      await run(count)
      const { user, system } = process.cpuUsage(before)
      times.get(name)!.push((user + system) / count)
    }
  }
  const medianOf = (name: string): number => median(times.get(name)!.toSorted((a, b) => a - b))
  const rows = contestants.map(({ name }) => {
    const time = medianOf(name)
    return `| ${name} | ${time.toFixed(1)} | ${(medianOf(bareSign) / time).toFixed(2)} |`
  })
  return [`| what | processor time, µs (median) | ${bareSign} / this |`, '| --- | --- | --- |', ...rows].join('\n')
}

/** As long as what is signed in an answer with a nonce. */
function bare(count: number): Contestant {
  const message = Buffer.alloc(245, 7)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    name: bareSign,
    count,
    run(units) {
      for (let unit = 0; unit < units; unit += 1) sign('sha256', message, privateKey)
    },
  }
}

interface Running {
  readonly port: number
  close(): Promise<void> | void
}

/** openssl's responder with the same certificates and the issuing CA's key; `undefined`, with a word on standard error, without openssl. */
async function startOpenssl(directory: string, { chain, serialNumbers }: Asked): Promise<Running | undefined> {
  const index = serialNumbers.map((serialNumber, at) =>
    [
      at % 10 === 0 ? 'R' : 'V',
      '351231235959Z',
      at % 10 === 0 ? '260101000000Z,superseded' : '',
      serialNumber.toUpperCase(),
      'unknown',
      `/CN=device-${at}`,
    ].join('\t'),
  )
  writeFileSync(join(directory, 'index.txt'), `${index.join('\n')}\n`)
  writeFileSync(join(directory, 'ca.pem'), chain)
  const key = readdirSync(join(directory, 'keys')).find(name => name.startsWith('ca'))
  if (key === undefined) throw new Error("the issuing CA's key file is not there")
  const port = await freePort()
  const signer = ['-CA', 'ca.pem', '-rsigner', 'ca.pem', '-rkey', join('keys', key), '-ndays', '1']
  const child: ChildProcess = spawn('openssl', ['ocsp', '-index', 'index.txt', '-port', String(port), ...signer], {
    cwd: directory,
    stdio: 'ignore',
  })
  const failed = new Promise<'failed'>(resolve => child.once('error', () => resolve('failed')))
  const probe = encodeOcspRequest([encodeCertId(parseCertificate(chain), serialNumbers[1]!, 'sha1')])
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const answered = await Promise.race([failed, post(port, probe).catch(() => undefined)])
    if (answered === 'failed') {
      process.stderr.write('openssl is not installed: its row is missing\n')
      return undefined
    }
    if (answered !== undefined) return { port, close: () => void child.kill() }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  child.kill()
  throw new Error('openssl ocsp does not answer')
}

/** Our own in a process of its own, too. */
async function startChild(): Promise<Running & { readonly requests: readonly Uint8Array[] }> {
  const child = fork(join(import.meta.dirname, 'ocsp-child.ts'))
  const [{ port, requests }] = (await once(child, 'message')) as [OcspChildReady]
  return { port, requests: requests.map(text => Buffer.from(text, 'base64')), close: () => void child.kill() }
}

function post(port: number, body: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/ocsp-request', 'content-length': body.length }
    const sent = httpRequest(
      { port, host: '127.0.0.1', method: 'POST', path: '/', headers, agent: false },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve(new Uint8Array(Buffer.concat(chunks))))
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

async function freePort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
