import type { CertificateRecord, CertificateState, CertificateStatus, CrlReason, Revocation } from '@fleetcert/core'
import { decodeBody } from './certificate-body.ts'
import { OctetReader } from './octet-reader.ts'
import { asBuffer, asOctets, ownOctets } from './octets.ts'
import { isNothing, numberOf, octetsOf } from './replies.ts'
import { storeCorrupt } from './store-errors.ts'

/** A row as scripts answer it: see `lua/rows.ts`. */
export interface CertificateRow {
  /** In the order of creation. */
  readonly ordinal: number
  readonly record: CertificateRecord
}

/** States by their numbers. */
export const states: readonly CertificateState[] = ['reserved', 'abandoned', 'issued', 'pinned']

/** What a row's head has in it. */
export const rowFlags = {
  fingerprint: 1,
  revocation: 2,
  invalidity: 4,
  superseded: 8,
  successor: 16,
  renewal: 32,
  supersedes: 64,
  place: 128,
} as const

interface Head {
  readonly state: CertificateState
  readonly fingerprint?: Buffer
  readonly revocation?: Revocation
  readonly supersededAt?: Date
  readonly instance?: string
}

function readHead(reader: OctetReader): Head {
  const state = states[reader.number(1)]
  if (state === undefined) throw storeCorrupt('a row is of an unknown state')
  const flags = reader.number(1)
  const has = (flag: number): boolean => (flags & flag) !== 0
  // The epoch, and the row of the device before it.
  reader.skip(4 + 6)
  const fingerprint = has(rowFlags.fingerprint) ? reader.octets(32) : undefined
  const reason = has(rowFlags.revocation) ? (reader.text(1) as CrlReason) : undefined
  const revocationDate = has(rowFlags.revocation) ? reader.date() : undefined
  const invalidityDate = has(rowFlags.invalidity) ? reader.date() : undefined
  const supersededAt = has(rowFlags.superseded) ? reader.date() : undefined
  if (has(rowFlags.successor)) reader.skip(6)
  if (has(rowFlags.renewal)) reader.skip(6)
  if (has(rowFlags.supersedes)) reader.skip(6 + 8)
  if (has(rowFlags.place)) reader.skip(6)
  const instance = state === 'reserved' ? reader.text(1) : undefined
  return {
    state,
    ...(fingerprint && { fingerprint }),
    ...(reason !== undefined &&
      revocationDate !== undefined && {
        revocation: { revocationDate, reason, ...(invalidityDate && { invalidityDate }) },
      }),
    ...(supersededAt && { supersededAt }),
    ...(instance !== undefined && { instance }),
  }
}

/** The record of a row. `lease`: until when its holder is alive, or nothing. */
export function decodeRow(answer: Buffer, lease: unknown): CertificateRecord {
  // Octets of the record lie in this one piece of memory: one for each of them would cost more than all the rest.
  const octets = asBuffer(ownOctets(answer))
  const reader = new OctetReader(octets)
  const { state, fingerprint, revocation, supersededAt, instance } = readHead(reader)
  const subject = decodeBody(new OctetReader(reader.counted(4)))
  const content = reader.rest()
  const isCertificate = state === 'issued' || state === 'pinned'
  return {
    ...subject,
    state,
    ...(content.length > 0 && (isCertificate ? { der: asOctets(content) } : { tbsCertificate: asOctets(content) })),
    ...(fingerprint && { fingerprint: asOctets(fingerprint) }),
    ...(revocation && { revocation }),
    ...(supersededAt && { supersededAt }),
    ...(instance !== undefined && !isNothing(lease) && { holder: { instance, leaseUntil: new Date(numberOf(lease)) } }),
  }
}

/** State and revocation alone. */
export function decodeStatus(octets: Buffer): CertificateStatus {
  const { state, revocation } = readHead(new OctetReader(octets))
  return revocation === undefined ? { state } : { state, revocation }
}

/** All rows of an answer, from that element on: ordinal, octets and lease of each. */
export function decodeRows(answer: readonly unknown[], from: number): readonly CertificateRow[] {
  const rows: CertificateRow[] = []
  for (let at = from; at + 2 < answer.length; at += 3) {
    rows.push({
      ordinal: octetsOf(answer[at]).readUIntBE(0, 6),
      record: decodeRow(octetsOf(answer[at + 1]), answer[at + 2]),
    })
  }
  return rows
}
