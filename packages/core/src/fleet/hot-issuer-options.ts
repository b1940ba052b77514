import { checkNames, type KnownNames } from '@fleetcert/x509'
import type { Keyring } from '../signer/signer.ts'

/** Options of hot issuers: see `openFleet`. */
export interface HotIssuerOptions {
  /** How long a key signs, whole seconds, 60 to 604,800. Default 28,800: eight hours. Another one is made when half of it is over: for the other half the issuing CA's key may be away. */
  readonly useSeconds?: number
  /**
   * How long its certificate lasts, whole seconds, more than `useSeconds`. Default 400 days. What it has signed must not end after it, so certificates that last longer, and endless ones, are signed by the issuing CA's own key.
   */
  readonly validitySeconds?: number
  /**
   * Whether it may sign certificates of servers. Default false: its NameConstraints allow no DNS names and no IP addresses, so that whoever steals the key from memory cannot pass for a broker. Certificates with such names, and those whose
   * common name holds a dot, which OpenSSL takes for a DNS name, are then signed by the issuing CA's own key. Brokers in Java check every common name against the constraint and refuse all devices: true for them.
   */
  readonly serverNames?: boolean
  /**
   * Keeps the key `hot-ocsp`, which signs OCSP answers about what hot issuers have signed, long after their keys are gone. Should be at hand and quick, and the same for all processes: a `fileKeyring`. Without it there are no such answers, and the
   * certificates name no responder.
   */
  readonly ocspKeyring?: Keyring
}

/** {@link HotIssuerOptions} with nothing left open. */
export interface HotIssuerSettings {
  readonly useSeconds: number
  readonly validitySeconds: number
  readonly serverNames: boolean
  readonly ocspKeyring: Keyring | undefined
}

const optionNames: KnownNames<HotIssuerOptions> = {
  useSeconds: true,
  validitySeconds: true,
  serverNames: true,
  ocspKeyring: true,
}
const day = 86_400

/** @throws TypeError, RangeError */
export function hotIssuerSettings(options: boolean | HotIssuerOptions | undefined): HotIssuerSettings | undefined {
  if (options === undefined || options === false) return undefined
  if (options !== true) checkNames('hotIssuer', options, optionNames)
  const {
    useSeconds = 28_800,
    validitySeconds = 400 * day,
    serverNames = false,
    ocspKeyring,
  } = options === true ? {} : options
  if (!Number.isSafeInteger(useSeconds) || useSeconds < 60 || useSeconds > 7 * day) {
    throw new RangeError('hotIssuer.useSeconds: expected a whole number from 60 to 604,800')
  }
  if (!Number.isSafeInteger(validitySeconds) || validitySeconds <= useSeconds || validitySeconds > 100 * 366 * day) {
    throw new RangeError('hotIssuer.validitySeconds: expected a whole number above useSeconds, of at most 100 years')
  }
  if (typeof serverNames !== 'boolean') throw new TypeError('hotIssuer.serverNames: expected true or false')
  if (ocspKeyring !== undefined && typeof ocspKeyring?.open !== 'function') {
    throw new TypeError("hotIssuer.ocspKeyring: expected a Keyring, for instance fileKeyring('certs')")
  }
  return { useSeconds, validitySeconds, serverNames, ocspKeyring }
}
