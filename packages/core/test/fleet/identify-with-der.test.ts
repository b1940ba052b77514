import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodePem, type Fleet, memoryKeyring, memoryStore, openFleet, PkiError } from '../../src/index.ts'

let fleet: Fleet
let isDown = false
beforeAll(async () => {
  const store = new Proxy(memoryStore(), {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (name !== 'certificate' || typeof value !== 'function') return value
      return (...args: unknown[]) =>
        isDown
          ? Promise.reject(new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'down' }))
          : Reflect.apply(value, target, args)
    },
  })
  fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
})
afterAll(() => fleet.close())

test('a certificate named by its fingerprint comes with its octets when they are asked for', async () => {
  const { certificate, fingerprint } = await fleet.enroll('d-1')
  const der = decodePem(certificate)[0]!.der
  // Kept in memory or not: the same.
  for (let round = 0; round < 2; round += 1) {
    const plain = await fleet.identify({ fingerprint })
    expect(plain.status === 'active' && plain.certificate.der).toBeUndefined()
    const whole = await fleet.identify({ fingerprint }, { withDer: true })
    expect(whole.status === 'active' && whole.certificate.der).toEqual(der)
  }
})

test('a revocation counts at once, unknown is unknown, and a store that is down answers nothing', async () => {
  const { fingerprint } = await fleet.enroll('d-2')
  await fleet.revoke('d-2')
  expect((await fleet.identify({ fingerprint }, { withDer: true })).status).toBe('revoked')
  expect(await fleet.identify({ fingerprint: 'AB'.repeat(32) }, { withDer: true })).toEqual({ status: 'unknown' })
  expect(fleet.identityCounters().unknown).toBe(1)
  isDown = true
  await expect(fleet.identify({ fingerprint }, { withDer: true })).rejects.toMatchObject({
    code: 'ERR_PKI_STORE_UNAVAILABLE',
  })
  isDown = false
})
