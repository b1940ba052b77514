import { type RemoteSignRequest, remoteSigner, type SignatureAlgorithm, type Signer } from '@fleetcert/core'
import { crc32c } from './crc32c.ts'

/** Options of {@link googleKmsSigner}. */
export interface GoogleKmsSignerOptions {
  /** Resource name of a key version: `projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/1`. */
  readonly keyVersion: string
  /** Resolves an OAuth 2 access token: `() => new GoogleAuth({ scopes }).getAccessToken()` of google-auth-library. Asked for each request. */
  readonly accessToken: () => Promise<string | null | undefined>
  /** Your share of the project's quota. Default 40: that of HSM keys is 3,000 a minute. */
  readonly maxPerSecond?: number
  /** Default `https://cloudkms.googleapis.com`. */
  readonly origin?: string
}

const algorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  EC_SIGN_P256_SHA256: 'ecdsa-with-SHA256',
  EC_SIGN_P384_SHA384: 'ecdsa-with-SHA384',
  EC_SIGN_ED25519: 'id-Ed25519',
  RSA_SIGN_PKCS1_2048_SHA256: 'sha256WithRSAEncryption',
  RSA_SIGN_PKCS1_3072_SHA256: 'sha256WithRSAEncryption',
  RSA_SIGN_PKCS1_4096_SHA256: 'sha256WithRSAEncryption',
  RSA_SIGN_PKCS1_4096_SHA512: 'sha512WithRSAEncryption',
}

/**
 * A signer whose key is a key version of Google Cloud KMS; `undefined` where there is no such key. By KMS' REST interface, with the checksums that Google asks callers to send and check.
 */
export async function googleKmsSigner(options: GoogleKmsSignerOptions): Promise<Signer | undefined> {
  const { keyVersion, maxPerSecond = 40 } = options
  const key = await call(options, '/publicKey', undefined, undefined).catch((error: unknown) => {
    if ((error as { status?: unknown }).status === 404) return undefined
    throw error
  })
  if (key === undefined) return undefined
  const { pem, name } = key
  const algorithm = algorithms[String(key['algorithm'])]
  if (algorithm === undefined) throw new Error(`a key for ${key['algorithm']} is none for a CA`)
  if (name !== keyVersion || typeof pem !== 'string' || !isIntact(Buffer.from(pem), key['pemCrc32c'])) {
    throw new Error('the public key came damaged, or is of another key')
  }
  return remoteSigner({
    publicKey: pem,
    algorithm,
    maxPerSecond,
    async sign(request, { signal }) {
      const answer = await call(options, ':asymmetricSign', bodyOf(request), signal)
      const signature = Buffer.from(String(answer['signature']), 'base64')
      const isWhatWeSent = request.hash === null ? answer['verifiedDataCrc32c'] : answer['verifiedDigestCrc32c']
      // Damage on the way passes by itself: the same is asked for again.
      if (isWhatWeSent !== true || !isIntact(signature, answer['signatureCrc32c'])) {
        throw Object.assign(new Error('request or answer came damaged'), { status: 502 })
      }
      if (answer['name'] !== keyVersion) throw new Error('the answer is of another key')
      return signature
    },
  })
}

function bodyOf({ hash, digest, message }: RemoteSignRequest): object {
  const octets = digest ?? message
  const text = Buffer.from(octets).toString('base64')
  // int64 is text in Google's JSON.
  const checksum = String(crc32c(octets))
  return hash === null ? { data: text, dataCrc32c: checksum } : { digest: { [hash]: text }, digestCrc32c: checksum }
}

function isIntact(octets: Uint8Array, checksum: unknown): boolean {
  return String(checksum) === String(crc32c(octets))
}

async function call(
  { keyVersion, accessToken, origin = 'https://cloudkms.googleapis.com' }: GoogleKmsSignerOptions,
  method: string,
  body: object | undefined,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${origin}/v1/${keyVersion}${method}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${await accessToken()}`, 'content-type': 'application/json' },
    signal: signal ?? AbortSignal.timeout(10_000),
  })
  if (response.ok) return (await response.json()) as Record<string, unknown>
  const { status } = response
  const told = (await response.json().catch(() => ({}))) as { error?: { status?: string; message?: string } }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  // What remoteSigner reads: which failures pass by themselves, and when.
  throw Object.assign(new Error(`Cloud KMS: ${told.error?.status ?? status}: ${told.error?.message ?? ''}`), {
    status,
    ...(Number.isNaN(seconds) ? {} : { retryAfterSeconds: seconds }),
  })
}
