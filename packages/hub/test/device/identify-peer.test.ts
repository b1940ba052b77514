import { createHash } from 'node:crypto'
import { decodePem, type Fleet, type Identification, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identifyNamed, identifyPeer } from '../../src/device/identify-peer.ts'

const day = 86_400
const start = Date.parse('2030-01-01T00:00:00Z')

let fleet: Fleet
let now = start
const clock = () => new Date(now)

/** The CAs of this fleet end 40 days after the start, its devices after 30. */
beforeAll(async () => {
  fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    background: false,
    clock,
    root: { validitySeconds: 40 * day },
    profiles: { device: { validitySeconds: 30 * day } },
  })
})
afterAll(() => fleet.close())

const derOf = (pem: string): Uint8Array => decodePem(pem, 'CERTIFICATE')[0]!.der

test('without a chain, with the chain, and with anything in its place', async () => {
  const { certificate, chain, fingerprint } = await fleet.enroll('d-1', { owner: 'acme' })
  const own = derOf(certificate)
  const peer = { deviceId: 'd-1', owner: 'acme', fingerprint }
  expect(await identifyPeer({ fleet, clock }, [own])).toMatchObject(peer)
  expect(await identifyPeer({ fleet, clock }, [own, derOf(chain)])).toMatchObject(peer)
  expect(await identifyPeer({ fleet, clock }, [own, Uint8Array.of(1), own, ...Array(50).fill(own)])).toMatchObject(peer)
  expect(await identifyNamed({ fleet, clock }, fingerprint)).toMatchObject(peer)
})

test('what is no certificate', async () => {
  await expect(identifyPeer({ fleet, clock }, [])).rejects.toMatchObject({ code: 'ERR_PKI_CLIENT_REQUIRED' })
  for (const der of [new Uint8Array(), Uint8Array.of(0x30, 0), new Uint8Array(100_000)]) {
    await expect(identifyPeer({ fleet, clock }, [der])).rejects.toMatchObject({ code: 'ERR_PKI_CLIENT_UNTRUSTED' })
  }
  await expect(identifyNamed({ fleet, clock }, '00')).rejects.toMatchObject({ code: 'ERR_PKI_FINGERPRINT' })
  await expect(identifyNamed({ fleet, clock }, 'AB'.repeat(32))).rejects.toMatchObject({
    code: 'ERR_PKI_CLIENT_UNTRUSTED',
  })
})

test('what the store says alone is not enough: a certificate that the CA did not make is none', async () => {
  const foreign = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false, clock })
  const der = derOf((await foreign.enroll('d-2')).certificate)
  const { device, certificate } = (await fleet.identify({
    der: derOf((await fleet.enroll('d-2')).certificate),
  })) as Extract<Identification, { readonly status: 'active' }>
  // As a store would that somebody has written a row into.
  const lied: Pick<Fleet, 'identify' | 'issuers' | 'trustAnchors'> = {
    identify: async () => ({ status: 'active', device, certificate: { ...certificate, der } }),
    issuers: () => fleet.issuers(),
    trustAnchors: fleet.trustAnchors,
  }
  const fingerprint = createHash('sha256').update(der).digest('hex')
  const refused = { code: 'ERR_PKI_CLIENT_UNTRUSTED', details: { reason: 'no path leads to the trust anchors' } }
  await expect(identifyPeer({ fleet: lied, clock }, [der])).rejects.toMatchObject(refused)
  await expect(identifyNamed({ fleet: lied, clock }, fingerprint)).rejects.toMatchObject(refused)
  await foreign.close()
})

test('grace forgives the end of the certificate to the second, and not that of its CA', async () => {
  now = start
  const der = derOf((await fleet.enroll('d-3')).certificate)
  const { notAfter } = (await fleet.device('d-3'))!
  const expired = { code: 'ERR_PKI_CLIENT_EXPIRED' }
  now = notAfter.getTime() + 2000
  await expect(identifyPeer({ fleet, clock }, [der])).rejects.toMatchObject(expired)
  await expect(identifyPeer({ fleet, clock }, [der], 1)).rejects.toMatchObject(expired)
  expect(await identifyPeer({ fleet, clock }, [der], 2)).toMatchObject({ deviceId: 'd-3' })
  now = start + 39 * day * 1000
  expect(await identifyPeer({ fleet, clock }, [der], 10 * day)).toMatchObject({ deviceId: 'd-3' })
  now = start + 41 * day * 1000
  await expect(identifyPeer({ fleet, clock }, [der], 30 * day)).rejects.toMatchObject({
    code: 'ERR_PKI_CLIENT_UNTRUSTED',
  })
})
