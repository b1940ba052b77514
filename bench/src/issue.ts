import 'reflect-metadata'
import { createPublicKey, generateKeyPairSync, sign, verify, webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Fleet, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import * as peculiar from '@peculiar/x509'
import { buildGoPeer } from './go-peer.ts'
import { type Contestant, formatTable, type Measurement, measureInTurn, median } from './measure.ts'
import { makeSamples, type Sample } from './samples.ts'

export interface IssueBenchOptions {
  readonly count?: number
  readonly rounds?: number
}

const names = {
  floor: 'floor: import key, verify, sign, verify',
  peculiar: '@peculiar/x509, bare issuing',
} as const

/** CSR → certificate beside what its signatures alone cost and beside what others need for it. */
export async function benchIssue({ count = 4000, rounds = 5 }: IssueBenchOptions = {}): Promise<string> {
  const samples = await makeSamples(count)
  const pinned = process.env['FLEETCERT_BENCH_PINNED'] === '1'
  const workers = pinned ? 1 : availableParallelism()
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const go = buildGoPeer()
  const fleets: Fleet[] = []
  const open = async (store: Store): Promise<Fleet> => {
    const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
    fleets.push(fleet)
    return fleet
  }
  try {
    const memory = await open(memoryStore())
    const sqlite = await open(sqliteStore({ file: join(directory, 'fleet.db') }))
    const measurements: Measurement[] = await measureInTurn(
      [
        ...bareSignatures(count),
        { name: names.floor, count, run: floor(samples) },
        { name: 'fleetcert, memory store', count, run: issue(memory, samples, 1) },
        { name: 'fleetcert, memory store, 64 callers', count, run: issue(memory, samples, 64) },
        { name: 'fleetcert, SQLite (synchronous=FULL)', count: count / 4, run: issue(sqlite, samples, 1) },
        { name: 'fleetcert, SQLite, 64 callers', count, run: issue(sqlite, samples, 64) },
        await peculiarIssuer(samples, count / 8),
      ],
      rounds,
    )
    if (go !== undefined) {
      const csrs = samples.map(({ csr }) => csr)
      for (const threads of new Set([1, workers])) {
        const rates = go.rates(csrs, rounds, threads, pinned).toSorted((a, b) => a - b)
        measurements.push({
          name: `${go.version} crypto/x509, in memory, ${threads} worker${threads > 1 ? 's' : ''}`,
          rates,
          rate: median(rates),
        })
      }
    }
    return formatTable(measurements, [names.floor, names.peculiar])
  } finally {
    for (const fleet of fleets) await fleet.close()
    go?.remove()
    rmSync(directory, { recursive: true, force: true })
  }
}

function bareSignatures(count: number): Contestant[] {
  const message = Buffer.alloc(400, 7)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signature = sign('sha256', message, privateKey)
  const times = (work: () => unknown) => (units: number) => {
    for (let unit = 0; unit < units; unit += 1) work()
  }
  return [
    { name: 'bare P-256 sign', count: count * 4, run: times(() => sign('sha256', message, privateKey)) },
    { name: 'bare P-256 verify', count: count * 2, run: times(() => verify('sha256', message, publicKey, signature)) },
  ]
}

/** What no issuer can leave out: import the CSR's key, verify its proof of possession, sign, and check the signature. */
function floor(samples: readonly Sample[]): Contestant['run'] {
  const message = Buffer.alloc(400, 7)
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const proofs = samples.map(({ privateKey }) => sign('sha256', message, privateKey))
  return units => {
    for (let unit = 0; unit < units; unit += 1) {
      const key = createPublicKey({
        key: Buffer.from(samples[unit]!.subjectPublicKeyInfo),
        format: 'der',
        type: 'spki',
      })
      if (!verify('sha256', message, key, proofs[unit]!)) throw new Error('the proof does not verify')
      if (!verify('sha256', message, issuer.publicKey, sign('sha256', message, issuer.privateKey)))
        throw new Error('the signature does not verify')
    }
  }
}

let device = 0

export function issue(fleet: Fleet, samples: readonly Sample[], callers: number): Contestant['run'] {
  return async units => {
    let next = 0
    const caller = async (): Promise<void> => {
      while (next < units) {
        const { csr } = samples[next]!
        next += 1
        device += 1
        await fleet.enroll(`device-${device}`, { csr })
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
  }
}

/** The same work by the library that people use today: parse the CSR, check its signature, issue with the same extensions. Nothing is stored. */
async function peculiarIssuer(samples: readonly Sample[], count: number): Promise<Contestant> {
  const crypto = webcrypto
  peculiar.cryptoProvider.set(crypto as never)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const notBefore = new Date()
  const notAfter = new Date(notBefore.getTime() + 365 * 86_400_000)
  return {
    name: names.peculiar,
    count,
    async run(units) {
      for (let unit = 0; unit < units; unit += 1) {
        const csr = new peculiar.Pkcs10CertificateRequest(samples[unit]!.csr as unknown as ArrayBuffer)
        if (!(await csr.verify())) throw new Error('the CSR does not verify')
        await peculiar.X509CertificateGenerator.create({
          serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex'),
          subject: `CN=device-${unit}`,
          issuer: 'CN=Bench Issuing CA',
          notBefore,
          notAfter,
          signingAlgorithm: algorithm,
          publicKey: csr.publicKey,
          signingKey: keys.privateKey,
          extensions: [
            new peculiar.KeyUsagesExtension(peculiar.KeyUsageFlags.digitalSignature, true),
            new peculiar.ExtendedKeyUsageExtension([peculiar.ExtendedKeyUsage.clientAuth]),
            await peculiar.SubjectKeyIdentifierExtension.create(csr.publicKey),
            await peculiar.AuthorityKeyIdentifierExtension.create(keys.publicKey),
            new peculiar.SubjectAlternativeNameExtension([
              { type: 'url', value: `urn:fleetcert:device:device-${unit}` },
            ]),
          ],
        })
      }
    },
  }
}
