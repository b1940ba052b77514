import { createHash } from 'node:crypto'
import { type IoOptions, PkiError, parseFingerprint } from '@fleetcert/x509'
import type { Store } from '../store/store.ts'
import { deviceRecordOf, statusAt } from './device-record.ts'
import type { Identification } from './fleet.ts'

// A ledger written by a process whose clock runs a little ahead is no reason to lock a fleet out.
const clockToleranceMilliseconds = 5000

/** @throws PkiError `ERR_PKI_CLOCK` when the clock is earlier than the newest ledger entry by more than 5 s: expiry could not be judged. */
export async function checkClock(store: Store, now: Date, options?: IoOptions): Promise<void> {
  const newest = await store.newestEventAt(options)
  if (newest !== undefined && now.getTime() < newest.getTime() - clockToleranceMilliseconds) {
    throw new PkiError('ERR_PKI_CLOCK', {})
  }
}

/** What a certificate is worth now: one look-up by fingerprint. Fails closed: what is missing is `unknown`, what cannot be asked rejects. */
export async function identifyCertificate(
  store: Store,
  now: Date,
  evidence: { readonly der: Uint8Array } | { readonly fingerprint: string },
  options?: IoOptions,
): Promise<Identification> {
  const fingerprint =
    'der' in evidence ? createHash('sha256').update(evidence.der).digest() : parseFingerprint(evidence.fingerprint)
  await checkClock(store, now, options)
  const certificate = await store.certificate({ fingerprint }, options)
  if (certificate === undefined) return { status: 'unknown' }
  const device = deviceRecordOf(certificate, now)
  if (device === undefined) return { status: 'unknown' }
  const status = statusAt(certificate, now)
  if (status === 'active') return { status, device, certificate }
  const reason = certificate.revocation?.reason
  return { status, device, certificate, ...(reason === undefined ? {} : { reason }) }
}
