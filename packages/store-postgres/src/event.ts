import type { Events, FleetEvent, FleetEventInput, FleetEventType } from '@fleetcert/core'
import { hexText, milliseconds, plainText } from './arguments.ts'
import { dateOf, hexOf, isThere, jsonOf, numberOf, type Row, textOf } from './columns.ts'

/** An event as `append` of the server takes it. */
export interface EncodedEvent {
  readonly type: string
  readonly at: number
  readonly deviceId?: string
  readonly issuer?: string
  readonly serial?: string
  readonly fingerprint?: string
  /** JSON, as text: what it holds may be more than text of the server can. */
  readonly details?: string
}

export function encodeEvent({ type, at, deviceId, certificate, fingerprint, details }: FleetEventInput): EncodedEvent {
  return {
    type,
    at: milliseconds(at, 'at'),
    ...(deviceId !== undefined && { deviceId: plainText(deviceId, 'deviceId') }),
    ...(certificate && {
      issuer: hexText(certificate.issuerKeyId, 'issuerKeyId'),
      serial: hexText(certificate.serialNumber, 'serialNumber'),
    }),
    ...(fingerprint !== undefined && { fingerprint: plainText(fingerprint, 'fingerprint') }),
    ...(details && { details: JSON.stringify(details) }),
  }
}

export function encodeEvents(events: Events): readonly EncodedEvent[] {
  return events.map(encodeEvent)
}

/** The event that the server makes one of for each certificate. */
export function encodePattern({ type, at, deviceId, details }: FleetEventInput): EncodedEvent {
  return encodeEvent({ type, at, ...(deviceId !== undefined && { deviceId }), ...(details && { details }) })
}

/** An event of a row of `ledger`. */
export function decodeEvent([sequence, type, at, , device, issuer, serial, fingerprint, details]: Row): FleetEvent {
  const place = numberOf(sequence)
  return {
    type: textOf(type) as FleetEventType,
    at: dateOf(at),
    ...(isThere(device) && { deviceId: textOf(device) }),
    ...(isThere(issuer) && { certificate: { issuerKeyId: hexOf(issuer), serialNumber: hexOf(serial) } }),
    ...(isThere(fingerprint) && { fingerprint: textOf(fingerprint) }),
    ...(isThere(details) && { details: jsonOf(details) as Record<string, string | number | boolean> }),
    sequence: place,
    cursor: String(place),
  }
}
