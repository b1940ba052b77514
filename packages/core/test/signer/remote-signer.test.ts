import { createPublicKey, verify } from 'node:crypto'
import {
  memoryKeyring,
  memoryStore,
  openFleet,
  type RemoteSignRequest,
  remoteKeyring,
  remoteSigner,
  type Signer,
} from '@fleetcert/core'
import { testSigner } from '@fleetcert/core/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SigningServer, signerAt, startSigningServer } from './signing-server.ts'

testSigner(
  { describe, it },
  {
    algorithms: ['P-256', 'P-384', 'Ed25519', 'RSA-2048'],
    async create() {
      const server = await startSigningServer()
      const create = async (name: string, algorithm: Parameters<typeof server.create>[1]): Promise<Signer> => {
        server.create(name, algorithm)
        return signerAt(server, name)
      }
      const remove = async (name: string): Promise<void> => server.delete(name)
      return {
        keyring: remoteKeyring({}, { create, delete: remove }),
        reopen: async () =>
          remoteKeyring(
            Object.fromEntries([...server.keys.keys()].map(name => [name, async () => signerAt(server, name)])),
          ),
        dispose: () => server.close(),
      }
    },
  },
)

const message = new TextEncoder().encode('to be signed')
let server: SigningServer

beforeEach(async () => {
  server = await startSigningServer()
  server.create('key', 'P-256')
})
afterEach(async () => {
  await server.close()
})

describe('a remote signer and faults', () => {
  it('asks again after 500, 503 and a cut connection', async () => {
    server.faults.push({ status: 500 }, 'cut', { status: 503 })
    await expectSigned(signerAt(server, 'key'))
    expect(server.requests).toHaveLength(4)
  })

  it('asks again where an attempt hangs, and the place of the one that hangs is free', async () => {
    server.faults.push('hang')
    await expectSigned(signerAt(server, 'key', { attemptTimeoutSeconds: 0.3, maxConcurrent: 1 }))
    expect(server.requests).toHaveLength(2)
    await vi.waitFor(() => expect(server.abandoned()).toBe(1))
  })

  it('gives up an attempt that pays no heed to its signal', async () => {
    let calls = 0
    const real = signerAt(server, 'key')
    const signer = remoteSigner({
      publicKey: real.publicKey,
      attemptTimeoutSeconds: 0.1,
      maxConcurrent: 1,
      retries: 1,
      sign: () => {
        calls += 1
        return new Promise(() => {})
      },
    })
    await expect(signer.sign(message)).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER' })
    expect(calls).toBe(2)
  })

  it('gives up when the time is over, whatever was tried', async () => {
    server.faults.push('hang', 'hang', 'hang', 'hang', 'hang')
    const signer = signerAt(server, 'key', { timeoutSeconds: 0.5, attemptTimeoutSeconds: 10 })
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_SIGNER',
      details: { reason: 'no signature in time' },
    })
    await vi.waitFor(() => expect(server.abandoned()).toBe(1))
  })

  it('asks once where asking again changes nothing, and tells why in the cause alone', async () => {
    server.faults.push({ status: 400 })
    const error = await signerAt(server, 'key')
      .sign(message)
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'ERR_PKI_SIGNER', cause: { message: 'refused by account 4711' } })
    expect(String(error)).not.toContain('4711')
    expect(server.requests).toHaveLength(1)
  })

  it('does not come back before it was told to', async () => {
    server.faults.push({ status: 429, retryAfterSeconds: 0.5 })
    const signer = signerAt(server, 'key', { maxConcurrent: 1 })
    await Promise.all([expectSigned(signer), expectSigned(signer)])
    const [refused, ...later] = server.requests.map(({ at }) => at)
    expect(later).toHaveLength(2)
    for (const at of later) expect(at - refused!).toBeGreaterThanOrEqual(500)
  })

  it('says when to ask again, at once, where it was told to wait longer than the caller would', async () => {
    server.faults.push({ status: 503, retryAfterSeconds: 40 })
    const signer = signerAt(server, 'key')
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_SIGNER_BUSY',
      details: { retryAfterSeconds: 40 },
    })
    await expect(signer.sign(message)).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER_BUSY' })
    expect(server.requests).toHaveLength(1)
  })

  it('comes back after an outage that many met', async () => {
    server.faults.push(...Array.from({ length: 12 }, () => ({ status: 502 })))
    const signer = signerAt(server, 'key', { retries: 12 })
    await Promise.all(Array.from({ length: 8 }, () => expectSigned(signer)))
    expect(server.requests).toHaveLength(20)
  })
})

describe('a remote signer under load', () => {
  it('has no more requests under way than allowed', async () => {
    const signer = signerAt(server, 'key', { maxConcurrent: 3 })
    await Promise.all(Array.from({ length: 20 }, () => expectSigned(signer)))
    expect(server.mostAtOnce()).toBe(3)
  })

  it('refuses at once what finds the queue full, and what the rate would not let through in time', async () => {
    const release = server.hold()
    const signer = signerAt(server, 'key', { maxConcurrent: 1, maxQueued: 2 })
    const signed = Array.from({ length: 3 }, () => expectSigned(signer))
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_SIGNER_BUSY',
      details: { retryAfterSeconds: 1 },
    })
    release()
    await Promise.all(signed)

    const slow = signerAt(server, 'key', { maxPerSecond: 0.01 })
    await expectSigned(slow)
    await expect(slow.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_SIGNER_BUSY',
      details: { retryAfterSeconds: 100 },
    })
  })

  it('says when to ask again to those who have waited in vain', async () => {
    const signer = signerAt(server, 'key', { maxConcurrent: 1, timeoutSeconds: 1 })
    // Whatever is done once is done: both calls are given up at the same moment.
    await expectSigned(signer)
    const release = server.hold()
    const [given, waiting] = await Promise.allSettled([signer.sign(message), signer.sign(message)])
    expect(given).toMatchObject({ reason: { code: 'ERR_PKI_SIGNER', details: { reason: 'no signature in time' } } })
    expect(waiting).toMatchObject({ reason: { code: 'ERR_PKI_SIGNER_BUSY', details: { retryAfterSeconds: 1 } } })
    release()
  })

  it('lets requests go together where the remote end signs several', async () => {
    const signer = signerAt(server, 'key', { maxBatch: 16, maxConcurrent: 2 })
    const messages = Array.from({ length: 64 }, (_, index) => Uint8Array.of(index))
    const signatures = await Promise.all(messages.map(each => signer.sign(each)))
    for (const [index, signature] of signatures.entries())
      expect(isSigned(signer, messages[index]!, signature)).toBe(true)
    expect(server.requests.map(({ signatures }) => signatures)).toEqual([16, 16, 16, 16])
    // Alone it goes by `sign`.
    await expectSigned(signer)
  })

  it('asks again for a batch that failed', async () => {
    server.faults.push({ status: 500 }, 'cut')
    const signer = signerAt(server, 'key', { maxBatch: 16 })
    await Promise.all(Array.from({ length: 10 }, () => expectSigned(signer)))
  })

  it('refuses a batch with another number of answers', async () => {
    const { publicKey } = signerAt(server, 'key')
    const signer = remoteSigner({
      publicKey,
      sign: async () => new Uint8Array(),
      signMany: async () => [new Uint8Array()],
    })
    const all = await Promise.allSettled([signer.sign(message), signer.sign(message)])
    expect(all).toMatchObject([{ reason: { code: 'ERR_PKI_SIGNER' } }, { reason: { code: 'ERR_PKI_SIGNER' } }])
  })
})

describe('a caller that goes away', () => {
  it('ends the request that was made for it, and its place is free', async () => {
    const release = server.hold()
    const signer = signerAt(server, 'key', { maxConcurrent: 1 })
    const controller = new AbortController()
    const given = signer.sign(message, { signal: controller.signal })
    const waiting = signer.sign(message, { signal: controller.signal })
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    const other = expectSigned(signer)
    const reason = new Error('given up')
    controller.abort(reason)
    await expect(given).rejects.toBe(reason)
    await expect(waiting).rejects.toBe(reason)
    await vi.waitFor(() => expect(server.abandoned()).toBe(1))
    release()
    await other
    expect(server.requests).toHaveLength(2)
  })

  it('leaves the others of a batch their signatures', async () => {
    const release = server.hold()
    const signer = signerAt(server, 'key', { maxBatch: 16 })
    const controller = new AbortController()
    const given = signer.sign(message, { signal: controller.signal })
    const others = [expectSigned(signer), expectSigned(signer)]
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    controller.abort(new Error('given up'))
    await expect(given).rejects.toThrow('given up')
    release()
    await Promise.all(others)
    expect(server.requests).toHaveLength(1)
  })
})

describe('what a remote end answers', () => {
  const answering = (answer: unknown, more: object = {}): Signer =>
    remoteSigner({ publicKey: signerAt(server, 'key').publicKey, sign: async () => answer as Uint8Array, ...more })

  it.each([
    ['nothing', undefined, {}],
    ['text', 'MEUCIQ==', {}],
    ['no octets', new Uint8Array(), {}],
    ['a pair where DER was announced', new Uint8Array(64).fill(7), {}],
    ['too much', new Uint8Array(200).fill(0x30), {}],
    ['DER where a pair was announced', Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1), { dsaEncoding: 'ieee-p1363' }],
    ['the pair of a larger curve', new Uint8Array(96).fill(7), { dsaEncoding: 'ieee-p1363' }],
  ])('is refused where it is %s', async (_, answer, more) => {
    await expect(answering(answer, more).sign(message)).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER' })
  })

  it('is refused for RSA and Ed25519 where its length is another', async () => {
    server.create('rsa', 'RSA-2048')
    server.create('ed', 'Ed25519')
    for (const name of ['rsa', 'ed']) {
      const { publicKey } = signerAt(server, name)
      const signer = remoteSigner({ publicKey, sign: async () => new Uint8Array(65) })
      await expect(signer.sign(message)).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER' })
    }
  })

  it.each(['wrong message', 'wrong key'] as const)(
    'becomes no certificate where it is a signature of the %s',
    async fault => {
      const fleet = await openFleet({
        store: memoryStore(),
        keyring: {
          root: memoryKeyring(),
          issuing: remoteKeyring({ ca: signerAt(server, 'key') }, { firstStart: true }),
        },
        background: false,
      })
      server.faults.push(fault)
      await expect(fleet.enroll('sensor-1')).rejects.toMatchObject({
        code: 'ERR_PKI_SIGNER',
        details: { reason: 'the signature does not verify' },
      })
      expect(await fleet.device('sensor-1')).toBeUndefined()
      expect(await Array.fromAsync(fleet.pending())).toHaveLength(1)
      await fleet.enroll('sensor-2')
      server.faults.push({ status: 429, retryAfterSeconds: 77 })
      await expect(fleet.enroll('sensor-3')).rejects.toMatchObject({
        code: 'ERR_PKI_SIGNER_BUSY',
        details: { retryAfterSeconds: 77 },
      })
      await fleet.close()
    },
  )
})

describe('options of a remote signer', () => {
  const sign = async (_: RemoteSignRequest): Promise<Uint8Array> => new Uint8Array()

  it('refuses what means nothing', () => {
    const { publicKey } = signerAt(server, 'key')
    const wrong =
      (options: object): unknown =>
      () =>
        remoteSigner({ publicKey, sign, ...options })
    expect(wrong({ sign: undefined })).toThrow('remoteSigner: sign: expected a function')
    expect(wrong({ maxConcurent: 1 })).toThrow('there is no "maxConcurent"')
    expect(wrong({ publicKey: 5 })).toThrow('remoteSigner: publicKey: expected DER or PEM')
    expect(wrong({ maxConcurrent: 0 })).toThrow(RangeError)
    expect(wrong({ maxPerSecond: 0 })).toThrow(RangeError)
    expect(wrong({ maxQueued: 1.5 })).toThrow(RangeError)
    expect(wrong({ timeoutSeconds: Number.NaN })).toThrow(RangeError)
    expect(wrong({ timeoutSeconds: 1e9 })).toThrow(RangeError)
    expect(wrong({ retries: -1 })).toThrow(RangeError)
    expect(wrong({ dsaEncoding: 'raw' })).toThrow(TypeError)
    expect(wrong({ signMany: 1 })).toThrow(TypeError)
    expect(wrong({ algorithm: 'sha256WithRSAEncryption' })).toThrow(
      expect.objectContaining({ code: 'ERR_PKI_ALGORITHM' }),
    )
    expect(wrong({ publicKey: new Uint8Array(3) })).toThrow(expect.objectContaining({ code: 'ERR_PKI_DER' }))
  })

  it('takes PEM, and another algorithm of the key', async () => {
    const { publicKey } = signerAt(server, 'key')
    const pem = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }).export({
      type: 'spki',
      format: 'pem',
    })
    const hashes: unknown[] = []
    const signer = remoteSigner({
      publicKey: pem.toString(),
      algorithm: 'ecdsa-with-SHA384',
      async sign({ hash }) {
        hashes.push(hash)
        return Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1)
      },
    })
    expect(signer.publicKey).toEqual(publicKey)
    await signer.sign(message)
    expect(hashes).toEqual(['sha384'])
  })
})

async function expectSigned(signer: Signer): Promise<void> {
  expect(isSigned(signer, message, await signer.sign(message))).toBe(true)
}

function isSigned({ publicKey }: Signer, signed: Uint8Array, signature: Uint8Array): boolean {
  return verify(
    'sha256',
    signed,
    createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }),
    signature,
  )
}
