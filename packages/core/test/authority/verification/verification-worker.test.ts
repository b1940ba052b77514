import { execFile } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import {
  createCertificationRequest,
  type MessageSigner,
  parseCertificationRequest,
  softwareSigner,
} from '@fleetcert/x509'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createVerification } from '../../../src/authority/verification/verification.ts'
import {
  packJobs,
  unpackJobs,
  type VerificationHash,
  type VerificationJob,
} from '../../../src/authority/verification/verification-message.ts'
import { VerificationWorker } from '../../../src/authority/verification/verification-worker.ts'

/** The threads that were started. */
const workers = vi.hoisted(() => [] as Worker[])
/** Makes the next ones fail to start. */
const refusal = vi.hoisted(() => ({ error: undefined as Error | undefined }))
vi.mock('node:worker_threads', async load => {
  const original = await load<typeof import('node:worker_threads')>()
  return {
    ...original,
    Worker: class extends original.Worker {
      constructor(...args: ConstructorParameters<typeof original.Worker>) {
        if (refusal.error !== undefined) throw refusal.error
        super(...args)
        workers.push(this)
      }
    },
  }
})
beforeEach(() => {
  workers.length = 0
  refusal.error = undefined
})
afterEach(async () => {
  for (const worker of workers) await worker.terminate()
})

const keys: Record<string, () => KeyObject> = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  Ed25519: () => generateKeyPairSync('ed25519').privateKey,
  RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
}
const hashes: Record<string, VerificationHash> = { 'P-256': 'sha256', 'P-384': 'sha384', Ed25519: null, RSA: 'sha256' }

const forged = (octets: Uint8Array): Uint8Array =>
  Uint8Array.from(octets, (octet, index) => (index === octets.length - 1 ? octet ^ 1 : octet))

const csrOf = (signer: MessageSigner): Promise<Uint8Array> =>
  createCertificationRequest({ subject: [[{ type: 'CN', value: 'x' }]], signer })

async function started(): Promise<VerificationWorker> {
  const ready = Promise.withResolvers<void>()
  const worker = new VerificationWorker({ onReady: ready.resolve, onEnd: ready.reject })
  await ready.promise
  return worker
}

describe('the messages', () => {
  it('say what was packed', () => {
    const octets = fc.uint8Array({ maxLength: 300 })
    const job = fc.record({
      hash: fc.constantFrom<VerificationHash>('sha256', 'sha384', 'sha512', null),
      key: fc.oneof(octets, fc.nat(0xffff_ffff)),
      message: octets,
      signature: octets,
    })
    fc.assert(
      fc.property(fc.array(job), jobs => {
        const plain = (list: Iterable<VerificationJob>): unknown => JSON.parse(JSON.stringify([...list]))
        expect(plain(unpackJobs(packJobs(jobs)))).toEqual(plain(jobs))
      }),
    )
  })
})

describe('the thread', () => {
  it.each(Object.keys(keys))('verifies by %s keys, sent along or kept', async kind => {
    const worker = await started()
    const signer = softwareSigner(keys[kind]!())
    const message = Buffer.from('message')
    const signature = await signer.sign(message)
    const kept = worker.keep(signer.publicKey)
    expect(worker.keep(signer.publicKey)).toBe(kept)
    const hash = hashes[kind]!
    for (const key of [signer.publicKey, kept]) {
      expect(await worker.verify({ hash, key, message, signature })).toBe(true)
      expect(await worker.verify({ hash, key, message, signature: forged(signature) })).toBe(false)
      expect(await worker.verify({ hash, key, message: Buffer.from('massage'), signature })).toBe(false)
      expect(await worker.verify({ hash, key, message, signature: new Uint8Array() })).toBe(false)
    }
  })

  it('says no to keys that cannot be read, and to numbers of keys that it was not told', async () => {
    const worker = await started()
    const signer = softwareSigner(keys['P-256']!())
    const message = Buffer.from('message')
    const signature = await signer.sign(message)
    // A point that is not on the curve.
    const bent = forged(signer.publicKey)
    for (const key of [bent, new Uint8Array(), Uint8Array.of(0x30, 0x80), 7, worker.keep(bent)]) {
      expect(await worker.verify({ hash: 'sha256', key, message, signature })).toBe(false)
    }
    expect(await worker.verify({ hash: 'sha256', key: signer.publicKey, message, signature })).toBe(true)
  })

  it('gives each of many its own answer', async () => {
    const worker = await started()
    const signer = softwareSigner(keys['P-256']!())
    const jobs = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const message = Buffer.from(`message ${index}`)
        const signature = await signer.sign(message)
        return { isGood: index % 3 !== 0, message, signature: index % 3 === 0 ? forged(signature) : signature }
      }),
    )
    const verdicts = await Promise.all(
      jobs.map(({ message, signature }) =>
        worker.verify({ hash: 'sha256', key: signer.publicKey, message, signature }),
      ),
    )
    expect(verdicts).toEqual(jobs.map(({ isGood }) => isGood))
    expect(worker.backlog).toBe(0)
  })

  it('is ended when nobody has needed it for ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const ready = Promise.withResolvers<void>()
      const ended = Promise.withResolvers<void>()
      const worker = new VerificationWorker({ onReady: ready.resolve, onEnd: ended.resolve })
      await ready.promise
      const signer = softwareSigner(keys['P-256']!())
      const message = Buffer.from('message')
      const job = { hash: 'sha256', key: signer.publicKey, message, signature: await signer.sign(message) } as const
      vi.advanceTimersByTime(9000)
      expect(await worker.verify(job)).toBe(true)
      // Counted from the last answer.
      vi.advanceTimersByTime(9999)
      expect(worker.isReady).toBe(true)
      vi.advanceTimersByTime(1)
      expect(worker.isReady).toBe(false)
      await ended.promise
    } finally {
      vi.useRealTimers()
    }
  })

  it('answers nothing, rather than something, once it has ended', async () => {
    const worker = await started()
    const signer = softwareSigner(keys['P-256']!())
    const message = Buffer.from('message')
    const job = { hash: 'sha256', key: signer.publicKey, message, signature: await signer.sign(message) } as const
    const waiting = Array.from({ length: 20 }, () => worker.verify(job))
    const ended = worker.end()
    expect(worker.isReady).toBe(false)
    await ended
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]))
    expect(await worker.verify(job)).toBe(undefined)
  })
})

describe('verification', () => {
  /** Keeps so many under way that the thread is worth it, and waits for it. */
  async function busy(verification: ReturnType<typeof createVerification>): Promise<() => void> {
    const done = Promise.withResolvers<void>()
    for (let index = 0; index < 8; index++) void verification.count(() => done.promise)
    const csr = parseCertificationRequest(await csrOf(softwareSigner(keys['P-256']!())))
    await verification.proofOfPossession(csr)
    await vi.waitFor(() => expect(verification.proofOfPossession(csr)).toBeInstanceOf(Promise))
    return done.resolve
  }

  it('starts no thread for a few at a time, nor where there is one core', async () => {
    const csr = parseCertificationRequest(await csrOf(softwareSigner(keys['P-256']!())))
    for (const [cores, calls] of [
      [8, 3],
      [1, 20],
    ] as const) {
      const verification = createVerification({ cores })
      const done = Promise.withResolvers<void>()
      for (let index = 0; index < calls; index++) void verification.count(() => done.promise)
      expect(verification.proofOfPossession(csr)).toBe(undefined)
      done.resolve()
      await verification.close()
    }
    expect(workers).toEqual([])
  })

  it.each(Object.keys(keys))('judges proofs of possession by %s keys in the thread as here', async kind => {
    const verification = createVerification({ cores: 2 })
    const done = await busy(verification)
    const csr = parseCertificationRequest(await csrOf(softwareSigner(keys[kind]!())))
    await verification.proofOfPossession(csr)
    await expect(
      (async () => verification.proofOfPossession({ ...csr, signature: forged(csr.signature) }))(),
    ).rejects.toMatchObject({ code: 'ERR_PKI_CSR_SIGNATURE' })
    await expect(
      (async () => verification.proofOfPossession({ ...csr, signatureAlgorithm: 'ecdsa-with-SHA512' }))(),
    ).rejects.toMatchObject({ code: 'ERR_PKI_CSR_SIGNATURE' })
    done()
    await verification.close()
  })

  it('judges the signer in the thread as here', async () => {
    const verification = createVerification({ cores: 2 })
    const done = await busy(verification)
    const signer = softwareSigner(keys['P-256']!())
    const message = Buffer.from('message')
    const signature = await signer.sign(message)
    const verdict = verification.ownSignature(signer, message, signature)
    expect(verdict).toBeInstanceOf(Promise)
    expect(await verdict).toBe(true)
    expect(await verification.ownSignature(signer, message, forged(signature))).toBe(false)
    done()
    await verification.close()
  })

  it('goes on without the thread when that dies with work in hand', async () => {
    const verification = createVerification({ cores: 2 })
    const done = await busy(verification)
    const csr = parseCertificationRequest(await csrOf(softwareSigner(keys['P-256']!())))
    const good = Array.from({ length: 12 }, () => verification.proofOfPossession(csr))
    const bad = (async () => verification.proofOfPossession({ ...csr, signature: forged(csr.signature) }))()
    await Promise.all([
      workers[0]!.terminate(),
      Promise.all(good),
      expect(bad).rejects.toMatchObject({ code: 'ERR_PKI_CSR_SIGNATURE' }),
    ])
    done()
    await verification.close()
  })

  it('goes without where threads are not allowed, and does not ask again', async () => {
    refusal.error = new Error('not allowed')
    const verification = createVerification({ cores: 2 })
    const done = Promise.withResolvers<void>()
    for (let index = 0; index < 8; index++) void verification.count(() => done.promise)
    const csr = parseCertificationRequest(await csrOf(softwareSigner(keys['P-256']!())))
    expect(verification.proofOfPossession(csr)).toBe(undefined)
    refusal.error = undefined
    expect(verification.proofOfPossession(csr)).toBe(undefined)
    expect(workers).toEqual([])
    done.resolve()
    await verification.close()
  })
})

describe('a process that issues much and closes nothing', () => {
  const program = `
    import { generateKeyPairSync } from 'node:crypto'
    import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
    import { createCertificationRequest, softwareSigner } from '@fleetcert/x509'
    const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const signer = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const csr = await createCertificationRequest({ subject: [], signer })
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 40 }, (_, index) => fleet.enroll('device-' + round + '-' + index, { csr })))
    }
    console.log('issued', process.getActiveResourcesInfo().includes('MessagePort'))`
  const run = promisify(execFile)

  it('ends by itself, with its work done', async () => {
    const { stdout } = await run(process.execPath, [...options, '--input-type=module', '--eval', program], { cwd })
    expect(stdout).toBe('issued false\n')
  })

  it('issues where it may not have threads', async () => {
    const permission = ['--permission', '--allow-fs-read=*']
    const { stdout } = await run(
      process.execPath,
      [...permission, ...options, '--input-type=module', '--eval', program],
      { cwd },
    )
    expect(stdout).toBe('issued false\n')
  })

  const options = ['--conditions=fleetcert-source', '--disable-warning=ExperimentalWarning']
  const cwd = new URL('../../..', import.meta.url)
})

describe('a fleet with many enrolments at a time', () => {
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    return () => fleet.close()
  })

  it('refuses the forged requests among them and no other, whoever verifies', async () => {
    const csrs = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const csr = await csrOf(softwareSigner(keys['P-256']!()))
        return index % 10 === 3 ? forged(csr) : csr
      }),
    )
    for (let round = 0; round < 3; round++) {
      const results = await Promise.allSettled(
        csrs.map((csr, index) => fleet.enroll(`device-${round}-${index}`, { csr })),
      )
      results.forEach((result, index) => {
        if (index % 10 !== 3) expect(result.status).toBe('fulfilled')
        else expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_PKI_CSR_SIGNATURE' } })
      })
      await vi.waitFor(() => expect(workers.length).toBeGreaterThan(0))
      if (round === 1) await workers[0]!.terminate()
    }
  })
})
