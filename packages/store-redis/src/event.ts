import type { Events, FleetEvent, FleetEventInput, FleetEventType } from '@fleetcert/core'
import { idOctets } from './arguments.ts'
import { OctetReader } from './octet-reader.ts'
import { dateText, packCounted, packDate, packNumber, packText } from './octets.ts'
import { storeCorrupt } from './store-errors.ts'

const hasDevice = 1
const hasCertificate = 2
const hasFingerprint = 4
const hasFingerprintText = 8
const hasDetails = 16

const colonHex = /^[0-9A-F]{2}(?::[0-9A-F]{2}){0,254}$/

/** An event as the ledger keeps it: see `lua/ledger.ts`. */
export function encodeEvent({ type, at, deviceId, certificate, fingerprint, details }: FleetEventInput): Buffer {
  const isOctets = fingerprint !== undefined && colonHex.test(fingerprint)
  const flags =
    (deviceId === undefined ? 0 : hasDevice) |
    (certificate === undefined ? 0 : hasCertificate) |
    (fingerprint === undefined ? 0 : isOctets ? hasFingerprint : hasFingerprintText) |
    (details === undefined ? 0 : hasDetails)
  const parts = [packDate(at, 'at'), packNumber(flags, 1), packText(type, 1, 'type')]
  if (deviceId !== undefined) parts.push(packText(deviceId, 2, 'deviceId'))
  if (certificate !== undefined) {
    const { issuer, serial } = idOctets(certificate)
    parts.push(packCounted(issuer, 1, 'issuerKeyId'), packCounted(serial, 1, 'serialNumber'))
  }
  if (fingerprint !== undefined) {
    parts.push(
      isOctets
        ? packCounted(Buffer.from(fingerprint.replaceAll(':', ''), 'hex'), 1, 'fingerprint')
        : packText(fingerprint, 2, 'fingerprint'),
    )
  }
  if (details !== undefined) parts.push(packText(JSON.stringify(details), 4, 'details'))
  return Buffer.concat(parts)
}

export function encodeEvents(events: Events): Buffer[] {
  return events.map(encodeEvent)
}

/** An event that scripts make one of for each certificate: date, type, device id and details, without certificate and fingerprint. */
export function eventPattern({ at, type, deviceId, details }: FleetEventInput): string[] {
  return [dateText(at, 'at'), type, deviceId ?? '', details === undefined ? '' : JSON.stringify(details)]
}

export function decodeEvent(sequence: number, octets: Buffer): FleetEvent {
  const reader = new OctetReader(octets)
  const at = reader.date()
  const flags = reader.number(1)
  const has = (flag: number): boolean => (flags & flag) !== 0
  const type = reader.text(1) as FleetEventType
  const deviceId = has(hasDevice) ? reader.text(2) : undefined
  const certificate = has(hasCertificate) ? { issuerKeyId: reader.hex(1), serialNumber: reader.hex(1) } : undefined
  const fingerprint = has(hasFingerprint)
    ? reader
        .hex(1)
        .toUpperCase()
        .replace(/..(?=.)/g, '$&:')
    : has(hasFingerprintText)
      ? reader.text(2)
      : undefined
  const details = has(hasDetails) ? parseDetails(reader.text(4)) : undefined
  return {
    type,
    at,
    ...(deviceId !== undefined && { deviceId }),
    ...(certificate && { certificate }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(details && { details }),
    sequence,
    cursor: String(sequence),
  }
}

function parseDetails(text: string): Record<string, string | number | boolean> {
  try {
    return JSON.parse(text)
  } catch {
    throw storeCorrupt('a text that should be JSON is not')
  }
}
