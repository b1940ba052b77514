import { createHash } from 'node:crypto'
import { PkiError } from '@fleetcert/x509'
import type { StoreRecord } from '../store/store-records.ts'

/**
 * Checks records in the order of a backup, each by itself and by those before it: a certificate has the fingerprint that its row says, and the ledger's entries rise.
 * @throws PkiError `ERR_PKI_BACKUP`
 */
export function checkRecord(): (record: StoreRecord) => void {
  let lastSequence = 0
  return record => {
    switch (record.kind) {
      case 'certificate': {
        const { der, fingerprint } = record.record
        if (der === undefined) return
        const hash = createHash('sha256').update(der).digest()
        if (fingerprint === undefined || !hash.equals(fingerprint)) {
          throw new PkiError('ERR_PKI_BACKUP', { reason: 'a certificate in it has another fingerprint' })
        }
        return
      }
      case 'event':
        if (record.sequence <= lastSequence) {
          throw new PkiError('ERR_PKI_BACKUP', { reason: 'its ledger is out of order' })
        }
        lastSequence = record.sequence
        return
      case 'head':
        if (record.lastSequence < lastSequence) {
          throw new PkiError('ERR_PKI_BACKUP', { reason: 'its ledger is longer than it says' })
        }
    }
  }
}
