import {
  checkNames,
  decodePemOne,
  ecdsaSignatureValue,
  type IoOptions,
  type KnownNames,
  messageDigest,
  PkiError,
  type PublicKeyInfo,
  parsePublicKey,
  type SignatureAlgorithm,
  verificationHash,
} from '@fleetcert/x509'
import { createRemoteQueue } from './remote-signer-queue.ts'
import { type RetryAdvice, retryAdvice } from './remote-signer-retry.ts'
import type { Signer } from './signer.ts'

/** What a remote end is asked to sign: the digest where the algorithm hashes first, the message itself for Ed25519 and ML-DSA. */
export type RemoteSignRequest =
  | {
      /** The algorithm of the signature. */
      readonly algorithm: SignatureAlgorithm
      /** The hash that was applied. */
      readonly hash: 'sha256' | 'sha384' | 'sha512'
      /** The hash of the message. */
      readonly digest: Uint8Array
      /** Not given: the digest is signed. */
      readonly message?: undefined
    }
  | {
      /** The algorithm of the signature. */
      readonly algorithm: SignatureAlgorithm
      /** The algorithm takes the message as it is. */
      readonly hash: null
      /** Not given: the message is signed. */
      readonly digest?: undefined
      /** All of it. */
      readonly message: Uint8Array
    }

/** Options of {@link remoteSigner}. */
export interface RemoteSignerOptions {
  /** SubjectPublicKeyInfo of the key: DER, or PEM (`PUBLIC KEY`). It is not asked for again: a key whose public half you know is one that nobody can swap. */
  readonly publicKey: Uint8Array | string
  /** Default: the usual one of the key, as `ecdsa-with-SHA256` for P-256 and `sha256WithRSAEncryption` for RSA. */
  readonly algorithm?: SignatureAlgorithm
  /**
   * Asks for one signature, once. Resolves its octets: RSA and EdDSA raw, ECDSA as `dsaEncoding` says. What it rejects decides whether it is asked again (`retry`). `signal` aborts when the attempt takes too long or nobody waits for it any more.
   * Check here what the protocol lets you check: that the answer is of the key, algorithm and digest that were asked for.
   */
  readonly sign: (request: RemoteSignRequest, options: { readonly signal: AbortSignal }) => Promise<Uint8Array>
  /** Where the remote end signs several at once: answers each request, in order. Calls of one turn of the event loop, and those that had to wait, go together. Used in place of `sign` whenever there is more than one. */
  readonly signMany?: (
    requests: readonly RemoteSignRequest[],
    options: { readonly signal: AbortSignal },
  ) => Promise<readonly Uint8Array[]>
  /** How many requests one call of `signMany` takes. Default 32. */
  readonly maxBatch?: number
  /** How the remote end writes ECDSA signatures, in the words of node:crypto: `der`, as AWS and Google, or the pair r‖s, `ieee-p1363`, as Azure, PKCS#11 and WebCrypto. Default `der`. */
  readonly dsaEncoding?: 'der' | 'ieee-p1363'
  /** How many requests are under way at a time. Default 32. */
  readonly maxConcurrent?: number
  /** How many requests begin in a second, those that are made again among them; a tenth of them may begin at once. Default: no limit of ours. */
  readonly maxPerSecond?: number
  /** How many signatures wait their turn; more are refused at once with `ERR_PKI_SIGNER_BUSY`. Default 1,000. */
  readonly maxQueued?: number
  /** Until a signature is given up, waiting and further attempts included. Default 30. */
  readonly timeoutSeconds?: number
  /** Until one attempt is given up. Default 10, or `timeoutSeconds` if that is less. */
  readonly attemptTimeoutSeconds?: number
  /** How often a request that failed is made again. Default 4. */
  readonly retries?: number
  /** Which failures pass by themselves. Default: {@link retryAdvice}. */
  readonly retry?: (error: unknown) => RetryAdvice
}

const optionNames: KnownNames<RemoteSignerOptions> = {
  publicKey: true,
  algorithm: true,
  sign: true,
  signMany: true,
  maxBatch: true,
  dsaEncoding: true,
  maxConcurrent: true,
  maxPerSecond: true,
  maxQueued: true,
  timeoutSeconds: true,
  attemptTimeoutSeconds: true,
  retries: true,
  retry: true,
}

/**
 * A signer whose key is elsewhere and some time away: a key service, a signing server.
 *
 * Requests are limited in number and rate, those that failed in a way that passes are made again after a pause with jitter or when the remote end said (Retry-After, up to a quarter of an hour), and when many fail one after the other, one at a time finds out whether it is back.
 * No queue grows without end: what cannot be signed in time is refused with `ERR_PKI_SIGNER_BUSY` at once. The octets of an answer are checked for their form here; that the signature is the key's over the message
 * is verified by whoever asked for it: the fleet does so for every certificate and CRL before it is recorded.
 *
 * `sign` rejects `ERR_PKI_SIGNER_BUSY`, `ERR_PKI_SIGNER` with the remote end's error as its cause, or the reason of the caller's signal.
 *
 * @example
 * ```ts
 * const root = remoteSigner({
 *   publicKey,
 *   maxPerSecond: 100,
 *   async sign({ digest }, { signal }) {
 *     const response = await fetch('https://kms.example/sign', { method: 'POST', body: digest, signal })
 *     if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status })
 *     return new Uint8Array(await response.arrayBuffer())
 *   },
 * })
 * ```
 * @throws TypeError, RangeError for options that mean nothing; PkiError `ERR_PKI_ALGORITHM` where the key is of no kind that signs here, or the algorithm is not one for it; `ERR_PKI_PEM`, `ERR_PKI_DER`
 */
export function remoteSigner(options: RemoteSignerOptions): Signer {
  checkNames('remoteSigner', options, optionNames)
  const { sign, signMany, dsaEncoding = 'der', retry = retryAdvice, timeoutSeconds = 30 } = options
  for (const [name, value] of Object.entries({ sign, signMany: signMany ?? sign, retry })) {
    if (typeof value !== 'function') throw new TypeError(`remoteSigner: ${name}: expected a function`)
  }
  if (dsaEncoding !== 'der' && dsaEncoding !== 'ieee-p1363') {
    throw new TypeError("remoteSigner: dsaEncoding: expected 'der' or 'ieee-p1363'")
  }
  const publicKey = octetsOf(options.publicKey)
  const key = parsePublicKey(publicKey)
  const algorithm = options.algorithm ?? usualAlgorithm(key)
  if (verificationHash(algorithm, key) === undefined) throw new PkiError('ERR_PKI_ALGORITHM', { algorithm })

  const limit = (name: keyof RemoteSignerOptions, usual: number, least: number, isWhole: boolean): number => {
    const value = options[name] ?? usual
    const fits = typeof value === 'number' && value >= least && (isWhole ? Number.isSafeInteger(value) : value > 0)
    if (!fits)
      throw new RangeError(
        `remoteSigner: ${name}: expected ${isWhole ? `a whole number from ${least} up` : 'a number above 0'}`,
      )
    return value
  }
  // Longer than a timer of Node can be set for.
  const seconds = (name: keyof RemoteSignerOptions, usual: number): number => {
    const value = limit(name, usual, 0, false)
    if (value > 86_400) throw new RangeError(`remoteSigner: ${name}: expected at most a day`)
    return value
  }
  const queue = createRemoteQueue<RemoteSignRequest>({
    maxConcurrent: limit('maxConcurrent', 32, 1, true),
    maxPerSecond: limit('maxPerSecond', Number.POSITIVE_INFINITY, 0, false),
    maxQueued: limit('maxQueued', 1_000, 1, true),
    maxBatch: signMany === undefined ? 1 : limit('maxBatch', 32, 1, true),
    retries: limit('retries', 4, 0, true),
    timeoutSeconds: seconds('timeoutSeconds', 30),
    attemptTimeoutSeconds: seconds('attemptTimeoutSeconds', Math.min(10, timeoutSeconds)),
    retry,
    async send(requests, signal) {
      const [first] = requests
      const answers =
        signMany === undefined || requests.length === 1
          ? [await sign(first!, { signal })]
          : await signMany(requests, { signal })
      if (!Array.isArray(answers) || answers.length !== requests.length) throw malformed('another number of signatures')
      return answers.map(answer => signatureOf(answer, key, dsaEncoding))
    },
  })

  return Object.freeze({
    algorithm,
    publicKey,
    async sign(message: Uint8Array | Iterable<Uint8Array>, { signal }: IoOptions = {}): Promise<Uint8Array> {
      const request = {
        algorithm,
        ...(await messageDigest(algorithm, message, signal === undefined ? {} : { signal })),
      }
      signal?.throwIfAborted()
      return queue(request, signal)
    },
  })
}

function octetsOf(publicKey: unknown): Uint8Array {
  if (typeof publicKey === 'string') return decodePemOne(publicKey, 'PUBLIC KEY')
  if (!(publicKey instanceof Uint8Array)) throw new TypeError('remoteSigner: publicKey: expected DER or PEM')
  return new Uint8Array(publicKey)
}

function usualAlgorithm(key: PublicKeyInfo): SignatureAlgorithm {
  if (key.type === 'ed25519') return 'id-Ed25519'
  if (key.type === 'rsa') return 'sha256WithRSAEncryption'
  if (key.type !== 'ec')
    throw new PkiError('ERR_PKI_ALGORITHM', { algorithm: key.type === 'unsupported' ? key.algorithm : key.type })
  return ({ 'P-256': 'ecdsa-with-SHA256', 'P-384': 'ecdsa-with-SHA384', 'P-521': 'ecdsa-with-SHA512' } as const)[
    key.curve
  ]
}

const orderOctets = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const

/** The octets of an X.509 signatureValue. Asked of what no signature of the key can be; whether it is one is not known here. */
function signatureOf(answer: unknown, key: PublicKeyInfo, dsaEncoding: 'der' | 'ieee-p1363'): Uint8Array {
  if (!(answer instanceof Uint8Array)) throw malformed('no octets')
  switch (key.type) {
    case 'ec': {
      const octets = 2 * orderOctets[key.curve]
      if (dsaEncoding === 'ieee-p1363') {
        if (answer.length !== octets) throw malformed('no pair r‖s of the curve')
        return ecdsaSignatureValue(answer)
      }
      if (answer.length === octets && answer[0] !== 0x30) throw malformed("a pair r‖s: give dsaEncoding: 'ieee-p1363'")
      // SEQUENCE of two INTEGERs, each with a sign octet at most.
      if (answer[0] !== 0x30 || answer.length < 8 || answer.length > octets + 9) throw malformed('no ECDSA-Sig-Value')
      return new Uint8Array(answer)
    }
    case 'rsa':
      if (answer.length !== Math.ceil(key.modulusBits / 8)) throw malformed('not of the length of the modulus')
      return new Uint8Array(answer)
    case 'ed25519':
      if (answer.length !== 64) throw malformed('not of 64 octets')
      return new Uint8Array(answer)
    default:
      return new Uint8Array(answer)
  }
}

function malformed(reason: string): PkiError {
  return new PkiError('ERR_PKI_SIGNER', {
    reason: `the remote signer answered what is no signature of its key: ${reason}`,
  })
}
