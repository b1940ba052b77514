import { checkNames, PkiError } from '@fleetcert/x509'
import type { SessionPoolOptions } from './session-pool.ts'

/** Options of `pkcs11Keyring`. */
export interface Pkcs11KeyringOptions {
  /** The PKCS #11 module: the path of a shared library, such as `/usr/lib/softhsm/libsofthsm2.so`. It runs in this process: give it nobody else's. */
  readonly module: string
  /** The token by its label. With neither this nor `slot`, there must be one token only; with both, both must fit. */
  readonly tokenLabel?: string
  /** The token by the number of its slot (CK_SLOT_ID). Numbers may change when tokens come and go; labels do not. */
  readonly slot?: number
  /** The user's PIN. A function is asked at each login: once at the beginning, and again when the login was lost. */
  readonly pin: string | (() => Promise<string>)
  /** How many sessions, and so signatures at a time, at most. Each takes a thread of some megabytes. They are opened as there is work for them. Default 4. */
  readonly sessions?: number
  /** How long a call may take in all, waiting included, before it rejects; making a key may take five minutes. A call inside the module cannot be ended: its session stays taken until it returns. Default 30. */
  readonly timeoutSeconds?: number
  /** What labels begin with, before the key's name: several fleets may share a token. Default none. */
  readonly labelPrefix?: string
}

/** What is asked for, with all that was left out. @throws TypeError, RangeError */
export function checkOptions(options: Pkcs11KeyringOptions): SessionPoolOptions & { readonly labelPrefix: string } {
  checkNames('pkcs11Keyring', options, {
    module: true,
    tokenLabel: true,
    slot: true,
    pin: true,
    sessions: true,
    timeoutSeconds: true,
    labelPrefix: true,
  })
  const { module, tokenLabel, slot, pin, sessions = 4, timeoutSeconds = 30, labelPrefix = '' } = options
  if (typeof module !== 'string' || module === '') throw wrong('module', 'the path of a PKCS #11 module')
  // PKCS #11 pads labels to 32 octets.
  if (tokenLabel !== undefined && !(isText(tokenLabel) && Buffer.byteLength(tokenLabel) <= 32)) {
    throw wrong('tokenLabel', 'a label of 1 to 32 octets')
  }
  if (slot !== undefined && !Number.isSafeInteger(slot)) throw wrong('slot', 'the number of a slot')
  if (slot !== undefined && slot < 0) throw new RangeError('pkcs11Keyring: slot: expected a number from 0 up')
  if (typeof pin !== 'function' && !isText(pin)) throw wrong('pin', 'a string that is not empty, or a function')
  if (!Number.isInteger(sessions) || sessions < 1 || sessions > 64) {
    throw new RangeError('pkcs11Keyring: sessions: expected 1 to 64')
  }
  if (!(timeoutSeconds >= 1 && timeoutSeconds <= 3600)) {
    throw new RangeError('pkcs11Keyring: timeoutSeconds: expected 1 to 3600')
  }
  if (typeof labelPrefix !== 'string') throw wrong('labelPrefix', 'a string')
  const selector = { ...(tokenLabel === undefined ? {} : { tokenLabel }), ...(slot === undefined ? {} : { slot }) }
  return { module, selector, pin: () => askFor(pin), sessions, timeoutSeconds, labelPrefix }
}

async function askFor(pin: Pkcs11KeyringOptions['pin']): Promise<string> {
  if (typeof pin === 'string') return pin
  let answer: unknown
  try {
    answer = await pin()
  } catch (cause) {
    throw new PkiError('ERR_PKI_HSM_PIN', { reason: 'it could not be asked for' }, { cause })
  }
  if (!isText(answer)) throw new PkiError('ERR_PKI_HSM_PIN', { reason: 'none was given' })
  return answer
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function wrong(label: string, expected: string): TypeError {
  return new TypeError(`pkcs11Keyring: ${label}: expected ${expected}`)
}
