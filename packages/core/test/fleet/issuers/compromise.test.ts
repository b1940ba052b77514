import { createPrivateKey } from 'node:crypto'
import type { DeviceCredential, Enforcer, Fleet } from '@fleetcert/core'
import { createCertificationRequest, parseCrl, softwareSigner } from '@fleetcert/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type IssuerBench, issuerBench, issuerIn, issuersOf, opensslVerify } from './bench.ts'

let bench: IssuerBench
let fleet: Fleet
let old: DeviceCredential
beforeEach(async () => {
  bench = issuerBench()
  fleet = await bench.open({ organization: 'Acme' })
  old = await fleet.enroll('sensor-1')
})
afterEach(() => bench.close())

const identify = (credential: DeviceCredential, by = fleet) => by.identify({ fingerprint: credential.fingerprint })
const later = (seconds: number): void => {
  bench.now = new Date(bench.now.getTime() + seconds * 1000)
}
async function renewPresented(credential: DeviceCredential): Promise<DeviceCredential> {
  const signer = softwareSigner(createPrivateKey(credential.privateKey!))
  const csr = await createCertificationRequest({ subject: [], signer })
  return fleet.renew(credential.deviceId, { csr, presented: credential.fingerprint })
}

describe('an issuing CA whose key is in the wrong hands', () => {
  it('is replaced and revoked by one call, and all that it has issued with it', async () => {
    const root = await issuerIn(fleet, 'root', 'active')
    const before = { ...old, trustAnchors: fleet.trustAnchors }
    const result = await fleet.revokeIssuer(old.issuerKeyId)
    expect(result).toMatchObject({ issuerKeyId: old.issuerKeyId, reason: 'cACompromise' })
    expect(result.issuingKeyId).not.toBe(old.issuerKeyId)
    expect(await result.enforced).toEqual({ confirmed: 0, pending: 0, failed: 0, unconfirmed: [] })
    expect((await issuersOf(fleet)).map(({ role, state }) => `${role} ${state}`)).toEqual([
      'root active',
      'issuingCa revoked',
      'issuingCa active',
    ])
    expect(await identify(old)).toMatchObject({
      status: 'revoked',
      reason: 'cACompromise',
      renewableUntil: result.renewableUntil,
    })
    expect(await fleet.device('sensor-1')).toMatchObject({ status: 'revoked', reason: 'cACompromise' })
    // On the root's CRL at once.
    const rootCrl = await fleet.crl({ issuerKeyId: root.issuerKeyId })
    expect(parseCrl(rootCrl.der).entries).toMatchObject([{ reason: 'cACompromise' }])
    const crls = [rootCrl.pem, (await fleet.crl({ issuerKeyId: old.issuerKeyId })).pem, (await fleet.crl()).pem]
    expect(opensslVerify(before, fleet.trustAnchors, { crls })).toBe('certificate revoked')
    const fresh = await fleet.enroll('sensor-2')
    expect(opensslVerify(fresh, fleet.trustAnchors, { crls })).toBe('OK')
    expect(await identify(fresh)).toMatchObject({ status: 'active' })
    // The same again, and nothing more.
    const again = await fleet.revokeIssuer(old.issuerKeyId, { reason: 'superseded' })
    expect(again).toMatchObject({
      revocationDate: result.revocationDate,
      reason: 'cACompromise',
      issuingKeyId: result.issuingKeyId,
    })
    expect(await issuersOf(fleet)).toHaveLength(3)
  })

  it('strands no device: what is on record renews, as long as the operator says, and no forgery', async () => {
    await fleet.revokeIssuer(old.issuerKeyId, { renewableSeconds: 86_400 })
    const { window, reason } = await fleet.renewalInfo({ fingerprint: old.fingerprint })
    expect(window.start).toEqual(bench.now)
    expect(window.end.getTime()).toBeLessThanOrEqual(bench.now.getTime() + 86_400_000)
    expect(reason).toMatch(/revoked/)
    expect(await fleet.dependents(old.issuerKeyId)).toMatchObject({ devices: 1, deviceIds: ['sensor-1'] })
    const renewed = await renewPresented(old)
    // A lost answer is asked for again.
    expect((await renewPresented(old)).fingerprint).toBe(renewed.fingerprint)
    expect(await identify(renewed)).toMatchObject({ status: 'active' })
    expect(await identify(old)).toMatchObject({ status: 'revoked' })
    expect(await fleet.device('sensor-1')).toMatchObject({ status: 'active' })
    await fleet.confirm('sensor-1', { fingerprint: renewed.fingerprint })
    later(3600)
    expect(await fleet.dependents(old.issuerKeyId)).toMatchObject({ devices: 0 })
  })

  it('takes no renewal after that time, nor by what was revoked for itself; the operator may always', async () => {
    const second = await fleet.enroll('sensor-2')
    await fleet.revoke('sensor-2')
    await fleet.revokeIssuer(old.issuerKeyId, { renewableSeconds: 60 })
    await expect(renewPresented(second)).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
      details: { status: 'revoked' },
    })
    expect(await identify(second)).not.toHaveProperty('renewableUntil')
    later(61)
    expect(await identify(old)).not.toHaveProperty('renewableUntil')
    await expect(renewPresented(old)).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_NOT_ACTIVE' })
    await expect(fleet.renewalInfo({ fingerprint: old.fingerprint })).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
    })
    expect(await identify(await fleet.renew('sensor-1'))).toMatchObject({ status: 'active' })
  })

  it('is heard of by other processes within a second, from memory too', async () => {
    const other = await bench.open()
    expect(await identify(old, other)).toMatchObject({ status: 'active' })
    await fleet.revokeIssuer(old.issuerKeyId)
    await expect.poll(async () => (await identify(old, other)).status).toBe('revoked')
    expect((await other.enroll('sensor-3')).issuerKeyId).not.toBe(old.issuerKeyId)
  })

  it('follows an announced rollover where there is one', async () => {
    await fleet.rollover('announce')
    const { issuerKeyId } = await issuerIn(fleet, 'issuingCa', 'announced')
    expect(await fleet.revokeIssuer(old.issuerKeyId)).toMatchObject({ issuingKeyId: issuerKeyId })
    expect(await fleet.rolloverStatus()).toMatchObject({ phase: 'issuing' })
    expect(await fleet.rollover('retire')).toMatchObject({ phase: 'retired' })
    expect(await identify(old)).toMatchObject({ status: 'revoked' })
  })

  it('changes nothing where no successor can be signed', async () => {
    const { keyring } = bench
    const away = { ...keyring, open: async (name: string) => (name === 'root' ? undefined : keyring.open(name)) }
    await fleet.close()
    fleet = await bench.open({ keyring: away })
    await expect(fleet.revokeIssuer(old.issuerKeyId)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_MISSING' })
    expect(await identify(old)).toMatchObject({ status: 'active' })
    expect(await issuersOf(fleet)).toHaveLength(2)
  })

  it('closes the sessions of those that have nothing better', async () => {
    const silenced: string[] = []
    const enforcer: Enforcer = {
      name: 'broker',
      silence: async ({ deviceId }) => {
        silenced.push(deviceId)
        return 'gone'
      },
    }
    await fleet.close()
    fleet = await bench.open({ enforcers: [enforcer] })
    await fleet.enroll('sensor-2')
    await fleet.enroll('sensor-3')
    await fleet.revoke('sensor-3')
    silenced.length = 0
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    await fleet.renew('sensor-2')
    const { enforced } = await fleet.revokeIssuer(old.issuerKeyId)
    expect(await enforced).toMatchObject({ confirmed: 1, failed: 0 })
    expect(silenced).toEqual(['sensor-1'])
  })
})

describe('a root', () => {
  it('is revoked once another has taken its place, with all below it', async () => {
    const root = await issuerIn(fleet, 'root', 'active')
    await expect(fleet.revokeIssuer(root.issuerKeyId)).rejects.toMatchObject({ code: 'ERR_PKI_CA_IN_USE' })
    await fleet.rollover('announce', { root: true })
    await fleet.rollover('issue')
    const fresh = await fleet.enroll('sensor-2')
    await fleet.revokeIssuer(root.issuerKeyId)
    expect((await issuersOf(fleet)).map(({ role, state }) => `${role} ${state}`)).toEqual([
      'root revoked',
      'issuingCa revoked',
      'root active',
      'issuingCa active',
    ])
    expect(fleet.trustAnchors).toBe((await issuerIn(fleet, 'root', 'active')).certificate)
    expect(await identify(old)).toMatchObject({ status: 'revoked' })
    expect(await identify(fresh)).toMatchObject({ status: 'active' })
    expect((await fleet.enroll('sensor-3')).chain.match(/BEGIN/g)).toHaveLength(1)
  })
})

it('refuses what callers get wrong', async () => {
  await expect(fleet.revokeIssuer('00')).rejects.toMatchObject({ code: 'ERR_PKI_ISSUER_UNKNOWN' })
  await expect(fleet.revokeIssuer(old.issuerKeyId, { reason: 'certificateHold' })).rejects.toThrow(TypeError)
  await expect(fleet.revokeIssuer(old.issuerKeyId, { renewableSeconds: -1 })).rejects.toThrow(RangeError)
  await expect(fleet.revokeIssuer(old.issuerKeyId, { grace: 1 } as never)).rejects.toThrow(TypeError)
  await expect(fleet.dependents('00')).rejects.toMatchObject({ code: 'ERR_PKI_ISSUER_UNKNOWN' })
  expect(await identify(old)).toMatchObject({ status: 'active' })
})
