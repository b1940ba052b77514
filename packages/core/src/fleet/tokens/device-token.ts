import { hash, randomBytes } from 'node:crypto'
import { PkiError } from '@fleetcert/x509'

/** What `fleet.createToken` is asked for. What the device's certificate will say is fixed here, and nothing of it when the token is used. */
export interface CreateTokenRequest {
  /** The device that may be enrolled, and no other. */
  readonly deviceId: string
  /** A profile of `openFleet`'s, of the kind `device`. Default: `device`. */
  readonly profile?: string
  /** The same alphabet as a device id: it goes into topics. */
  readonly owner?: string
  /** For topic templates; values follow the rule for device ids. */
  readonly attributes?: Readonly<Record<string, string>>
  /** How long the device may use it: 60 seconds to 366 days. Default one day. */
  readonly expiresInSeconds?: number
}

/** A one-time token, shown this once: the fleet keeps its hash alone. */
export interface DeviceToken {
  /** `fct_` and 43 characters of base64url: 256 random bits. A secret: never in a URL, never in a log. */
  readonly token: string
  /** The device that it is for. */
  readonly deviceId: string
  /** From then on it is refused. */
  readonly expiresAt: Date
}

// The prefix is for those who look for secrets in logs and repositories.
const form = /^fct_[A-Za-z0-9_-]{43}$/

export function newToken(): string {
  return `fct_${randomBytes(32).toString('base64url')}`
}

/**
 * What a token is known by: SHA-256 of its text. Nobody can try 2^256 of them, so there is no salt.
 * @throws PkiError `ERR_PKI_TOKEN` for what cannot be one
 */
export function tokenHash(token: string): Uint8Array {
  if (typeof token !== 'string' || !form.test(token)) throw new PkiError('ERR_PKI_TOKEN', {})
  return new Uint8Array(hash('sha256', token, 'buffer'))
}
