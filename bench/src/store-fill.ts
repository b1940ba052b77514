import { createHash } from 'node:crypto'
import { decodePem, type Fleet, type Store } from '@fleetcert/core'
import { benchDeviceId, deviceMaker, type Template } from './auth-devices.ts'

const callers = 64

/** Devices in a store as issuing leaves them but for the ledger, which a hub that has run for a while has read; made by the store's own calls. One is enrolled, and the others are like it. Resolves what the others are made of. */
export async function fillDevices(fleet: Fleet, store: Store, count: number): Promise<Template['certificate']> {
  const { certificate, issuerKeyId } = await fleet.enroll(benchDeviceId(0), { owner: ownerOf(0) })
  const template = Buffer.from(decodePem(certificate)[0]!.der).toString('base64')
  const deviceOf = deviceMaker({ certificate: template })
  const holder = { instance: 'fill', leaseUntil: new Date(Date.now() + 3_600_000) }
  let next = 1
  const caller = async (): Promise<void> => {
    while (next < count) {
      const index = next
      next += 1
      const { deviceId, serialNumber, der } = deviceOf(index)
      const id = { issuerKeyId, serialNumber: Buffer.from(serialNumber).toString('hex') }
      const now = new Date()
      const reserved = await store.reserve(
        {
          id,
          role: 'device',
          profile: 'device',
          deviceId,
          owner: ownerOf(index),
          publicKeyHash: createHash('sha256').update(deviceId).digest(),
          notBefore: now,
          notAfter: new Date(now.getTime() + 365 * 86_400_000),
          shard: 0,
          createdAt: now,
          tbsCertificate: der.subarray(4, 484),
          holder,
          expect: 'newDevice',
        },
        [],
      )
      if (reserved !== 'reserved') throw new Error(reserved)
      await store.commit(id, der, [])
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return template
}

function ownerOf(index: number): string {
  return `owner-${String(index % 1000).padStart(3, '0')}`
}
