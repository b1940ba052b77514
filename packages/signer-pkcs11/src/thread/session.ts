import type { Handle } from 'pkcs11js'
import { ckMore } from './constants.ts'
import { failed, returnValue } from './failure.ts'
import type { Module } from './module.ts'
import type { OpenedSession, TokenSelector } from './thread-messages.ts'
import { findToken, type Token } from './token.ts'

/** The one session of a thread. All sessions of a process with one token are logged in, or none is. */
export class Session {
  readonly #module: Module
  #open: { readonly token: Token; readonly handle: Handle } | undefined

  constructor(module: Module) {
    this.#module = module
  }

  /** A failure of the kind `session` if none is open. */
  get handle(): Handle {
    if (this.#open === undefined) throw failed('session', 'no session')
    return this.#open.handle
  }

  open(selector: TokenSelector): OpenedSession {
    this.close()
    const { p11, ck } = this.#module
    const token = findToken(this.#module, selector)
    const handle = p11.C_OpenSession(token.slot, ck.CKF_SERIAL_SESSION)
    this.#open = { token, handle }
    return { token: token.identity, isLoggedIn: this.#isLoggedIn() }
  }

  /**
   * Logs the process in. Tokens lock themselves after a few wrong PINs, so the last try is never used: it is left to a person.
   */
  login(pin: string): void {
    const { p11, ck } = this.#module
    if (this.#isLoggedIn()) return
    const { flags } = p11.C_GetTokenInfo(this.#open!.token.slot)
    if ((flags & ck.CKF_USER_PIN_LOCKED) !== 0) throw failed('pin', 'CKR_PIN_LOCKED')
    if ((flags & ck.CKF_USER_PIN_FINAL_TRY) !== 0) {
      throw failed(
        'pinAtRisk',
        'one try is left before the token locks itself: log in once by other means, with the right PIN',
      )
    }
    try {
      p11.C_Login(this.handle, ck.CKU_USER, pin)
    } catch (error) {
      if (returnValue(error) !== 'CKR_USER_ALREADY_LOGGED_IN') throw error
    }
  }

  /**
   * Before a key is said to be missing: private keys cannot be seen without a login, and a token that was taken out may look like an empty one. A failure of the kind `session` if it is not as it should be.
   */
  assertUsable(): void {
    if (!this.#isLoggedIn()) throw failed('session', 'CKR_USER_NOT_LOGGED_IN')
    this.#module.p11.C_GetTokenInfo(this.#open!.token.slot)
  }

  /** What `work` does in a session that may write, which is closed after it. */
  writing<T>(work: (handle: Handle) => T): T {
    const { p11, ck } = this.#module
    this.handle
    const handle = p11.C_OpenSession(this.#open!.token.slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION)
    try {
      return work(handle)
    } finally {
      closeQuietly(this.#module, handle)
    }
  }

  /** Whether the token has a mechanism, for what `flags` say. */
  can(mechanism: number, flag: number): boolean {
    this.handle
    try {
      return (this.#module.p11.C_GetMechanismInfo(this.#open!.token.slot, mechanism).flags & flag) !== 0
    } catch (error) {
      if (returnValue(error) === 'CKR_MECHANISM_INVALID') return false
      throw error
    }
  }

  /** A session that cannot be closed is gone already. */
  close(): void {
    if (this.#open !== undefined) closeQuietly(this.#module, this.#open.handle)
    this.#open = undefined
  }

  #isLoggedIn(): boolean {
    const { state } = this.#module.p11.C_GetSessionInfo(this.handle)
    return state === ckMore.CKS_RO_USER_FUNCTIONS || state === ckMore.CKS_RW_USER_FUNCTIONS
  }
}

function closeQuietly({ p11 }: Module, handle: Handle): void {
  try {
    p11.C_CloseSession(handle)
  } catch (error) {
    if (returnValue(error) === undefined) throw error
  }
}
