import { generateKeyPairSync } from 'node:crypto'
import {
  createCertificationRequest,
  type Enforcer,
  type Fleet,
  type FleetEvent,
  memoryKeyring,
  memoryStore,
  openFleet,
  PkiError,
  type Store,
} from '@fleetcert/core'
import { parseCrl, softwareSigner } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'

let now: Date
let store: Store
let fleet: Fleet
let silenced: string[]
const enforcer: Enforcer = {
  name: 'broker',
  async silence({ deviceId }) {
    silenced.push(deviceId)
    return 'gone'
  },
}
beforeEach(async () => {
  now = new Date('2026-11-21T12:00:00Z')
  silenced = []
  store = memoryStore({ clock: () => now })
  fleet = await openFleet({
    store,
    keyring: memoryKeyring(),
    clock: () => now,
    background: false,
    enforcers: [enforcer],
  })
  return () => fleet.close()
})

interface Key {
  readonly csr: Uint8Array
  readonly publicKey: Uint8Array
}
async function makeKey(): Promise<Key> {
  const signer = softwareSigner(generateKeyPairSync('ed25519').privateKey)
  return { csr: await createCertificationRequest({ subject: [], signer }), publicKey: signer.publicKey }
}
const statusOf = async ({ fingerprint }: { fingerprint: string }): Promise<string> =>
  (await fleet.identify({ fingerprint })).status
const history = async (): Promise<FleetEvent[]> => {
  const events: FleetEvent[] = []
  for await (const event of fleet.events({ follow: false })) events.push(event)
  return events
}
const later = (seconds: number): void => {
  now = new Date(now.getTime() + seconds * 1000)
}

describe('keyCompromise is said of a key', () => {
  it('ends every other certificate with it when one certificate is revoked, and closes their sessions', async () => {
    const { csr } = await makeKey()
    const one = await fleet.enroll('sensor-1', { csr })
    const two = await fleet.enroll('sensor-2', { csr })
    const other = await fleet.enroll('sensor-3')
    const result = await fleet.revoke({ fingerprint: one.fingerprint }, { reason: 'keyCompromise' })
    expect(result).toMatchObject({ deviceId: 'sensor-1', devices: ['sensor-1', 'sensor-2'], reason: 'keyCompromise' })
    expect(result.certificates.map(({ serialNumber }) => serialNumber)).toEqual([one.serialNumber, two.serialNumber])
    expect(await result.enforced).toEqual({ confirmed: ['broker'], pending: [], failed: [] })
    expect(silenced.sort()).toEqual(['sensor-1', 'sensor-2'])
    expect(await Promise.all([one, two, other].map(statusOf))).toEqual(['revoked', 'revoked', 'active'])
    const listed = parseCrl((await fleet.crl()).der).entries.map(({ serialNumber }) => serialNumber)
    expect(listed.sort()).toEqual([one.serialNumber, two.serialNumber].sort())
  })

  it('and when a device is revoked: all keys that it ever had', async () => {
    const [old, current] = [await makeKey(), await makeKey()]
    await fleet.enroll('sensor-1', { csr: old.csr })
    const shares = await fleet.enroll('sensor-2', { csr: old.csr })
    const server = await fleet.issueServer({ hosts: ['broker.example'], csr: current.csr })
    await fleet.renew('sensor-1', { csr: current.csr, overlapSeconds: 0 })
    const result = await fleet.revoke('sensor-1', { reason: 'keyCompromise' })
    expect(result.certificates).toHaveLength(4)
    expect(result.devices).toEqual(['sensor-1', 'sensor-2'])
    expect(await statusOf(shares)).toBe('revoked')
    const { issuerKeyId, serialNumber } = server
    expect((await store.certificate({ issuerKeyId, serialNumber }))?.revocation?.reason).toBe('keyCompromise')
  })

  it('any other reason is said of the certificate alone', async () => {
    const { csr } = await makeKey()
    const one = await fleet.enroll('sensor-1', { csr })
    const two = await fleet.enroll('sensor-2', { csr })
    const result = await fleet.revoke({ fingerprint: one.fingerprint }, { reason: 'superseded' })
    expect(result).toMatchObject({ devices: ['sensor-1'] })
    expect(await statusOf(two)).toBe('active')
  })

  it('the same call again ends what was left by one that was cut short', async () => {
    const { csr } = await makeKey()
    await fleet.enroll('sensor-1', { csr })
    const two = await fleet.enroll('sensor-2', { csr })
    const { revokeAll } = store
    store.revokeAll = async () => {
      throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
    }
    await expect(fleet.revoke('sensor-1', { reason: 'keyCompromise' })).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_UNAVAILABLE',
    })
    // What was ended is ended, and its sessions are closed.
    expect(silenced).toEqual(['sensor-1'])
    expect(await statusOf(two)).toBe('active')
    store.revokeAll = revokeAll
    later(5)
    const again = await fleet.revoke('sensor-1', { reason: 'keyCompromise' })
    expect(again.certificates.map(({ serialNumber }) => serialNumber)).toEqual([two.serialNumber])
    expect(again.devices).toContain('sensor-2')
    expect(again.revocationDate).toEqual(new Date('2026-11-21T12:00:00Z'))
    expect(await statusOf(two)).toBe('revoked')
  })
})

describe('revoke by key', () => {
  it('ends everything with the key, of all devices, once', async () => {
    const { csr, publicKey } = await makeKey()
    const issued = []
    for (let count = 0; count < 3; count += 1) issued.push(await fleet.enroll(`sensor-${count}`, { csr }))
    const other = await fleet.enroll('other')
    const result = await fleet.revoke({ publicKey }, { reason: 'cessationOfOperation' })
    expect(result.deviceId).toBeUndefined()
    expect(result.certificates.map(({ serialNumber }) => serialNumber)).toEqual(
      issued.map(({ serialNumber }) => serialNumber),
    )
    expect(result.devices).toEqual(['sensor-0', 'sensor-1', 'sensor-2'])
    await result.enforced
    expect(silenced.sort()).toEqual(['sensor-0', 'sensor-1', 'sensor-2'])
    expect(await statusOf(other)).toBe('active')
    later(60)
    const again = await fleet.revoke({ publicKey }, { reason: 'superseded' })
    expect(again).toMatchObject({ certificates: [], devices: [], reason: 'cessationOfOperation' })
    expect(again.revocationDate).toEqual(result.revocationDate)
    const worse = await fleet.revoke({ publicKey }, { reason: 'keyCompromise' })
    expect(worse.certificates).toHaveLength(3)
    const revoked = (await history()).filter(({ type }) => type === 'revoked')
    expect(revoked).toHaveLength(6)
    for (const { deviceId, certificate, fingerprint } of revoked) {
      const record = await store.certificate(certificate!)
      expect(record?.deviceId).toBe(deviceId)
      expect(await fleet.identify({ fingerprint: fingerprint! })).toMatchObject({ status: 'revoked' })
    }
  })

  it('answers the date that is recorded, though time goes on meanwhile', async () => {
    await fleet.close()
    const inner = memoryStore({ clock: () => now })
    // A clock that no two calls read alike.
    fleet = await openFleet({
      store: inner,
      keyring: memoryKeyring(),
      background: false,
      clock: () => {
        now = new Date(now.getTime() + 1)
        return now
      },
    })
    const { csr, publicKey } = await makeKey()
    const { fingerprint } = await fleet.enroll('sensor-1', { csr })
    const { revocationDate } = await fleet.revoke({ publicKey }, { reason: 'certificateHold' })
    const identified = await fleet.identify({ fingerprint })
    expect(identified).toMatchObject({ status: 'held', certificate: { revocation: { revocationDate } } })
  })

  it('blocks the key before anything else, also one that no certificate has', async () => {
    const { csr, publicKey } = await makeKey()
    await expect(fleet.revoke({ publicKey })).rejects.toMatchObject({
      code: 'ERR_PKI_CERTIFICATE_UNKNOWN',
      details: { publicKey: expect.stringMatching(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/) },
    })
    await fleet.enroll('sensor-1', { csr: (await makeKey()).csr })
    const result = await fleet.revoke({ publicKey }, { reason: 'keyCompromise' })
    expect(result).toMatchObject({ certificates: [], devices: [], reason: 'keyCompromise' })
    expect(await result.enforced).toEqual({ confirmed: [], pending: [], failed: [] })
    await expect(fleet.enroll('sensor-2', { csr })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_BLOCKED' })
    await fleet.revoke({ publicKey }, { reason: 'keyCompromise' })
    expect((await history()).filter(({ type }) => type === 'keyBlocked')).toHaveLength(1)
  })

  it('lets nothing slip in while the pages are worked through', async () => {
    const { csr, publicKey } = await makeKey()
    await fleet.enroll('sensor-1', { csr })
    const { revokeAll } = store
    const late: unknown[] = []
    store.revokeAll = async (...args) => {
      late.push(await fleet.enroll(`late-${late.length}`, { csr }).catch(error => error.code))
      return revokeAll.apply(store, args)
    }
    await fleet.revoke({ publicKey }, { reason: 'keyCompromise' })
    expect(late).toEqual(['ERR_PKI_KEY_BLOCKED'])
  })

  it('ends a certificate that is being made: its commit is refused', async () => {
    const { csr, publicKey } = await makeKey()
    const { commit } = store
    store.commit = async (...args) => {
      store.commit = commit
      await fleet.revoke({ publicKey }, { reason: 'cessationOfOperation' })
      return commit.apply(store, args)
    }
    await expect(fleet.enroll('sensor-1', { csr })).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_PKI_/) })
    expect(await fleet.device('sensor-1')).toBeUndefined()
  })

  it('refuses what is no key, and the keys of its own CAs', async () => {
    const { publicKey } = await makeKey()
    const reason = 'keyCompromise' as const
    for (const bad of ['MCow', null, 5, [1]]) {
      await expect(fleet.revoke({ publicKey: bad as never }, { reason })).rejects.toBeInstanceOf(TypeError)
    }
    for (const [bad, code] of [
      [new Uint8Array(0), 'ERR_PKI_DER'],
      [publicKey.subarray(0, -1), 'ERR_PKI_DER'],
      [Buffer.concat([publicKey, new Uint8Array(1)]), 'ERR_PKI_DER'],
      [publicKey.subarray(-32), 'ERR_PKI_DER'],
      [new Uint8Array(17_000), 'ERR_PKI_TOO_LARGE'],
    ] as const) {
      await expect(fleet.revoke({ publicKey: bad }, { reason })).rejects.toMatchObject({ code })
    }
    const { parseCertificate } = await import('@fleetcert/x509')
    for await (const { certificate, serialNumber } of fleet.issuers()) {
      const { subjectPublicKeyInfo } = parseCertificate(certificate)
      await expect(fleet.revoke({ publicKey: subjectPublicKeyInfo }, { reason })).rejects.toMatchObject({
        code: 'ERR_PKI_CA_IN_USE',
        details: { serialNumber },
      })
    }
    expect((await history()).some(({ type }) => type === 'keyBlocked')).toBe(false)
  })
})
