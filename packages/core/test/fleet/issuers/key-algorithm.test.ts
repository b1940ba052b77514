import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { parseCertificate } from '@fleetcert/x509'
import { expect, it } from 'vitest'
import { issuersOf, opensslVerify } from './bench.ts'

it('makes the CAs with the keys and for the time that the first start says', async () => {
  const store = memoryStore()
  const fleet = await openFleet({
    store,
    keyring: memoryKeyring(),
    root: { keyAlgorithm: 'P-384' },
    issuing: { keyAlgorithm: 'RSA-3072', validitySeconds: 86_400 * 365 },
    background: false,
  })
  const [root, issuing] = (await issuersOf(fleet)).map(({ certificate }) => parseCertificate(certificate))
  expect(root!.publicKey).toMatchObject({ type: 'ec', curve: 'P-384' })
  expect(issuing!.publicKey).toMatchObject({ type: 'rsa', modulusBits: 3072 })
  expect(issuing!.notAfter.getTime() - Date.now()).toBeLessThanOrEqual(86_400_000 * 365)
  const device = await fleet.enroll('sensor-1', { validitySeconds: 86_400 })
  expect(opensslVerify(device, fleet.trustAnchors)).toBe('OK')
  await fleet.rollover('announce', { root: true })
  const announced = (await issuersOf(fleet))
    .slice(2)
    .map(({ certificate }) => parseCertificate(certificate).publicKey.type)
  expect(announced).toEqual(['ec', 'rsa'])
  await fleet.close()
})

it.each([
  ['root', { root: { keyAlgorithm: 'P-521' } }],
  ['issuing', { issuing: { keyAlgorithm: 'constructor' } }],
  ['validity', { issuing: { validitySeconds: 1 } }],
  ['external', { root: { external: 'yes' } }],
])('refuses what is none: %s', async (_, options) => {
  const store = memoryStore()
  await expect(openFleet({ store, keyring: memoryKeyring(), ...options } as never)).rejects.toThrow()
  expect(await store.document('fleet')).toBeUndefined()
})
