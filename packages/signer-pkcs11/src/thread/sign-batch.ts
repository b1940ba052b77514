import type { Handle, Mechanism } from 'pkcs11js'
import { ckMore } from './constants.ts'
import { failed, failureOf, returnValue } from './failure.ts'
import { findKeyLike } from './key-objects.ts'
import type { Module } from './module.ts'
import type { Session } from './session.ts'
import type { SignedBatch, SigningKey, ThreadCall, ThreadFailure } from './thread-messages.ts'

/** Signs with keys of the token. Remembers where they are. */
export class BatchSigner {
  readonly #module: Module
  readonly #session: Session
  readonly #mechanisms: Readonly<Record<SigningKey['scheme'], Mechanism>>
  readonly #handles = new Map<string, Handle>()

  constructor(module: Module, session: Session) {
    this.#module = module
    this.#session = session
    const { ck } = module
    this.#mechanisms = {
      ecdsa: { mechanism: ck.CKM_ECDSA },
      rsa: { mechanism: ck.CKM_RSA_PKCS },
      eddsa: { mechanism: ckMore.CKM_EDDSA },
    }
  }

  /** Handles end with the session, and with the login. */
  forget(): void {
    this.#handles.clear()
  }

  /** Signs one after the other, up to the first that fails. */
  sign({ key, lengths, inputs }: Extract<ThreadCall, { type: 'sign' }>): SignedBatch {
    const signatures = new Uint8Array(lengths.length * key.signatureOctets)
    const started = performance.now()
    let count = 0
    let offset = 0
    let failure: ThreadFailure | undefined
    for (const length of lengths) {
      try {
        const input = Buffer.from(inputs.buffer, inputs.byteOffset + offset, length)
        signatures.set(this.#signAgain(key, input), count * key.signatureOctets)
      } catch (error) {
        failure = failureOf(error)
        break
      }
      offset += length
      count += 1
    }
    const microseconds = ((performance.now() - started) * 1000) / Math.max(count, 1)
    return { count, signatures, microseconds, ...(failure === undefined ? {} : { failure }) }
  }

  /** Once more if the handle means nothing any longer: the key may have been made anew, or restored. */
  #signAgain(key: SigningKey, input: Buffer): Buffer {
    const known = this.#handles.get(key.fingerprint)
    if (known === undefined) return this.#signWith(this.#find(key), key, input)
    try {
      return this.#signWith(known, key, input)
    } catch (error) {
      if (!staleHandle.has(returnValue(error) ?? '')) throw error
      return this.#signWith(this.#find(key), key, input)
    }
  }

  #signWith(handle: Handle, key: SigningKey, input: Buffer): Buffer {
    const { p11 } = this.#module
    p11.C_SignInit(this.#session.handle, this.#mechanisms[key.scheme], handle)
    // With room for more, so that a token with another idea of the format is told from a failure.
    const signature = p11.C_Sign(this.#session.handle, input, Buffer.allocUnsafe(key.signatureOctets + 16))
    if (signature.length !== key.signatureOctets) {
      throw failed('refused', `a signature of ${signature.length} octets, expected ${key.signatureOctets}`)
    }
    return signature
  }

  #find(key: SigningKey): Handle {
    this.#handles.delete(key.fingerprint)
    const look = () => findKeyLike(this.#module, this.#session.handle, key.label, key.fingerprint)
    let found = look()
    if (found === undefined) {
      this.#session.assertUsable()
      // Another thread may have logged in between the two: what could not be seen then can be seen now.
      found = look()
    }
    if (found === undefined) {
      this.#session.assertUsable()
      throw failed('missing', 'the key is gone')
    }
    if (found === 'another') throw failed('defect', 'another key has its label now')
    this.#handles.set(key.fingerprint, found.privateKey)
    return found.privateKey
  }
}

const staleHandle: ReadonlySet<string> = new Set(['CKR_KEY_HANDLE_INVALID', 'CKR_OBJECT_HANDLE_INVALID'])
