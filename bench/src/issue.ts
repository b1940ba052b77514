import 'reflect-metadata'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify, webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCertificationRequest, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { softwareSigner } from '@fleetcert/x509'
import * as peculiar from '@peculiar/x509'
import { type Contestant, formatTable, measureInTurn } from './measure.ts'

interface Sample {
  readonly csr: Uint8Array
  readonly spki: Uint8Array
  readonly key: KeyObject
}

/** CSR → certificate, beside what the signatures alone cost and beside @peculiar/x509. Every CSR has a key of its own, as in a real fleet. */
export async function benchIssue({
  count = 2000,
  rounds = 5,
}: {
  count?: number
  rounds?: number
} = {}): Promise<string> {
  const samples = await Promise.all(Array.from({ length: count }, makeSample))
  const message = Buffer.alloc(400, 7)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signature = sign('sha256', message, privateKey)

  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const memory = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
  const sqlite = await openFleet({
    store: sqliteStore({ file: join(directory, 'fleet.db') }),
    keyring: memoryKeyring(),
    background: false,
  })
  let device = 0
  const issue = (fleet: Fleet) => async (units: number) => {
    for (let unit = 0; unit < units; unit += 1) {
      device += 1
      await fleet.enroll(`device-${device}`, { csr: samples[unit]!.csr })
    }
  }
  const floor = (units: number): void => {
    for (let unit = 0; unit < units; unit += 1) {
      const key = createPublicKey({ key: Buffer.from(samples[unit]!.spki), format: 'der', type: 'spki' })
      verify('sha256', message, key, sampleSignature(samples[unit]!, message))
      verify('sha256', message, publicKey, sign('sha256', message, privateKey))
    }
  }
  const contestants: Contestant[] = [
    {
      name: 'bare P-256 sign',
      count: count * 5,
      run: units => times(units, () => sign('sha256', message, privateKey)),
    },
    {
      name: 'bare P-256 verify',
      count: count * 2,
      run: units => times(units, () => verify('sha256', message, publicKey, signature)),
    },
    { name: 'floor: import key, verify, sign, verify', count, run: floor },
    { name: 'fleetcert, memory store', count, run: issue(memory) },
    { name: 'fleetcert, SQLite (synchronous=FULL)', count: Math.ceil(count / 4), run: issue(sqlite) },
    await peculiarIssuer(samples, Math.ceil(count / 8)),
  ]
  for (const sample of samples) sampleSignature(sample, message)
  try {
    const measurements = await measureInTurn(contestants, rounds)
    return formatTable(measurements, ['floor: import key, verify, sign, verify', '@peculiar/x509, bare issuing'])
  } finally {
    await memory.close()
    await sqlite.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function times(units: number, work: () => unknown): void {
  for (let unit = 0; unit < units; unit += 1) work()
}

const signatures = new WeakMap<Sample, Uint8Array>()
function sampleSignature(sample: Sample, message: Uint8Array): Uint8Array {
  let signature = signatures.get(sample)
  if (signature === undefined) {
    signature = sign('sha256', message, sample.key)
    signatures.set(sample, signature)
  }
  return signature
}

async function makeSample(): Promise<Sample> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = softwareSigner(privateKey)
  const csr = await createCertificationRequest({ subject: [[{ type: 'CN', value: 'bench' }]], signer })
  return { csr, spki: signer.publicKey, key: privateKey }
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
    name: '@peculiar/x509, bare issuing',
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
