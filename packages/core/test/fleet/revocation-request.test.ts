import { generateKeyPairSync } from 'node:crypto'
import { createCertificationRequest, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { softwareSigner } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'

const now = new Date('2026-11-21T12:00:00Z')
let fleet: Fleet
let csr: Uint8Array
beforeEach(async () => {
  fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), clock: () => now, background: false })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  csr = await createCertificationRequest({ subject: [], signer: softwareSigner(privateKey) })
  await fleet.enroll('sensor-1', { csr, owner: 'alice' })
  return () => fleet.close()
})

// Types do not reach callers in JavaScript. Whoever means keyCompromise and is not understood must hear of it: else the key stays open.
const misunderstood: readonly (readonly [string, unknown])[] = [
  ['a bare reason', 'keyCompromise'],
  ['a misspelt name', { raeson: 'keyCompromise' }],
  ['null', null],
  ['an unknown reason', { reason: 'stolen' }],
  ['removeFromCRL', { reason: 'removeFromCRL' }],
  ['a date that is none', { invalidityDate: '2026-11-20' }],
]

describe('what is asked of a revocation', () => {
  it.each(misunderstood)('%s is refused, and nothing is revoked', async (_, request) => {
    const target = fleet.revoke('sensor-1', request as never)
    await expect(target).rejects.toThrow(TypeError)
    await expect(target).rejects.toThrow(/^(request|reason|invalidityDate): /)
    const all = fleet.revokeAll({ owner: 'alice' }, request as never)
    await expect(all).rejects.toThrow(TypeError)
    expect((await fleet.device('sensor-1'))?.status).toBe('active')
  })

  it.each([null, undefined, 7, {}, [], { serialNumber: '01' }])('%j names nothing', async target => {
    await expect(fleet.revoke(target as never)).rejects.toThrow(/^target: expected a device id, /)
    await expect(fleet.release(target as never)).rejects.toThrow(/^target: expected a device id, /)
  })
})
