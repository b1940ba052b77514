import { hash } from 'node:crypto'
import { type IoOptions, isPkiError, PkiError } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { CertificateRecord, TokenRecord } from '../../store/store.ts'
import type { CredentialIssuer, CredentialIssuerParts, Wish } from '../credential-issuer.ts'
import { deviceNames } from '../device-names.ts'
import { statusAt } from '../device-record.ts'
import type { DeviceCredential, EnrollRequest } from '../fleet.ts'
import { tokenHash } from './device-token.ts'

/** Longer than the lease of a reservation is never waited for. */
const longestWaitSeconds = 60

/**
 * Enrols with a one-time token. What the certificate says is the token's; of the request, only the key and the token count.
 * Asked again with the same key, as a device does that heard no answer, it answers the same certificate as long as the token lasts.
 */
export function createTokenEnrollment(
  { store, clock, profiles }: CredentialIssuerParts,
  issuer: CredentialIssuer,
): (deviceId: string, request: EnrollRequest, options?: IoOptions) => Promise<DeviceCredential> {
  /** The certificate that the token was spent on, if there is one, for the key that it was made with. */
  const spentOn = async (
    token: TokenRecord,
    publicKeyHash: Uint8Array,
    now: Date,
    options?: IoOptions,
  ): Promise<DeviceCredential | undefined> => {
    const record = await spenderOf(token, options)
    // Whether what is reserved stands in the way, `reserve` decides.
    if (record?.state !== 'issued') return undefined
    if (Buffer.compare(record.publicKeyHash, publicKeyHash) !== 0) throw new PkiError('ERR_PKI_TOKEN_SPENT', {})
    const { deviceId } = token
    const status = statusAt(record, now)
    if (status === 'revoked') throw new PkiError('ERR_PKI_DEVICE_CLOSED', {})
    if (status === 'held') throw new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId, status })
    if (status !== 'active') throw new PkiError('ERR_PKI_TOKEN_SPENT', {})
    return { deviceId, ...(await issuer.credentialOf(record, options)) }
  }

  const spenderOf = async (token: TokenRecord, options?: IoOptions): Promise<CertificateRecord | undefined> =>
    token.spentBy === undefined ? undefined : store.certificate(token.spentBy, options)

  return async (deviceId, request, options) => {
    assertTokenAlone(request)
    const known = tokenHash(request.token!)
    const now = await checkedNow(store, clock, options)
    const token = await store.token(known, options)
    // Whose it is, if not this device's, nobody learns.
    if (token === undefined || token.deviceId !== deviceId) throw new PkiError('ERR_PKI_TOKEN', {})
    if (token.expiresAt <= now) throw new PkiError('ERR_PKI_TOKEN_EXPIRED', {})
    const profile = profiles.device('device', token.profile)
    const key = await issuer.key(request.csr, profile)
    const publicKeyHash = hash('sha256', key.subjectPublicKeyInfo, 'buffer')
    const answered = await spentOn(token, publicKeyHash, now, options)
    if (answered !== undefined) return answered
    const wish: Wish = {
      ...deviceNames(profile, deviceId, []),
      deviceId,
      ...(token.owner !== undefined && { owner: token.owner }),
      ...(token.attributes !== undefined && { attributes: token.attributes }),
      expect: 'newDevice',
      tokenHash: known,
    }
    try {
      return { deviceId, ...(await issuer.issue(profile, wish, key, undefined, options)) }
    } catch (error) {
      if (!isPkiError(error, 'ERR_PKI_DEVICE_EXISTS') && !isPkiError(error, 'ERR_PKI_TOKEN_SPENT')) throw error
      // Somebody was faster: perhaps this device's own earlier request, whose answer it never heard.
      const again = await store.token(known, options)
      if (again === undefined) throw error
      const theirs = await spentOn(again, publicKeyHash, clock(), options)
      if (theirs !== undefined) return theirs
      const spender = await spenderOf(again, options)
      // What was revoked before it was a certificate keeps nobody busy.
      if (spender?.holder === undefined || statusAt(spender, clock()) === 'revoked') throw error
      throw new PkiError('ERR_PKI_ENROLLMENT_BUSY', { deviceId, retryAfterSeconds: waitFor(spender.holder, clock()) })
    }
  }
}

function assertTokenAlone(request: EnrollRequest): void {
  const { csr, token: _, ...others } = request
  if (csr === undefined) throw new TypeError('csr: expected with a token, for the key has to stay on the device')
  const [name] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  if (name !== undefined) throw new TypeError(`${name}: not to be given with a token, which says it`)
}

/** Until the lease of a process that may have died has run out. */
function waitFor({ leaseUntil }: { readonly leaseUntil: Date }, now: Date): number {
  const seconds = Math.ceil((leaseUntil.getTime() - now.getTime()) / 1000) + 1
  return Math.min(Math.max(seconds, 1), longestWaitSeconds)
}
