import type { IoOptions } from '@fleetcert/x509'
import type { CertificateRecord, Store } from '../store/store.ts'
import { statusAt } from './device-record.ts'
import { listAll } from './list-all.ts'

// A device has one or two good certificates at a time. Whoever renews daily for years has thousands that are not; nobody looks through all of them.
const pageSize = 8
const lookBack = 32

/** The newest active certificate of a device, or else the newest issued or pinned one: revoking a renewed certificate leaves the older one in charge. */
export async function currentCertificate(
  store: Store,
  deviceId: string,
  now: Date,
  options?: IoOptions,
): Promise<CertificateRecord | undefined> {
  let newest: CertificateRecord | undefined
  let seen = 0
  for await (const record of listAll(store, { list: 'device', deviceId }, undefined, options, pageSize)) {
    if (record.state !== 'issued' && record.state !== 'pinned') continue
    newest ??= record
    if (statusAt(record, now) === 'active') return record
    seen += 1
    if (seen === lookBack) break
  }
  return newest
}
