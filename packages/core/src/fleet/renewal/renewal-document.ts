import { PkiError } from '@fleetcert/x509'
import type { RenewalSchedule } from './renewal-schedule.ts'

/** Name of the document that holds the schedules. */
export const renewalDocumentName = 'renewals'

/** Dates as ISO 8601. */
type Kept = Omit<RenewalSchedule, 'from' | 'to' | 'createdAt' | 'issuedBefore'> & {
  readonly from: string
  readonly to: string
  readonly createdAt: string
  readonly issuedBefore: string
}

/** The schedules, in the order in which they were made. */
export function encodeRenewalDocument(schedules: readonly RenewalSchedule[]): Uint8Array {
  return Buffer.from(JSON.stringify({ format: 1, schedules }))
}

/** @throws PkiError `ERR_PKI_STORE_CORRUPT`, `ERR_PKI_STORE_SCHEMA` */
export function decodeRenewalDocument(value: Uint8Array): readonly RenewalSchedule[] {
  let document: { readonly format?: unknown; readonly schedules?: unknown } | null
  try {
    document = JSON.parse(Buffer.from(value).toString('utf8'))
  } catch {
    throw corrupt()
  }
  if (typeof document?.format !== 'number') throw corrupt()
  if (document.format !== 1) throw new PkiError('ERR_PKI_STORE_SCHEMA', { found: document.format, supported: 1 })
  if (!Array.isArray(document.schedules)) throw corrupt()
  return document.schedules.map(toSchedule)
}

function toSchedule({ from, to, createdAt, issuedBefore, ...rest }: Kept): RenewalSchedule {
  return { ...rest, from: date(from), to: date(to), createdAt: date(createdAt), issuedBefore: date(issuedBefore) }
}

function date(text: string): Date {
  const found = new Date(text)
  if (Number.isNaN(found.getTime())) throw corrupt()
  return found
}

function corrupt(): PkiError {
  return new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the schedules of renewals cannot be read' })
}
