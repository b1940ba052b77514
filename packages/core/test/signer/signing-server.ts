import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KeyAlgorithm, type RemoteSignRequest, remoteSigner, type Signer } from '@fleetcert/core'
import { signDigest } from '../../../../test-support/sign-digest.ts'

/** What becomes of a request instead of an answer. */
export type Fault =
  | 'hang'
  | 'cut'
  | 'wrong message'
  | 'wrong key'
  | { readonly status: number; readonly retryAfterSeconds?: number }

/** A signing service: keys that never leave it, 50 ms away. */
export interface SigningServer {
  readonly url: string
  /** Names of its keys. */
  readonly keys: ReadonlyMap<string, KeyObject>
  /** What becomes of the next requests, one after the other; then they are answered. */
  readonly faults: Fault[]
  /** Every request: how many signatures it asked for. */
  readonly requests: { readonly signatures: number; readonly at: number }[]
  /** How many requests were under way at a time, at the most. */
  readonly mostAtOnce: () => number
  /** How many requests ended because the caller went away. */
  readonly abandoned: () => number
  /** Requests wait until what is returned is called. */
  hold(): () => void
  create(name: string, algorithm: KeyAlgorithm): void
  delete(name: string): void
  close(): Promise<void>
}

const latencyMs = 50

export async function startSigningServer(): Promise<SigningServer> {
  const keys = new Map<string, KeyObject>()
  const faults: Fault[] = []
  const requests: { signatures: number; at: number }[] = []
  let running = 0
  let most = 0
  let abandoned = 0
  let held: Promise<void> = Promise.resolve()

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { key, wanted } = JSON.parse(Buffer.concat(chunks).toString()) as { key: string; wanted: Wanted[] }
    requests.push({ signatures: wanted.length, at: performance.now() })
    const fault = faults.shift()
    await sleep(latencyMs)
    await held
    if (fault === 'hang') return
    if (fault === 'cut') {
      request.socket.destroy()
      return
    }
    if (typeof fault === 'object') {
      const { status, retryAfterSeconds } = fault
      response.writeHead(status).end(JSON.stringify({ retryAfterSeconds }))
      return
    }
    const privateKey = fault === 'wrong key' ? makeKey('P-256') : keys.get(key)
    if (privateKey === undefined) {
      response.writeHead(404).end('{}')
      return
    }
    const signatures = wanted.map(each => signatureOf(privateKey, each, fault === 'wrong message'))
    response.end(JSON.stringify({ signatures: signatures.map(each => Buffer.from(each).toString('base64')) }))
  }

  const server = createServer((request, response) => {
    running += 1
    most = Math.max(most, running)
    response.on('close', () => {
      running -= 1
      if (!response.writableFinished) abandoned += 1
    })
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    keys,
    faults,
    requests,
    mostAtOnce: () => most,
    abandoned: () => abandoned,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    create: (name, algorithm) => void keys.set(name, makeKey(algorithm)),
    delete: name => void keys.delete(name),
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Options = Partial<Parameters<typeof remoteSigner>[0]>

/** Asks the server for signatures, as an application would. */
export function signerAt({ url, keys }: SigningServer, key: string, options: Options = {}): Signer {
  const ask = async (wanted: readonly RemoteSignRequest[], signal: AbortSignal): Promise<Uint8Array[]> => {
    const body = JSON.stringify({
      key,
      wanted: wanted.map(({ hash, digest, message }) => ({
        hash,
        octets: Buffer.from(digest ?? message!).toString('base64'),
      })),
    })
    const response = await fetch(url, { method: 'POST', body, signal })
    const answer = (await response.json()) as { signatures: string[]; retryAfterSeconds?: number }
    if (!response.ok) {
      const { status } = response
      throw Object.assign(new Error('refused by account 4711'), { status, retryAfterSeconds: answer.retryAfterSeconds })
    }
    return answer.signatures.map(each => new Uint8Array(Buffer.from(each, 'base64')))
  }
  const privateKey = keys.get(key)!
  return remoteSigner({
    publicKey: publicKeyOf(privateKey),
    dsaEncoding: 'ieee-p1363',
    sign: async (request, { signal }) => (await ask([request], signal))[0]!,
    ...options,
    ...(options.maxBatch === undefined ? {} : { signMany: (wanted, { signal }) => ask(wanted, signal) }),
  })
}

interface Wanted {
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  readonly octets: string
}

function signatureOf(privateKey: KeyObject, { hash, octets }: Wanted, isWrong: boolean): Uint8Array {
  const given = Buffer.from(octets, 'base64')
  if (isWrong) given[0]! ^= 1
  return hash === null ? sign(null, given, privateKey) : signDigest(privateKey, hash, given)
}

function publicKeyOf(privateKey: KeyObject): Uint8Array {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
}

function makeKey(algorithm: KeyAlgorithm): KeyObject {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
      return generateKeyPairSync('ec', { namedCurve: algorithm }).privateKey
    case 'Ed25519':
      return generateKeyPairSync('ed25519').privateKey
    default:
      return generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice(4)) }).privateKey
  }
}
