import type { CertificateRecord, CertificateState, CertificateStatus, CrlReason, Revocation } from '@fleetcert/core'
import { decodeBody } from './certificate-body.ts'
import { OctetReader } from './octet-reader.ts'
import { ownOctets } from './octets.ts'
import { isNothing, numberOf, octetsOf } from './replies.ts'
import { storeCorrupt } from './store-errors.ts'

/** A row as scripts answer it: see `lua/rows.ts`. */
export interface CertificateRow {
  /** In the order of creation. */
  readonly ordinal: number
  readonly record: CertificateRecord
}

const states: readonly CertificateState[] = ['reserved', 'abandoned', 'issued', 'pinned']

const hasFingerprint = 1
const hasRevocation = 2
const hasInvalidity = 4
const isSuperseded = 8
const hasSuccessor = 16
const hasRenewal = 32
const supersedes = 64
const hasPlace = 128

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
  reader.octets(4 + 6)
  const fingerprint = has(hasFingerprint) ? reader.octets(32) : undefined
  const reason = has(hasRevocation) ? (reader.text(1) as CrlReason) : undefined
  const revocationDate = has(hasRevocation) ? reader.date() : undefined
  const invalidityDate = has(hasInvalidity) ? reader.date() : undefined
  const supersededAt = has(isSuperseded) ? reader.date() : undefined
  if (has(hasSuccessor)) reader.octets(6)
  if (has(hasRenewal)) reader.octets(6)
  if (has(supersedes)) reader.octets(6 + 8)
  if (has(hasPlace)) reader.octets(6)
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
export function decodeRow(octets: Buffer, lease: unknown): CertificateRecord {
  const reader = new OctetReader(octets)
  const { state, fingerprint, revocation, supersededAt, instance } = readHead(reader)
  const subject = decodeBody(new OctetReader(reader.counted(4)))
  const content = reader.rest()
  const isCertificate = state === 'issued' || state === 'pinned'
  return {
    ...subject,
    state,
    ...(content.length > 0 && (isCertificate ? { der: ownOctets(content) } : { tbsCertificate: ownOctets(content) })),
    ...(fingerprint && { fingerprint: ownOctets(fingerprint) }),
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
