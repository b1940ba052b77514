import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import type { KeyAlgorithm, Signer } from '@fleetcert/core'
import { pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { formatTable, type Measurement, median } from './measure.ts'

const module = '/usr/lib/softhsm/libsofthsm2.so'
const tokenLabel = 'bench'
const pin = '1234'
const callers = 64
const roundMilliseconds = 1_500
const message = Buffer.alloc(600, 7)

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>

/** Signatures in a SoftHSM token: our pool with 64 callers, beside a loop in C with as many sessions, in turn. */
export async function benchPkcs11({
  rounds = 7,
  count: sessions = 4,
}: {
  rounds?: number
  /** Sessions of both. */
  count?: number
} = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  try {
    const loop = join(folder, 'pkcs11-loop')
    const source = join(import.meta.dirname, '..', 'c', 'pkcs11-loop.c')
    const fromSigner = createRequire(import.meta.resolve('@fleetcert/signer-pkcs11'))
    const includes = join(dirname(fromSigner.resolve('pkcs11js/package.json')), 'includes')
    execFileSync('cc', ['-O2', `-I${includes}`, '-o', loop, source, '-ldl', '-lpthread'])
    makeToken(folder)
    await using keyring = pkcs11Keyring({ module, tokenLabel, pin, sessions })
    const sections: string[] = []
    for (const [algorithm, name] of [
      ['P-256', 'ec'],
      ['RSA-2048', 'rsa'],
    ] as const) {
      const signer = await keyring.create(name, algorithm)
      sections.push(await compare(algorithm, signer, () => runLoop(loop, name, sessions), rounds, sessions))
    }
    return sections.join('\n\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(
  algorithm: KeyAlgorithm,
  signer: Signer,
  loop: () => Promise<number>,
  rounds: number,
  sessions: number,
): Promise<string> {
  const peer = `C, ${sessions} sessions, ${sessions} threads`
  const [ours, theirs]: [number[], number[]] = [[], []]
  const delays: IntervalHistogram[] = []
  await signFor(signer, 500)
  for (let round = 0; round < rounds; round++) {
    theirs.push(await loop())
    // A new one each time: one that was disabled counts the time in between.
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    ours.push(await signFor(signer, roundMilliseconds))
    delay.disable()
    delays.push(delay)
  }
  const table = formatTable(
    [measurementOf(`pkcs11Keyring, ${sessions} sessions, ${callers} callers`, ours), measurementOf(peer, theirs)],
    [peer],
  )
  return `### ${algorithm}\n\n${table}\n\nEvent loop delay meanwhile, median round's p50 / p99, max of all: ${delayOf(delays)}. Ours hash 600 octets, encode, and hand every signature to a caller of its own; the loop signs one digest again and again.`
}

/** Signatures per second. */
async function signFor(signer: Signer, milliseconds: number): Promise<number> {
  const start = performance.now()
  let count = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() - start < milliseconds) {
        await signer.sign(message)
        count += 1
      }
    }),
  )
  return (count / (performance.now() - start)) * 1000
}

async function runLoop(program: string, keyLabel: string, sessions: number): Promise<number> {
  const args = [module, tokenLabel, pin, keyLabel, `${sessions}`, `${roundMilliseconds}`]
  // Not waited for by blocking: that would be seen in the event loop's delay.
  const { stdout } = await promisify(execFile)(program, args)
  const [signatures, seconds] = stdout.split(' ').map(Number)
  return signatures! / seconds!
}

function makeToken(folder: string): void {
  const configuration = join(folder, 'softhsm2.conf')
  const tokens = join(folder, 'tokens')
  mkdirSync(tokens)
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  process.env['SOFTHSM2_CONF'] = configuration
  const args = ['--init-token', '--free', '--label', tokenLabel, '--pin', pin, '--so-pin', '5678']
  execFileSync('softhsm2-util', args, { stdio: 'ignore' })
}

function measurementOf(name: string, byRound: readonly number[]): Measurement {
  const rates = byRound.toSorted((a, b) => a - b)
  return { name, rates, byRound, rate: median(rates) }
}

function delayOf(delays: readonly IntervalHistogram[]): string {
  const middle = (percentile: number): number =>
    median(delays.map(delay => delay.percentile(percentile)).toSorted((a, b) => a - b))
  const most = Math.max(...delays.map(({ max }) => max))
  return `${[middle(50), middle(99), most].map(nanoseconds => (nanoseconds / 1e6).toFixed(1)).join(' / ')} ms`
}
