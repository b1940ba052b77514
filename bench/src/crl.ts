import 'reflect-metadata'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type CrlReason, fileKeyring, openFleet } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import * as peculiar from '@peculiar/x509'
import type { CrlChildReport } from './crl-child.ts'
import { goCrlTimes } from './go-crl-peer.ts'
import { median } from './measure.ts'
import { filledOwner, fillFile } from './revoke-fill.ts'

/** A quarter of the entries has each. */
export const filledReasons: readonly CrlReason[] = [
  'unspecified',
  'keyCompromise',
  'superseded',
  'cessationOfOperation',
]

/** A full CRL of `rows` revoked certificates, from the SQLite store and back into it, beside what others need whose entries are in memory. */
export async function benchCrl({
  rows = 1_000_000,
  rounds = 3,
}: {
  rows?: number
  rounds?: number
} = {}): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  try {
    await fillCrlFile(directory, rows)
    const ours = runCrlChild(directory, rounds + 1)
    const go = goCrlTimes(rows, rounds)
    const [first, ...later] = ours.rounds
    const goMedian = go && medianOf(go.milliseconds)
    const lines = [
      '| what | entries | seconds | × Go | MB | event loop held at most | peak RSS |',
      '| --- | --- | --- | --- | --- | --- | --- |',
    ]
    const row = (name: string, entries: number, milliseconds: number, octets: number, rest: string): void => {
      const ratio = goMedian === undefined || entries < rows ? '' : (milliseconds / goMedian).toFixed(3)
      const cells = [name, count(entries), (milliseconds / 1000).toFixed(2), ratio, (octets / 1e6).toFixed(1), rest]
      lines.push(`| ${cells.join(' | ')} |`)
    }
    const peak = `${Math.round(ours.peakMebibytes)} MiB (${Math.round(ours.baseMebibytes)} before)`
    const held = (all: CrlChildReport['rounds']): string =>
      `${Math.max(...all.map(({ delayMilliseconds }) => delayMilliseconds)).toFixed(1)} ms`
    row('fleetcert, the first CRL', rows, first!.milliseconds, first!.octets, `${held([first!])} | ${peak}`)
    row(
      `fleetcert, after one more revocation (median of ${later.length})`,
      rows,
      medianOf(later.map(({ milliseconds }) => milliseconds)),
      later.at(-1)!.octets,
      `${held(later)} | ${peak}`,
    )
    if (go !== undefined) {
      row(`${go.version} CreateRevocationList, entries in memory`, rows, goMedian!, go.octets, '| ')
    }
    opensslRows(directory, row)
    const growth: number[] = []
    for (const entries of [2000, 8000]) {
      const [milliseconds, octets] = await peculiarCrl(entries)
      growth.push(milliseconds)
      row('@peculiar/x509, entries in memory', entries, milliseconds, octets, '| ')
    }
    const slice = `The longest slice of a fleetcert CRL takes ${ours.sliceMilliseconds.toFixed(1)} ms of the processor.`
    const times = (growth[1]! / growth[0]!).toFixed(1)
    return `${lines.join('\n')}\n\n${slice} For four times as many entries @peculiar/x509 takes ${times} times as long.`
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const count = (value: number): string => value.toLocaleString('en-US')
const medianOf = (values: readonly number[]): number => median(values.toSorted((a, b) => a - b))

/** In a new SQLite file of the folder: certificates as issuing leaves them, and their revocations as revoking does: the triggers of the store see each. */
export async function fillCrlFile(directory: string, rows: number): Promise<void> {
  const begin = performance.now()
  const file = join(directory, 'fleet.db')
  const fleet = await openFleet({
    store: sqliteStore({ file }),
    keyring: fileKeyring(join(directory, 'keys')),
    background: false,
  })
  await fleet.enroll('first')
  await fleet.close()
  fillFile(file, rows, { owner: filledOwner, prefix: 'crl' })
  const database = new DatabaseSync(file)
  database.exec('PRAGMA synchronous = OFF')
  const cases = filledReasons.map((reason, index) => `WHEN ${index} THEN '${reason}'`).join(' ')
  database
    .prepare(
      `UPDATE certificates SET revocation_date = ?, reason = CASE ordinal % 4 ${cases} END, revocation_order = ordinal
       WHERE owner = ?`,
    )
    .run(Date.now(), filledOwner)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  process.stderr.write(`filled in ${Math.round((performance.now() - begin) / 1000)} s\n`)
}

/** Makes so many CRLs of the folder's fleet, in a process of its own. */
export function runCrlChild(directory: string, rounds: number): CrlChildReport {
  const script = join(import.meta.dirname, 'crl-child.ts')
  const run = spawnSync(process.execPath, [...process.execArgv, script, directory, String(rounds)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (run.status !== 0) throw new Error(`the process that makes the CRL ended with ${run.status}`)
  return JSON.parse(run.stdout)
}

type AddRow = (name: string, entries: number, milliseconds: number, octets: number, rest: string) => void

/** `openssl ca -gencrl` reads its index, a text file, and writes PEM: fewer entries, for it takes long. */
function opensslRows(directory: string, row: AddRow): void {
  const version = spawnSync('openssl', ['version'], { encoding: 'utf8' })
  if (version.error !== undefined) {
    process.stderr.write('openssl is not installed: its row is missing\n')
    return
  }
  const entries = 20_000
  const path = (name: string): string => join(directory, name)
  const names = ['unspecified', 'keyCompromise', 'superseded', 'cessationOfOperation']
  const index = Array.from({ length: entries }, (_, each) => {
    const serial = randomBytes(16)
    serial[0] = (serial[0]! & 0x7f) | 1
    const reason = names[each % 4] === 'unspecified' ? '' : `,${names[each % 4]}`
    return `R\t361231235959Z\t261101000000Z${reason}\t${serial.toString('hex').toUpperCase()}\tunknown\t/CN=${each}\n`
  })
  writeFileSync(path('index.txt'), index.join(''))
  writeFileSync(path('crlnumber'), '01\n')
  writeFileSync(
    path('ca.cnf'),
    `[ca]\ndefault_ca=a\n[a]\ndatabase=${path('index.txt')}\ncrlnumber=${path('crlnumber')}\ndefault_md=sha256\ndefault_crl_days=7\n`,
  )
  const openssl = (...args: string[]): void => {
    const run = spawnSync('openssl', args, { encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`openssl ${args[0]}: ${run.stderr}`)
  }
  const newCa = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=bench']
  openssl('req', '-x509', ...newCa, '-keyout', path('k.pem'), '-out', path('c.pem'))
  const begin = performance.now()
  openssl(
    'ca',
    '-config',
    path('ca.cnf'),
    '-gencrl',
    '-keyfile',
    path('k.pem'),
    '-cert',
    path('c.pem'),
    '-out',
    path('crl.pem'),
  )
  const milliseconds = performance.now() - begin
  openssl('crl', '-in', path('crl.pem'), '-outform', 'DER', '-out', path('crl.der'))
  row(
    `${version.stdout.trim().split(' ').slice(0, 2).join(' ')} ca -gencrl, from its index file`,
    entries,
    milliseconds,
    0,
    '| ',
  )
}

async function peculiarCrl(entries: number): Promise<[milliseconds: number, octets: number]> {
  peculiar.cryptoProvider.set(crypto as never)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const list = Array.from({ length: entries }, () => ({
    serialNumber: randomBytes(16).toString('hex'),
    revocationDate: new Date(),
    reason: peculiar.X509CrlReason.superseded,
  }))
  const begin = performance.now()
  const crl = await peculiar.X509CrlGenerator.create({
    issuer: 'CN=bench',
    thisUpdate: new Date(),
    nextUpdate: new Date(Date.now() + 7 * 86_400_000),
    entries: list,
    signingAlgorithm: algorithm,
    signingKey: privateKey,
  })
  return [performance.now() - begin, crl.rawData.byteLength]
}
