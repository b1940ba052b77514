import { createHash } from 'node:crypto'
import {
  type CertificateEntry,
  type CrlEntry,
  type CrlName,
  encodeRevokedEntries,
  type ImportMark,
  PkiError,
  type StoreRecord,
  type StoreRecordKind,
  type TokenEntry,
} from '@fleetcert/core'
import { ordinalOctets, scopeOctets } from '../arguments.ts'
import { encodeEntry } from '../certificate-entry.ts'
import { encodeCrlHead } from '../crl-head.ts'
import { encodeEvent } from '../event.ts'
import { asBuffer, dateText, packCounted, packDate, packNumber } from '../octets.ts'
import type { RedisArgument } from '../redis-client.ts'
import { textOf } from '../replies.ts'
import { importRecords as importRecordsScript } from '../scripts/import-records.ts'
import type { Server } from '../server.ts'
import { kindOf } from './crls.ts'

/** What spent a token for good and is not known: an ordinal that no certificate has. */
export const unknownSpender: number = 2 ** 48 - 1

const letters: Readonly<Record<StoreRecordKind, string>> = {
  certificate: 'c',
  event: 'e',
  device: 'v',
  blockedKey: 'b',
  token: 't',
  document: 'w',
  crlScope: 's',
  crl: 'h',
  crlPart: 'p',
  lease: 'f',
  consumer: 'n',
  head: 'm',
}

export async function importRecords(
  server: Server,
  { fleetId, note }: ImportMark,
  records: readonly StoreRecord[],
): Promise<void> {
  const args = records.flatMap(record => [letters[record.kind], ...argumentsOf(record)])
  const answer = textOf(await server.runAnyway(importRecordsScript, fleetId, note, ...args))
  if (answer === 'ok') return
  if (answer === 'inUse') throw new PkiError('ERR_PKI_STORE_IN_USE', {})
  const kind = Object.keys(letters).find(each => letters[each as StoreRecordKind] === answer[0]) ?? 'unknown'
  throw new PkiError('ERR_PKI_STORE_RECORD', { kind, reason: answer.slice(1) })
}

function argumentsOf(record: StoreRecord): RedisArgument[] {
  switch (record.kind) {
    case 'certificate':
      return certificateArguments(record)
    case 'event':
      return [String(record.sequence), encodeEvent(record.event)]
    case 'device':
      return [record.deviceId, String(record.epoch)]
    case 'blockedKey':
      return [asBuffer(record.publicKeyHash)]
    case 'token':
      return [asBuffer(record.token.hash), dateText(record.token.expiresAt, 'expiresAt'), encodeToken(record)]
    case 'document':
      return [record.name, Buffer.concat([packNumber(record.version, 6), record.value])]
    case 'crlScope':
      return [scopeOctets(record), String(record.lastNumber), String(record.lastChange), String(record.lastPlace)]
    case 'crl':
      return [
        scopeOctets(record),
        kindOf(record),
        encodeCrlHead(record, record.parts, asBuffer(record.digest), uploadOf(record)),
      ]
    case 'crlPart':
      return [scopeOctets(record), kindOf(record), uploadOf(record), String(record.part + 1), asBuffer(record.octets)]
    case 'lease':
      return [record.name, String(record.fence)]
    case 'consumer':
      return [record.consumer, record.sequence === 0 ? '' : String(record.sequence)]
    case 'head':
      return [
        String(record.lastOrdinal),
        record.newestEventAt === undefined ? '' : dateText(record.newestEventAt, 'newestEventAt'),
      ]
  }
}

function certificateArguments(entry: CertificateEntry): RedisArgument[] {
  const { record, revocation: place } = entry
  const lease = record.holder === undefined ? '' : dateText(record.holder.leaseUntil, 'leaseUntil')
  const args = [ordinalOctets(entry.ordinal), encodeEntry(entry), lease]
  if (place === undefined) return [...args, '', '', '', '']
  const revocation = record.revocation ?? { revocationDate: place.heldAt!, reason: 'removeFromCRL' as const }
  const ended = Math.max(record.notAfter.getTime(), revocation.revocationDate.getTime())
  return [
    ...args,
    String(place.change),
    record.revocation === undefined ? '1' : '0',
    String(ended),
    asBuffer(encodeRevokedEntries([{ serialNumber: record.id.serialNumber, revocation }])),
  ]
}

function encodeToken({ token, epoch, spentBy }: TokenEntry): Buffer {
  const { deviceId, expiresAt, profile, owner, attributes } = token
  return Buffer.concat([
    packDate(expiresAt, 'expiresAt'),
    packNumber(epoch, 4),
    packNumber(spentBy === 0 ? unknownSpender : (spentBy ?? 0), 6),
    packCounted(Buffer.from(deviceId), 2, 'deviceId'),
    Buffer.from(JSON.stringify({ profile, owner, attributes })),
  ])
}

/** The parts of a CRL that is imported have the same names again, so that they can be put one after the other. */
function uploadOf({ issuerKeyId, shard, delta, crlNumber }: Required<CrlName> & Pick<CrlEntry, 'crlNumber'>): Buffer {
  return createHash('sha256').update(`${issuerKeyId}.${shard}.${delta}.${crlNumber}`).digest().subarray(0, 16)
}
