import { createHash, createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ecdsaSignatureValue } from '@fleetcert/x509'
import { signDigest } from '../../../test-support/sign-digest.ts'

export const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: randomUUID() as string }

const region = 'eu-central-1'
const arnOf = (id: string): string => `arn:aws:kms:${region}:111122223333:key/${id}`

/** An error as KMS words it: HTTP status, `__type`. */
export type KmsFault = readonly [status: number, type: string]

/** A server that speaks the wire format of AWS KMS (JSON 1.1, signature version 4) and signs with keys of its own. */
export interface KmsServer {
  readonly endpoint: string
  readonly region: string
  /** What the next Sign requests are answered. */
  readonly faults: (KmsFault | 'another key' | 'another algorithm')[]
  /** The operations that were asked for, and what of. */
  readonly operations: string[]
  /** Makes a key. `aliases` are moved to it. */
  createKey(kind: 'P-256' | 'P-384' | 'RSA-2048', alias: string): void
  disableKey(alias: string): void
  close(): Promise<void>
}

interface KmsKey {
  readonly arn: string
  readonly privateKey: KeyObject
  isEnabled: boolean
}

class KmsError extends Error {
  readonly fault: KmsFault
  constructor(...fault: KmsFault) {
    super(fault[1])
    this.fault = fault
  }
}

export async function startKmsServer(): Promise<KmsServer> {
  const keys = new Map<string, KmsKey>()
  const faults: KmsServer['faults'] = []
  const operations: string[] = []

  const keyOf = (id: unknown): KmsKey => {
    const key = keys.get(String(id))
    if (key === undefined) throw new KmsError(400, 'NotFoundException')
    if (!key.isEnabled) throw new KmsError(400, 'DisabledException')
    return key
  }

  const answer = (operation: string, body: Readonly<Record<string, unknown>>): object => {
    operations.push(operation)
    const fault = operation === 'Sign' ? faults.shift() : undefined
    if (typeof fault === 'object') throw new KmsError(...fault)
    const { arn, privateKey } = keyOf(body['KeyId'])
    const rsa = privateKey.asymmetricKeyType === 'rsa'
    const bits = privateKey.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 384 : 256
    const algorithm = rsa ? 'RSASSA_PKCS1_V1_5_SHA_256' : `ECDSA_SHA_${bits}`
    if (operation === 'GetPublicKey') {
      const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
      const KeySpec = rsa ? 'RSA_2048' : `ECC_NIST_P${bits}`
      return {
        KeyId: arn,
        KeySpec,
        KeyUsage: 'SIGN_VERIFY',
        PublicKey: der.toString('base64'),
        SigningAlgorithms: [algorithm],
      }
    }
    const digest = Buffer.from(String(body['Message']), 'base64')
    if (body['SigningAlgorithm'] !== algorithm) throw new KmsError(400, 'InvalidKeyUsageException')
    if (body['MessageType'] !== 'DIGEST' || digest.length !== bits / 8) throw new KmsError(400, 'ValidationException')
    const signature = signDigest(privateKey, bits === 384 ? 'sha384' : 'sha256', digest)
    return {
      KeyId: fault === 'another key' ? arnOf('other') : arn,
      Signature: Buffer.from(rsa ? signature : ecdsaSignatureValue(signature)).toString('base64'),
      SigningAlgorithm: fault === 'another algorithm' ? 'ECDSA_SHA_512' : algorithm,
    }
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const id = randomUUID()
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': id }
    try {
      if (!isSigned(request, body)) throw new KmsError(400, 'IncompleteSignatureException')
      const operation = String(request.headers['x-amz-target']).replace('TrentService.', '')
      if (!['GetPublicKey', 'Sign'].includes(operation)) throw new KmsError(400, 'UnknownOperationException')
      const answered = answer(operation, JSON.parse(body.toString()))
      response.writeHead(200, headers).end(JSON.stringify(answered))
    } catch (error) {
      const [status, type] = error instanceof KmsError ? error.fault : ([500, 'KMSInternalException'] as const)
      response.writeHead(status, headers).end(JSON.stringify({ __type: type, message: `${type} for 111122223333` }))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region,
    faults,
    operations,
    createKey(kind, alias) {
      const { privateKey } =
        kind === 'RSA-2048'
          ? generateKeyPairSync('rsa', { modulusLength: 2048 })
          : generateKeyPairSync('ec', { namedCurve: kind })
      const key = { arn: arnOf(randomUUID()), privateKey, isEnabled: true }
      keys.set(key.arn, key)
      keys.set(`alias/${alias}`, key)
    },
    disableKey(alias) {
      keyOf(`alias/${alias}`).isEnabled = false
    },
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Whether the request is signed with the right secret: AWS Signature Version 4. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const authorization = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    request.headers.authorization ?? '',
  )
  if (authorization === null) return false
  const [, credential = '', signedHeaders = '', signature] = authorization
  const [accessKeyId, ...scope] = credential.split('/')
  const canonicalHeaders = signedHeaders.split(';').map(name => `${name}:${String(request.headers[name]).trim()}\n`)
  const canonicalRequest = [request.method, '/', '', canonicalHeaders.join(''), signedHeaders, sha256(body)].join('\n')
  const time = String(request.headers['x-amz-date'])
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonicalRequest)].join('\n')
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const signingKey = scope.reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`)
  return accessKeyId === credentials.accessKeyId && hmac(signingKey, toSign).toString('hex') === signature
}

function sha256(octets: string | Buffer): string {
  return createHash('sha256').update(octets).digest('hex')
}
