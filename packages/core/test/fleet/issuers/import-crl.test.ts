import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type IssuerBench, issuerBench, issuerIn, issuersOf } from './bench.ts'

let bench: IssuerBench
let fleet: Fleet
/** Somebody else's CA, whose devices are registered here. */
let foreign: Fleet
beforeEach(async () => {
  bench = issuerBench()
  fleet = await bench.open()
  foreign = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    organization: 'Foreign',
    background: false,
  })
})
afterEach(async () => {
  await bench.close()
  await foreign.close()
})

it('ends what was registered, as the CRL of its own CA says', async () => {
  const made = [await foreign.enroll('a'), await foreign.enroll('b'), await foreign.enroll('c')]
  bench.now = new Date()
  for (const { deviceId, certificate } of made) await fleet.register(deviceId, certificate)
  await fleet.enroll('own-1')
  const issuer = (await issuerIn(foreign, 'issuingCa', 'active')).certificate
  const status = async (deviceId: string): Promise<string | undefined> => (await fleet.device(deviceId))?.status
  expect(await fleet.importCrl((await foreign.crl()).der, { issuer })).toMatchObject({ revoked: 0 })
  await foreign.revoke('a', { reason: 'keyCompromise' })
  await foreign.revoke('b', { reason: 'certificateHold' })
  await foreign.enroll('d')
  await foreign.revoke('d')
  const crl = await foreign.crl()
  bench.now = new Date()
  expect(await fleet.importCrl(crl.pem, { issuer })).toEqual({ revoked: 2, nextUpdate: crl.nextUpdate })
  expect(await fleet.importCrl(crl.pem, { issuer })).toMatchObject({ revoked: 0 })
  expect([await status('a'), await status('b'), await status('c'), await status('own-1')]).toEqual([
    'revoked',
    'held',
    'active',
    'active',
  ])
  // What the CA lists no more stays held until somebody here says otherwise.
  await foreign.release('b')
  await fleet.importCrl((await foreign.crl()).der, { issuer })
  expect(await status('b')).toBe('held')
  await fleet.release('b')
  expect(await status('b')).toBe('active')
})

it('takes no CRL that proves nothing', async () => {
  const issuer = (await issuerIn(foreign, 'issuingCa', 'active')).certificate
  const root = (await issuerIn(foreign, 'root', 'active')).certificate
  const crl = await foreign.crl()
  const refusal = (input: string | Uint8Array, by = issuer): Promise<unknown> =>
    fleet
      .importCrl(input, { issuer: by })
      .catch((error: { code?: string; details?: { reason?: string } }) => error.details?.reason ?? error.code)
  expect(await refusal(crl.der, root)).toMatch(/another CA/)
  const forged = new Uint8Array(crl.der)
  forged[forged.length - 1]! ^= 1
  expect(await refusal(forged)).toMatch(/signature/)
  bench.now = new Date(crl.nextUpdate.getTime() + 1000)
  expect(await refusal(crl.der)).toMatch(/not current/)
  bench.now = new Date(crl.thisUpdate.getTime() + 86_400_000)
  expect(await refusal('nonsense')).toBeDefined()
  await expect(fleet.importCrl(crl.der, {} as never)).rejects.toThrow()
  expect((await issuersOf(fleet)).length).toBe(2)
})
