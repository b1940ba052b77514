import {
  type Fleet,
  type FleetEvent,
  memoryKeyring,
  memoryStore,
  openFleet,
  PkiError,
  parseCertificate,
  type Store,
} from '@fleetcert/core'
import { certificateFingerprint, encodePem } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'
import { at, makeCa, makeEndEntity } from '../path/support/pki.ts'

let now: Date
let store: Store
let fleet: Fleet
beforeEach(async () => {
  now = at
  store = memoryStore({ clock: () => now })
  fleet = await openFleet({ store, keyring: memoryKeyring(), clock: () => now, background: false })
  return () => fleet.close()
})
const manufacturer = makeCa('manufacturer')
const foreign = makeEndEntity(manufacturer)
const pem = (der: Uint8Array): string => encodePem('CERTIFICATE', der)
const registered = async (): Promise<FleetEvent[]> =>
  (await Array.fromAsync(fleet.events({ follow: false }))).filter(({ type }) => type === 'registered')

describe('register', () => {
  it('pins a certificate by all its octets, with owner and attributes', async () => {
    const device = await fleet.register('pump-1', pem(foreign.der), { owner: 'alice', attributes: { site: 'north' } })
    const { notBefore, notAfter, serialNumber } = parseCertificate(foreign.der)
    const fingerprint = certificateFingerprint(foreign.der)
    const facts = {
      deviceId: 'pump-1',
      role: 'device',
      owner: 'alice',
      attributes: { site: 'north' },
      status: 'active',
    }
    expect(device).toMatchObject({ ...facts, fingerprint, notBefore, notAfter, serialNumber, createdAt: at })
    expect(await fleet.device('pump-1')).toEqual(device)
    expect(await fleet.identify({ der: foreign.der })).toMatchObject({
      status: 'active',
      device,
      certificate: { state: 'pinned' },
    })
    const changed = new Uint8Array(foreign.der)
    changed[changed.length - 1]! ^= 1
    expect(await fleet.identify({ der: changed })).toEqual({ status: 'unknown' })
    expect(await registered()).toEqual([expect.objectContaining({ deviceId: 'pump-1', fingerprint, at })])
  })

  it('takes DER that its owner writes to afterwards', async () => {
    const der = new Uint8Array(foreign.der)
    const pending = fleet.register('pump-1', der)
    der.fill(0)
    await pending
    expect((await fleet.identify({ der: foreign.der })).status).toBe('active')
  })

  it('is done once, for one device', async () => {
    await fleet.register('pump-1', foreign.der)
    await fleet.register('pump-1', foreign.der)
    await expect(fleet.register('pump-2', foreign.der)).rejects.toMatchObject({ code: 'ERR_PKI_PIN_TAKEN' })
    expect(await registered()).toHaveLength(1)
  })

  it('lets a device have several, and an issued one beside them', async () => {
    await fleet.register('pump-1', foreign.der)
    await fleet.register('pump-1', makeEndEntity(manufacturer).der)
    await expect(fleet.enroll('pump-1')).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_EXISTS' })
    const { fingerprint } = await fleet.enroll('pump-2')
    await fleet.register('pump-2', makeEndEntity(makeCa('other')).der)
    expect((await fleet.identify({ fingerprint })).status).toBe('active')
  })

  it('can be renewed into the fleet, which ends the pin with its overlap', async () => {
    await fleet.register('pump-1', foreign.der, { owner: 'alice' })
    const { fingerprint } = await fleet.renew('pump-1', { overlapSeconds: 60 })
    expect((await fleet.identify({ der: foreign.der })).status).toBe('active')
    now = new Date(at.getTime() + 60_000)
    expect((await fleet.identify({ der: foreign.der })).status).toBe('superseded')
    expect(await fleet.identify({ fingerprint })).toMatchObject({ status: 'active', device: { owner: 'alice' } })
  })

  it('does not lift a revocation, nor take a key that was compromised', async () => {
    await fleet.register('pump-1', foreign.der)
    await fleet.revoke('pump-1', { reason: 'keyCompromise' })
    await expect(fleet.register('pump-1', foreign.der)).resolves.toMatchObject({ status: 'revoked' })
    expect((await fleet.identify({ der: foreign.der })).status).toBe('revoked')
    const { subjectPublicKeyInfo: publicKey } = parseCertificate(makeEndEntity(manufacturer).der)
    await fleet.revoke({ publicKey }, { reason: 'keyCompromise' })
  })

  it('keeps what is pinned out of the fleet’s own CRLs', async () => {
    await fleet.register('pump-1', foreign.der)
    await fleet.revoke('pump-1')
    for await (const { issuerKeyId } of fleet.issuers()) {
      const own = await store.certificate({ issuerKeyId, serialNumber: parseCertificate(foreign.der).serialNumber })
      expect(own).toBeUndefined()
    }
  })

  it('tells self-signed certificates of one name and serial number apart, and takes one of each from a CA', async () => {
    const [first, second] = [makeCa('same'), makeCa('same')]
    await fleet.register('pump-1', first.der)
    await fleet.register('pump-2', second.der)
    expect((await fleet.device('pump-1'))?.issuerKeyId).not.toBe((await fleet.device('pump-2'))?.issuerKeyId)
  })

  it('refuses what a CA of the fleet has made, or is', async () => {
    const { chain, trustAnchors } = await fleet.enroll('pump-1')
    const { certificate } = await fleet.issueServer({ hosts: ['pump-2'] })
    for (const own of [chain, trustAnchors, certificate]) {
      await expect(fleet.register('pump-3', own)).rejects.toMatchObject({ code: 'ERR_PKI_CERTIFICATE' })
    }
    // Another fleet's CA bears the same name and is another.
    const other = await openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      clock: () => now,
      background: false,
    })
    await fleet.register('pump-3', (await other.enroll('pump-3')).certificate)
    await other.close()
  })

  it.each([
    ['a device id that is none', 'a/b', {}, 'ERR_PKI_DEVICE_ID'],
    ['an owner that is none', 'pump-1', { owner: '+' }, 'ERR_PKI_DEVICE_ID'],
    ['an attribute that is none', 'pump-1', { attributes: { site: 'a#' } }, 'ERR_PKI_DEVICE_ID'],
  ])('refuses %s', async (_, deviceId, request, code) => {
    await expect(fleet.register(deviceId, foreign.der, request)).rejects.toMatchObject({ code })
    expect(await registered()).toEqual([])
  })
  it.each([
    ['text', 'x', 'ERR_PKI_PEM'],
    ['half of it', foreign.der.subarray(0, 100), 'ERR_PKI_DER'],
    ['two', pem(foreign.der) + pem(foreign.der), 'ERR_PKI_PEM'],
    ['70 KB', new Uint8Array(70_000), 'ERR_PKI_TOO_LARGE'],
  ])('refuses %s', async (_, certificate, code) => {
    await expect(fleet.register('pump-1', certificate)).rejects.toMatchObject({ code })
  })
  it('refuses what has expired, and lists what is not valid yet as such', async () => {
    now = new Date(parseCertificate(foreign.der).notAfter.getTime() + 1000)
    await expect(fleet.register('pump-1', foreign.der)).rejects.toMatchObject({ code: 'ERR_PKI_VALIDITY' })
  })
  it('rejects when the store is down, and after close', async () => {
    const down = new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'down' })
    store.register = () => Promise.reject(down)
    await expect(fleet.register('pump-1', foreign.der)).rejects.toBe(down)
    await fleet.close()
    await expect(fleet.register('pump-1', foreign.der)).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
  })
})
