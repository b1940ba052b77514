import { type IoOptions, PkiError } from '@fleetcert/x509'
import type { ResolvedProfile } from '../../authority/profile.ts'
import type { CertificateRecord, Page, Store } from '../../store/store.ts'

/** A device that works needs two in a lifetime. */
const mostInWindow = 8
const longestWindowSeconds = 86_400

/**
 * Refuses a device that renews over and over, for its answers get lost or its software loops: eight certificates within a day, or within one lifetime where that is shorter. It may go on when the oldest of them is a
 * window old, so no device is shut out for good. Resolves the newest certificates and reservations of the device, newest first.
 *
 * @throws PkiError `ERR_PKI_RENEWAL_LIMIT`
 */
export async function checkRenewalLimit(
  store: Store,
  deviceId: string,
  lifetimeSeconds: number,
  now: Date,
  options?: IoOptions,
): Promise<Page<CertificateRecord>> {
  // Reservations count, too: each may have been signed.
  const newest = await store.certificates({ list: 'device', deviceId }, { limit: mostInWindow }, options)
  const oldest = newest.items.at(-1)
  if (newest.items.length < mostInWindow || oldest === undefined) return newest
  const windowSeconds = Math.min(lifetimeSeconds, longestWindowSeconds)
  const waitSeconds = Math.ceil((oldest.createdAt.getTime() - now.getTime()) / 1000 + windowSeconds)
  if (waitSeconds <= 0) return newest
  throw new PkiError('ERR_PKI_RENEWAL_LIMIT', { deviceId, retryAfterSeconds: Math.min(waitSeconds, windowSeconds) })
}

/** How long a certificate of that profile will be good. */
export function lifetimeSeconds(profile: ResolvedProfile, asked: number | undefined): number {
  return asked ?? (profile.endless ? longestWindowSeconds : profile.validitySeconds)
}
