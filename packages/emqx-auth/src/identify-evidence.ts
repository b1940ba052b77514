import {
  type CertificateEvidence,
  type CertificateRecord,
  type DeviceRecord,
  type Fleet,
  type Identification,
  type IdentifyOptions,
  isPkiError,
} from '@fleetcert/core'
import type { DenyReason } from './deny-reason.ts'

/** A certificate as a broker shows it: the DER of the end entity, or its SHA-256 fingerprint. */
export type Evidence = CertificateEvidence

/** Whose certificate it is, or why it is nobody's. */
export type Identity =
  | {
      readonly status: 'active'
      readonly device: DeviceRecord
      readonly certificate: CertificateRecord
      /** `AA:BB:…` of the certificate shown. */
      readonly fingerprint: string
    }
  | {
      readonly status: 'refused'
      readonly reason: DenyReason
      readonly deviceId?: string
      /** The fleet has this certificate, and it is nobody's identity. */
      readonly isKnown?: boolean
    }

// What is not `active` is refused, also a status that a later fleet may have.
const refusalReasons: Partial<Record<Identification['status'], DenyReason>> = {
  revoked: 'revoked',
  held: 'held',
  superseded: 'superseded',
  expired: 'expired',
  notYetValid: 'notYetValid',
}
const maximumDerOctets = 65_536

/** Asks the fleet. Rejects when the fleet cannot answer. */
export async function identifyEvidence(
  fleet: Pick<Fleet, 'identify'>,
  evidence: Evidence,
  options?: IdentifyOptions,
): Promise<Identity> {
  if ('der' in evidence && !isOneSequence(evidence.der)) return { status: 'refused', reason: 'certificateUnparsable' }
  const answer = await fleet.identify(evidence, options)
  if (answer.status === 'unknown') return { status: 'refused', reason: 'certificateUnknown' }
  const { device, certificate } = answer
  if (answer.status !== 'active') {
    return {
      status: 'refused',
      reason: refusalReasons[answer.status] ?? 'certificateUnknown',
      deviceId: device.deviceId,
      isKnown: true,
    }
  }
  // A server's or a CA's certificate is ours, too, and is nobody's identity.
  const isDevice = (device.role === 'device' || device.role === 'service') && certificate.role === device.role
  if (!isDevice || certificate.fingerprint === undefined)
    return { status: 'refused', reason: 'certificateUnknown', isKnown: true }
  return { status: 'active', device, certificate, fingerprint: device.fingerprint }
}

/** The reason for a fleet that rejected. */
export function storeFailure(error: unknown): DenyReason {
  if (isPkiError(error, 'ERR_PKI_CLOCK')) return 'clockOff'
  if (isPkiError(error, 'ERR_PKI_BUSY')) return 'overloaded'
  if (isPkiError(error, 'ERR_PKI_DEVICE_ID')) return 'deviceUnknown'
  if (
    isPkiError(error, 'ERR_PKI_FINGERPRINT') ||
    isPkiError(error, 'ERR_PKI_DER') ||
    isPkiError(error, 'ERR_PKI_CERTIFICATE')
  ) {
    return 'certificateUnparsable'
  }
  return 'storeUnavailable'
}

/** Whether the octets are one DER SEQUENCE and nothing behind it. What is inside is the fleet's business: it compares the whole by its hash. */
function isOneSequence(der: Uint8Array): boolean {
  if (!(der instanceof Uint8Array) || der.length < 4 || der.length > maximumDerOctets || der[0] !== 0x30) return false
  const first = der[1]!
  if (first < 0x80) return der.length === 2 + first
  const lengthOctets = first & 0x7f
  if (lengthOctets < 1 || lengthOctets > 3) return false
  let length = 0
  for (let index = 0; index < lengthOctets; index++) length = length * 256 + der[2 + index]!
  return der.length === 2 + lengthOctets + length
}
