import type { FleetEventInput, Reservation } from '../packages/core/src/index.ts'

export const issuer: string = 'ab'.repeat(32)

/** A reservation that differs from the next in its serial number and device alone. */
export function reservation({ serialNumber, deviceId }: { serialNumber: string; deviceId: string }): Reservation {
  const now = Date.now()
  return {
    id: { issuerKeyId: issuer, serialNumber },
    role: 'device',
    profile: 'device',
    deviceId,
    publicKeyHash: new Uint8Array(32).fill(1),
    notBefore: new Date(now),
    notAfter: new Date(now + 86_400_000),
    shard: 0,
    createdAt: new Date(now),
    tbsCertificate: Buffer.from(`tbs ${serialNumber}`),
    holder: { instance: `process ${process.pid}`, leaseUntil: new Date(now + 15_000) },
    expect: 'any',
  }
}

/** An event of it. */
export function eventOf(type: FleetEventInput['type'], { id, deviceId }: Reservation): FleetEventInput {
  return { type, at: new Date(), certificate: id, ...(deviceId !== undefined && { deviceId }) }
}
