import {
  assertImport,
  type CertificateEntry,
  type CrlName,
  type ImportMark,
  PkiError,
  type StoreRecord,
} from '@fleetcert/core'
import { hashText, milliseconds, octetText, plainText } from '../arguments.ts'
import { encodeEvent } from '../event.ts'
import type { Change } from '../server.ts'
import { subjectFields } from './subject.ts'
import { tokenFields } from './tokens.ts'

export function importRecords(mark: ImportMark, records: readonly StoreRecord[]): Change {
  assertImport(mark, records)
  return {
    do: 'importRecords',
    fleetId: mark.fleetId,
    note: plainText(mark.note, 'note'),
    records: records.map(record => ({ kind: record.kind, ...fieldsOf(record) })),
  }
}

/** A record as `import_record` of the server takes it. */
function fieldsOf(record: StoreRecord): object {
  switch (record.kind) {
    case 'certificate':
      return certificateFields(record)
    case 'event':
      return { sequence: record.sequence, ...encodeEvent(record.event) }
    case 'device':
      return { deviceId: plainText(record.deviceId, 'deviceId'), epoch: record.epoch }
    case 'blockedKey':
      return { hash: hashText(record.publicKeyHash, 'publicKeyHash') }
    case 'token': {
      const { spentBy } = record
      return { ...tokenFields(record.token), epoch: record.epoch, ...(spentBy !== undefined && { spentBy }) }
    }
    case 'document':
      return { name: plainText(record.name, 'name'), version: record.version, value: octetText(record.value) }
    case 'crlScope': {
      const { lastNumber, lastChange, lastPlace } = record
      return { ...scopeFields(record), lastNumber: String(lastNumber), lastChange, lastPlace }
    }
    case 'crl':
      return {
        ...crlFields(record),
        thisUpdate: milliseconds(record.thisUpdate, 'thisUpdate'),
        nextUpdate: milliseconds(record.nextUpdate, 'nextUpdate'),
        ...(record.note !== undefined && { note: plainText(record.note, 'note') }),
        parts: record.parts,
        digest: hashText(record.digest, 'digest'),
      }
    case 'crlPart':
      return { ...crlFields(record), part: record.part, octets: octetText(record.octets) }
    case 'lease':
      return { name: plainText(record.name, 'name'), fence: record.fence }
    case 'consumer':
      return {
        name: plainText(record.consumer, 'consumer'),
        cursor: record.sequence === 0 ? '' : String(record.sequence),
      }
    case 'head':
      return {
        lastOrdinal: record.lastOrdinal,
        ...(record.newestEventAt && { newestAt: record.newestEventAt.getTime() }),
      }
  }
}

function certificateFields({
  ordinal,
  record,
  epoch,
  supersedes,
  supersededBy,
  revocation: place,
}: CertificateEntry): object {
  const { state, der, fingerprint, tbsCertificate, holder, revocation, supersededAt } = record
  if (fingerprint !== undefined && der === undefined) {
    const reason = 'its octets are missing, and this store keeps certificates with them'
    throw new PkiError('ERR_PKI_STORE_RECORD', { kind: 'certificate', reason })
  }
  return {
    ...subjectFields(record),
    ordinal,
    epoch,
    state,
    ...(der && { der: octetText(der) }),
    ...(fingerprint && { fingerprint: octetText(fingerprint) }),
    ...(tbsCertificate && { tbsCertificate: octetText(tbsCertificate) }),
    ...(holder && { instance: plainText(holder.instance, 'instance'), leaseUntil: holder.leaseUntil.getTime() }),
    ...(supersedes && { supersedes: supersedes.ordinal, supersedeAt: supersedes.at.getTime() }),
    ...(supersededAt && { supersededAt: supersededAt.getTime() }),
    ...(supersededBy !== undefined && { supersededBy }),
    ...(place && { place: place.place, change: place.change }),
    ...(place?.heldAt && { heldAt: place.heldAt.getTime() }),
    ...(revocation && { date: revocation.revocationDate.getTime(), reason: revocation.reason }),
    ...(revocation?.invalidityDate && { invalidityDate: revocation.invalidityDate.getTime() }),
  }
}

function scopeFields({ issuerKeyId, shard }: CrlName): object {
  return { issuer: issuerKeyId, shard }
}

function crlFields(name: Required<CrlName> & { readonly crlNumber: bigint }): object {
  return { ...scopeFields(name), delta: name.delta, crlNumber: String(name.crlNumber) }
}
