import type { KeyAlgorithm } from '@fleetcert/core'

/** Which token: by its slot, its label, or both; by neither where there is one token only. */
export interface TokenSelector {
  readonly slot?: number
  readonly tokenLabel?: string
}

/** What the thread is started with. */
export interface ThreadData {
  /** Path of the PKCS #11 module. */
  readonly module: string
}

/** How a key signs: `ecdsa` and `rsa` sign a digest, `eddsa` the message. */
export type SigningScheme = 'ecdsa' | 'rsa' | 'eddsa'

/** A key as callers sign with it. */
export interface SigningKey {
  readonly label: string
  readonly scheme: SigningScheme
  /** SHA-256, hex, over the public key as the token shows it: another key under the same label is never used. */
  readonly fingerprint: string
  /** Of a signature, as the token returns it. */
  readonly signatureOctets: number
}

/** One thing that a thread is asked to do. One is done at a time, in the order in which they were sent. */
export type ThreadCall =
  | { readonly type: 'initialize' }
  | { readonly type: 'finalize' }
  | { readonly type: 'openSession'; readonly selector: TokenSelector }
  | { readonly type: 'login'; readonly pin: string }
  | { readonly type: 'closeSession' }
  | { readonly type: 'list' }
  | { readonly type: 'find'; readonly label: string; readonly keyId?: Uint8Array }
  | { readonly type: 'create'; readonly label: string; readonly algorithm: KeyAlgorithm; readonly keyId: Uint8Array }
  | { readonly type: 'delete'; readonly label: string }
  | {
      readonly type: 'sign'
      readonly key: SigningKey
      /** Of the inputs, which stand one after the other in `inputs`. */
      readonly lengths: readonly number[]
      readonly inputs: Uint8Array
    }

/** What comes of each call. */
export interface ThreadResults {
  /** Whether the module was initialised by this call, so that it is ours to finalise. */
  readonly initialize: boolean
  readonly finalize: undefined
  readonly openSession: OpenedSession
  readonly login: undefined
  readonly closeSession: undefined
  readonly list: readonly string[]
  readonly find: FoundKey | undefined
  readonly create: undefined
  readonly delete: undefined
  readonly sign: SignedBatch
}

/** A session and its token. */
export interface OpenedSession {
  /** What tells the token from others, for as long as the process lives. */
  readonly token: string
  readonly isLoggedIn: boolean
}

/** What the token says of a key. Octets as in CKA_EC_PARAMS, CKA_EC_POINT, CKA_MODULUS, CKA_PUBLIC_EXPONENT. */
export interface FoundKey {
  readonly publicKey:
    | { readonly type: 'ec' | 'edwards'; readonly params: Uint8Array; readonly point: Uint8Array }
    | { readonly type: 'rsa'; readonly modulus: Uint8Array; readonly publicExponent: Uint8Array }
  readonly fingerprint: string
  /** Whether the key could leave the token: extractable, or not sensitive. */
  readonly isExtractable: boolean
}

/** Signatures of a batch, one after the other, all of the length that the key has; fewer than were asked for when one failed. */
export interface SignedBatch {
  readonly count: number
  readonly signatures: Uint8Array
  /** Why the one after the last was not made. */
  readonly failure?: ThreadFailure
  /** What one signature took. */
  readonly microseconds: number
}

/**
 * Why something was not done.
 *
 * - `session`: the session, or all of the module's state, is gone; with another session it may go on
 * - `token`: the token is not there
 * - `module`: the module, or pkcs11js, cannot be loaded or initialised
 * - `pin`: the token has refused the PIN, or takes none; `pinAtRisk`: it was not tried
 * - `writable`: the token is full or may not be written to
 * - `algorithm`: the token makes no such keys
 * - `exists`, `missing`: the key; `contested`: another one came under its name, and it was taken away again
 * - `defect`: the key is there and cannot be used
 * - `refused`: anything else that the token answered
 */
export interface ThreadFailure {
  readonly kind:
    | 'session'
    | 'token'
    | 'module'
    | 'pin'
    | 'pinAtRisk'
    | 'writable'
    | 'algorithm'
    | 'exists'
    | 'contested'
    | 'missing'
    | 'defect'
    | 'refused'
  /** In words, or the name of the token's return value (`CKR_…`). */
  readonly reason: string
}

/** Answers come in the order of the calls. */
export type ThreadAnswer = { readonly result: unknown } | { readonly failure: ThreadFailure }
