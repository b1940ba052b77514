import { randomBytes } from 'node:crypto'
import { type Keyring, memoryKeyring } from '@fleetcert/core'
import { afterEach, describe, expect, it } from 'vitest'
import { type OcspFleet, openOcspFleet } from './ocsp-fleet.ts'

let world: OcspFleet
afterEach(() => world.fleet.close())

/** With a signer that fails while `isBroken`. */
function breakableKeyring(): Keyring & { isBroken: boolean } {
  const keyring = memoryKeyring()
  const self = {
    isBroken: false,
    create: keyring.create.bind(keyring),
    list: keyring.list.bind(keyring),
    delete: keyring.delete.bind(keyring),
    open: async (name: string) => {
      const signer = await keyring.open(name)
      if (signer === undefined) return undefined
      return {
        algorithm: signer.algorithm,
        publicKey: signer.publicKey,
        sign: async (...args: Parameters<typeof signer.sign>) => {
          if (self.isBroken) throw new Error('the token was removed')
          return signer.sign(...args)
        },
      }
    },
  }
  return self
}

describe('strangers who ask', () => {
  it('cannot fill the store while the CA’s key does not sign', async () => {
    const issuing = breakableKeyring()
    world = await openOcspFleet({ keyring: { root: memoryKeyring(), issuing } })
    const { serialNumber } = await world.fleet.enroll('sensor-1')
    issuing.isBroken = true
    world.calls.length = 0
    for (let count = 0; count < 50; count += 1) {
      expect(await world.ask(serialNumber, { nonce: randomBytes(16) })).toMatchObject({ responseStatus: 'tryLater' })
    }
    // Each attempt leaves a reservation on record, and two events in the ledger.
    expect(world.calls.filter(name => name === 'reserve').length).toBeLessThanOrEqual(2)
  })
})

describe('who gives up', () => {
  it('is not held by a ledger that does not answer', async () => {
    world = await openOcspFleet()
    const { serialNumber } = await world.fleet.enroll('sensor-1')
    const { promise: never, resolve } = Promise.withResolvers<void>()
    world.before = name => (name === 'ledger' || name === 'cursor' ? never : undefined)
    const controller = new AbortController()
    const asked = world.fleet.ocsp(world.request(serialNumber), { signal: controller.signal })
    const second = world.fleet.ocsp(world.request(serialNumber), { signal: controller.signal })
    setImmediate(() => controller.abort(new Error('enough')))
    await expect(asked).rejects.toThrow('enough')
    await expect(second).rejects.toThrow('enough')
    world.before = () => {}
    resolve()
    expect(await world.statusOf(serialNumber)).toBe('good')
  }, 2000)
})
