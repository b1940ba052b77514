import { type CertificateEntry, type RevocationPlace, revokedEntryDate } from '@fleetcert/core'
import { ordinalOctets } from './arguments.ts'
import { encodeBody } from './certificate-body.ts'
import { decodeRow, rowFlags, states } from './certificate-row.ts'
import { OctetReader } from './octet-reader.ts'
import { asBuffer, packDate, packNumber, packText } from './octets.ts'
import { isNothing, numberOf, octetsOf, textOf } from './replies.ts'
import { storeCorrupt } from './store-errors.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** How many elements of an answer are one certificate. */
export const exportedElements = 7

/** A certificate of an answer of `export_row`, from that element on. */
export function decodeEntry(answer: readonly unknown[], from: number): CertificateEntry {
  const octets = octetsOf(answer[from + 1])
  const record = decodeRow(octets, answer[from + 2])
  const reader = new OctetReader(octets)
  reader.octets(1)
  const flags = reader.number(1)
  const has = (flag: number): boolean => (flags & flag) !== 0
  const entry: Mutable<CertificateEntry> = {
    kind: 'certificate',
    ordinal: octetsOf(answer[from]).readUIntBE(0, 6),
    record,
    epoch: reader.number(4),
  }
  reader.octets(6)
  if (has(rowFlags.fingerprint)) reader.octets(32)
  if (has(rowFlags.revocation)) reader.octets(reader.number(1) + 8)
  if (has(rowFlags.invalidity)) reader.octets(8)
  if (has(rowFlags.superseded)) reader.octets(8)
  if (has(rowFlags.successor)) entry.supersededBy = reader.number(6)
  if (has(rowFlags.renewal)) reader.octets(6)
  if (has(rowFlags.supersedes)) entry.supersedes = { ordinal: reader.number(6), at: reader.date() }
  if (has(rowFlags.place))
    entry.revocation = placeOf(reader.number(6), answer.slice(from + 3, from + 7), record.notAfter)
  return entry
}

function placeOf(place: number, [change, released, ended, entry]: readonly unknown[], notAfter: Date): RevocationPlace {
  if (isNothing(change)) throw storeCorrupt('a revoked certificate has lost its place')
  if (textOf(released) !== '1') return { place, change: numberOf(change) }
  // Later than notAfter, the end is the very date of the hold.
  const end = new Date(numberOf(ended))
  return { place, change: numberOf(change), heldAt: end > notAfter ? end : revokedEntryDate(octetsOf(entry)) }
}

/** A row in the layout of `lua/rows.ts`, as `restore_row` takes it. */
export function encodeEntry({ record, epoch, supersedes, supersededBy, revocation }: CertificateEntry): Buffer {
  const parts: Buffer[] = []
  let flags = 0
  const add = (flag: number, ...octets: readonly Uint8Array[]): void => {
    flags |= flag
    parts.push(...octets.map(asBuffer))
  }
  const { revocation: revoked } = record
  if (record.fingerprint !== undefined) add(rowFlags.fingerprint, record.fingerprint)
  if (revoked !== undefined) {
    add(rowFlags.revocation, packText(revoked.reason, 1, 'reason'), packDate(revoked.revocationDate, 'revocationDate'))
    if (revoked.invalidityDate !== undefined) {
      add(rowFlags.invalidity, packDate(revoked.invalidityDate, 'invalidityDate'))
    }
  }
  if (record.supersededAt !== undefined) add(rowFlags.superseded, packDate(record.supersededAt, 'supersededAt'))
  if (supersededBy !== undefined) add(rowFlags.successor, ordinalOctets(supersededBy))
  if (supersedes !== undefined) {
    add(rowFlags.supersedes, ordinalOctets(supersedes.ordinal), packDate(supersedes.at, 'at'))
  }
  if (revocation !== undefined) add(rowFlags.place, packNumber(revocation.place, 6))
  if (record.holder !== undefined) parts.push(packText(record.holder.instance, 1, 'instance'))
  const body = encodeBody(record)
  return Buffer.concat([
    packNumber(states.indexOf(record.state), 1),
    packNumber(flags, 1),
    packNumber(epoch, 4),
    packNumber(0, 6),
    ...parts,
    packNumber(body.length, 4),
    body,
    record.der ?? record.tbsCertificate ?? new Uint8Array(),
  ])
}
