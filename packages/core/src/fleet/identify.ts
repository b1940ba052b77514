import { hash } from 'node:crypto'
import { type IoOptions, parseFingerprint } from '@fleetcert/x509'
import { checkedNow } from '../authority/check-clock.ts'
import type { Store } from '../store/store.ts'
import { deviceRecordOf, statusAt } from './device-record.ts'
import type { Identification } from './fleet.ts'

/** What a certificate is worth now: one look-up by fingerprint. Fails closed: what is missing is `unknown`, what cannot be asked rejects. */
export async function identifyCertificate(
  store: Store,
  clock: () => Date,
  evidence: { readonly der: Uint8Array } | { readonly fingerprint: string },
  options?: IoOptions,
): Promise<Identification> {
  if ('der' in evidence && !(evidence.der instanceof Uint8Array))
    throw new TypeError('evidence.der: expected a Uint8Array')
  const fingerprint =
    'der' in evidence ? hash('sha256', evidence.der, 'buffer') : parseFingerprint(evidence.fingerprint)
  const now = await checkedNow(store, clock, options)
  const certificate = await store.certificate({ fingerprint }, options)
  if (certificate === undefined) return { status: 'unknown' }
  const device = deviceRecordOf(certificate, now)
  if (device === undefined) return { status: 'unknown' }
  const status = statusAt(certificate, now)
  if (status === 'active') return { status, device, certificate }
  const reason = certificate.revocation?.reason
  return { status, device, certificate, ...(reason === undefined ? {} : { reason }) }
}
