import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ecdsaSignatureValue } from '@fleetcert/x509'
import { signDigest } from '../../../test-support/sign-digest.ts'
import { crc32c } from '../src/crc32c.ts'

export const token = 'ya29.a0-test'

/** What becomes of a request to sign instead of its answer. */
export type KmsFault =
  | { readonly code: number; readonly status: string; readonly retryAfter?: string }
  | 'damaged request'
  | 'damaged answer'
  | 'another key'

export type KmsAlgorithm =
  | 'EC_SIGN_P256_SHA256'
  | 'EC_SIGN_P384_SHA384'
  | 'EC_SIGN_ED25519'
  | 'RSA_SIGN_PKCS1_2048_SHA256'
  | 'RSA_DECRYPT_OAEP_2048_SHA256'

/** A server that speaks the REST wire format of Cloud KMS and signs with keys of its own. */
export interface KmsServer {
  readonly origin: string
  /** What the next requests to sign are answered. */
  readonly faults: KmsFault[]
  /** How many requests to sign there were. */
  readonly signatures: () => number
  /** Makes a key version; its resource name. */
  createKey(algorithm: KmsAlgorithm): string
  /** What it says of a public key from now on is not what it is. */
  damagePublicKeys(): void
  close(): Promise<void>
}

class KmsError extends Error {
  readonly code: number
  readonly status: string
  constructor(code: number, status: string) {
    super(status)
    this.code = code
    this.status = status
  }
}

export async function startKmsServer(): Promise<KmsServer> {
  const keys = new Map<string, { readonly algorithm: KmsAlgorithm; readonly privateKey: KeyObject }>()
  const faults: KmsFault[] = []
  let signatures = 0
  let isDamaged = false

  const publicKey = (name: string, algorithm: KmsAlgorithm, privateKey: KeyObject): object => {
    const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
    return {
      pem,
      algorithm,
      pemCrc32c: String(crc32c(Buffer.from(isDamaged ? `${pem} ` : pem))),
      name,
      protectionLevel: 'HSM',
    }
  }

  const signature = (
    name: string,
    algorithm: KmsAlgorithm,
    privateKey: KeyObject,
    body: Body,
    fault: KmsFault | undefined,
  ): object => {
    const [hash] = Object.keys(body.digest ?? {}) as ('sha256' | 'sha384')[]
    const wanted = /SHA(\d+)$/.exec(algorithm)?.[1]
    if (
      (hash === undefined ? undefined : `sha${wanted}`) !== hash ||
      (wanted === undefined) !== (body.data !== undefined)
    ) {
      throw new KmsError(400, 'INVALID_ARGUMENT')
    }
    const octets = Buffer.from(hash === undefined ? body.data! : body.digest![hash]!, 'base64')
    const checksum = hash === undefined ? body.dataCrc32c : body.digestCrc32c
    if (checksum !== undefined && checksum !== String(crc32c(octets))) throw new KmsError(400, 'INVALID_ARGUMENT')
    const signed = hash === undefined ? sign(null, octets, privateKey) : signDigest(privateKey, hash, octets)
    const encoded = algorithm.startsWith('EC_SIGN_P') ? ecdsaSignatureValue(signed) : signed
    return {
      signature: Buffer.from(encoded).toString('base64'),
      signatureCrc32c: String((crc32c(encoded) + (fault === 'damaged answer' ? 1 : 0)) % 2 ** 32),
      name: fault === 'another key' ? name.replace(/1$/, '2') : name,
      protectionLevel: 'HSM',
      // Google leaves out what is false.
      ...(fault === 'damaged request'
        ? {}
        : hash === undefined
          ? { verifiedDataCrc32c: true }
          : { verifiedDigestCrc32c: true }),
    }
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const headers: Record<string, string> = { 'content-type': 'application/json; charset=UTF-8' }
    try {
      if (request.headers.authorization !== `Bearer ${token}`) throw new KmsError(401, 'UNAUTHENTICATED')
      const [, name = '', method] =
        /^\/v1\/(.*\/cryptoKeyVersions\/\d+)(\/publicKey|:asymmetricSign)$/.exec(request.url ?? '') ?? []
      const key = keys.get(name)
      if (key === undefined) throw new KmsError(404, 'NOT_FOUND')
      let answer: object
      if (method === '/publicKey') answer = publicKey(name, key.algorithm, key.privateKey)
      else {
        signatures += 1
        const fault = faults.shift()
        if (typeof fault === 'object') {
          if (fault.retryAfter !== undefined) headers['retry-after'] = fault.retryAfter
          throw new KmsError(fault.code, fault.status)
        }
        answer = signature(name, key.algorithm, key.privateKey, JSON.parse(Buffer.concat(chunks).toString()), fault)
      }
      response.writeHead(200, headers).end(JSON.stringify(answer))
    } catch (error) {
      const { code, status } = error instanceof KmsError ? error : new KmsError(500, 'INTERNAL')
      response
        .writeHead(code, headers)
        .end(JSON.stringify({ error: { code, message: `${status} in projects/secret`, status } }))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    signatures: () => signatures,
    createKey(algorithm) {
      const name = `projects/p/locations/europe-west3/keyRings/fleet/cryptoKeys/key-${keys.size}/cryptoKeyVersions/1`
      keys.set(name, { algorithm, privateKey: makeKey(algorithm) })
      return name
    },
    damagePublicKeys() {
      isDamaged = true
    },
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Body {
  readonly digest?: Readonly<Record<string, string>>
  readonly digestCrc32c?: string
  readonly data?: string
  readonly dataCrc32c?: string
}

function makeKey(algorithm: KmsAlgorithm): KeyObject {
  if (algorithm === 'EC_SIGN_ED25519') return generateKeyPairSync('ed25519').privateKey
  if (algorithm.startsWith('RSA')) return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  return generateKeyPairSync('ec', { namedCurve: algorithm === 'EC_SIGN_P256_SHA256' ? 'P-256' : 'P-384' }).privateKey
}
