import type { CertificateRecord, Store } from '../../store/store.ts'
import type { FleetIssuers } from './fleet-issuers.ts'
import { withEnding } from './issuer-set.ts'

const recorded = new WeakMap<CertificateRecord, CertificateRecord>()

/** How certificates are read where it counts what became of their issuers: as revoked with a revoked CA, as superseded with a retired one. */
export function endedCertificates(store: Store, issuers: FleetIssuers): Pick<Store, 'certificate' | 'certificates'> {
  const ended = (record: CertificateRecord, { endingOf }: FleetIssuers['current']): CertificateRecord => {
    const seen = withEnding(record, endingOf(record.id.issuerKeyId))
    if (seen !== record) recorded.set(seen, record)
    return seen
  }
  return {
    async certificate(key, options) {
      const record = await store.certificate(key, options)
      // Behind it: what was read before the CA was revoked is judged by what is known after it.
      return record === undefined ? undefined : ended(record, await issuers.fresh(options))
    },
    async certificates(query, page, options) {
      const found = await store.certificates(query, page, options)
      const set = await issuers.fresh(options)
      return { ...found, items: found.items.map(record => ended(record, set)) }
    },
  }
}

/** The certificate's own record, whatever became of its issuer. */
export function asRecorded(record: CertificateRecord): CertificateRecord {
  return recorded.get(record) ?? record
}
