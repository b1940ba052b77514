import { createPrivateKey } from 'node:crypto'
import type { DeviceCredential, Fleet } from '@fleetcert/core'
import { createCertificationRequest, parseCertificate, softwareSigner } from '@fleetcert/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeWith } from '../../../../../test-support/tools.ts'
import { gnutlsVerify, type IssuerBench, issuerBench, issuerIn, issuersOf, opensslVerify } from './bench.ts'

let bench: IssuerBench
let fleet: Fleet
beforeEach(async () => {
  bench = issuerBench()
  fleet = await bench.open({ organization: 'Acme' })
})
afterEach(() => bench.close())

const status = async (credential: DeviceCredential): Promise<string> =>
  (await fleet.identify({ fingerprint: credential.fingerprint })).status
const states = async (): Promise<string[]> => (await issuersOf(fleet)).map(({ role, state }) => `${role} ${state}`)
const later = (seconds: number): void => {
  bench.now = new Date(bench.now.getTime() + seconds * 1000)
}

/** A device renews by what it has, and uses the new one. */
async function renewPresented(old: DeviceCredential): Promise<DeviceCredential> {
  const signer = softwareSigner(createPrivateKey(old.privateKey!))
  const csr = await createCertificationRequest({ subject: [], signer })
  const renewed = await fleet.renew(old.deviceId, { csr, presented: old.fingerprint })
  await fleet.confirm(old.deviceId, { fingerprint: renewed.fingerprint })
  later(3600)
  return { ...renewed, privateKey: old.privateKey! }
}

describeWith(['openssl'], 'openssl', () => {
  it('takes every chain of every phase of a root rollover', async () => {
    const oldAnchors = fleet.trustAnchors
    const oldDevice = await fleet.enroll('old-1')
    const oldServer = await fleet.issueServer({ hosts: ['broker.example'] })
    expect(opensslVerify(oldDevice, oldAnchors)).toBe('OK')
    const { trustAnchors: _, ...announced } = {
      ...(await fleet.rollover('announce', { root: true })),
      trustAnchors: fleet.trustAnchors,
    }
    expect(announced).toMatchObject({ scope: 'root', phase: 'announced', isAwaitingIssuer: false })
    expect(await states()).toEqual(['root active', 'issuingCa active', 'root announced', 'issuingCa announced'])

    const bothAnchors = fleet.trustAnchors
    expect(bothAnchors.match(/BEGIN/g)).toHaveLength(2)
    expect(bothAnchors.startsWith(oldAnchors)).toBe(true)
    const newAnchors = bothAnchors.slice(oldAnchors.length)
    const crls = async (): Promise<string[]> => {
      const found: string[] = []
      for (const { issuerKeyId } of await issuersOf(fleet)) found.push((await fleet.crl({ issuerKeyId })).pem)
      return found
    }
    const enrolledBetween = await fleet.enroll('between')
    for (const credential of [oldDevice, enrolledBetween]) {
      expect(opensslVerify(credential, oldAnchors, { crls: await crls() })).toBe('OK')
      expect(opensslVerify(credential, bothAnchors, { crls: await crls() })).toBe('OK')
    }
    // The old issuing CA is certified by the old root alone: who knows the new one alone needs its cross-certificate.
    const oldRoot = await issuerIn(fleet, 'root', 'active')
    expect(opensslVerify({ ...oldDevice, chain: oldDevice.chain + oldRoot.crossCertificates }, newAnchors)).toBe('OK')

    expect(await fleet.rollover('issue')).toMatchObject({ phase: 'issuing' })
    expect(await states()).toEqual(['root retiring', 'issuingCa retiring', 'root active', 'issuingCa active'])
    const newDevice = await fleet.enroll('new-1')
    const newServer = await fleet.issueServer({ hosts: ['broker.example'] })
    for (const [credential, purpose] of [
      [newDevice, 'sslclient'],
      [newServer, 'sslserver'],
      [oldDevice, 'sslclient'],
      [oldServer, 'sslserver'],
    ] as const) {
      expect(opensslVerify(credential, oldAnchors, { purpose, crls: await crls() })).toBe('OK')
      expect(opensslVerify(credential, fleet.trustAnchors, { purpose, crls: await crls() })).toBe('OK')
    }
    for (const credential of [newDevice, newServer]) {
      const purpose = credential === newDevice ? 'sslclient' : 'sslserver'
      expect(opensslVerify(credential, newAnchors, { purpose })).toBe('OK')
    }
    expect(fleet.trustAnchors.startsWith(newAnchors)).toBe(true)

    await expect(fleet.rollover('retire')).rejects.toMatchObject({
      code: 'ERR_PKI_ISSUER_IN_USE',
      details: { devices: 2, services: 0, servers: 0 },
    })
    const renewed = await renewPresented(oldDevice)
    await fleet.renew('between', { overlapSeconds: 0 })
    expect(await fleet.rolloverStatus()).toMatchObject({ dependents: { devices: 0, services: 0, servers: 0 } })
    expect(await fleet.rollover('retire')).toMatchObject({ phase: 'retired' })
    expect(fleet.trustAnchors).toBe(newAnchors)
    const last = await fleet.enroll('new-2')
    for (const credential of [renewed, newDevice, last]) {
      expect(opensslVerify(credential, newAnchors, { at: bench.now })).toBe('OK')
      expect(await status(credential)).toBe('active')
    }
    // Whoever still knows the old root alone is not served any more.
    expect(opensslVerify(last, oldAnchors, { at: bench.now })).toMatch(/unable to get/)
    expect(last.chain.match(/BEGIN/g)).toHaveLength(1)
    expect(await status(oldDevice)).toBe('superseded')
  })

  it('takes every chain when the issuing CA alone is replaced', async () => {
    const anchors = fleet.trustAnchors
    const old = await fleet.enroll('old-1')
    expect(await fleet.rollover('announce')).toMatchObject({ scope: 'issuingCa', phase: 'announced' })
    expect((await fleet.enroll('between')).issuerKeyId).toBe(old.issuerKeyId)
    await fleet.rollover('issue')
    const renewed = await fleet.renew('old-1')
    expect(renewed.issuerKeyId).not.toBe(old.issuerKeyId)
    expect(fleet.trustAnchors).toBe(anchors)
    for (const credential of [old, renewed]) expect(opensslVerify(credential, anchors)).toBe('OK')
    // Both sign CRLs, each its own.
    await fleet.revoke({ fingerprint: old.fingerprint })
    const crls = [await fleet.crl({ issuerKeyId: old.issuerKeyId }), await fleet.crl()].map(({ pem }) => pem)
    for (const { issuerKeyId, role } of await issuersOf(fleet)) {
      if (role === 'root') crls.push((await fleet.crl({ issuerKeyId })).pem)
    }
    expect(opensslVerify(old, anchors, { crls })).toBe('certificate revoked')
    expect(opensslVerify(renewed, anchors, { crls })).toBe('OK')
  })
})

describeWith(['certtool'], 'GnuTLS', () => {
  it('takes what either CA has issued, whichever root it knows', async () => {
    const oldAnchors = fleet.trustAnchors
    const old = await fleet.enroll('old-1')
    await fleet.rollover('announce', { root: true })
    const newAnchors = fleet.trustAnchors.slice(oldAnchors.length)
    await fleet.rollover('issue')
    const young = await fleet.enroll('new-1')
    for (const anchors of [oldAnchors, newAnchors, fleet.trustAnchors]) {
      expect(gnutlsVerify(young, anchors)).toBe(true)
      if (anchors !== newAnchors) expect(gnutlsVerify(old, anchors)).toBe(true)
    }
    await fleet.rollover('retire', { force: true })
    const last = await fleet.enroll('new-2')
    expect([gnutlsVerify(last, oldAnchors), gnutlsVerify(last, newAnchors)]).toEqual([false, true])
  })
})

describe('steps', () => {
  it('come in order, and each may be asked for again', async () => {
    await expect(fleet.rollover('issue')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    await expect(fleet.rollover('retire')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    await expect(fleet.rollover('withdraw')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    expect(await fleet.rolloverStatus()).toBeUndefined()
    const first = await fleet.rollover('announce')
    later(60)
    expect(await fleet.rollover('announce')).toEqual(first)
    await expect(fleet.rollover('retire')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    const issuing = await fleet.rollover('issue')
    later(60)
    expect(await fleet.rollover('issue')).toEqual(issuing)
    await expect(fleet.rollover('announce')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    await expect(fleet.rollover('withdraw')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    const retired = await fleet.rollover('retire')
    expect(await fleet.rollover('retire')).toEqual(retired)
    // And the next one.
    expect(await fleet.rollover('announce', { root: true })).toMatchObject({ scope: 'root', phase: 'announced' })
    expect((await issuerIn(fleet, 'issuingCa', 'announced')).certificate).not.toBe('')
    const names = (await issuersOf(fleet)).map(
      ({ certificate }) => parseCertificate(certificate).subject.at(-1)![0]!.value,
    )
    expect(names).toEqual([
      'Acme Root CA',
      'Acme Issuing CA',
      'Acme Issuing CA G2',
      'Acme Root CA G3',
      'Acme Issuing CA G3',
    ])
  })

  it('is not taken for one of the root, which was asked for later', async () => {
    await fleet.rollover('announce')
    await expect(fleet.rollover('announce', { root: true })).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    expect(await fleet.rolloverStatus()).toMatchObject({ scope: 'issuingCa', phase: 'announced' })
    await fleet.rollover('withdraw')
    expect(await fleet.rollover('announce', { root: true })).toMatchObject({ scope: 'root', phase: 'announced' })
    expect(await fleet.rollover('announce', { root: true })).toMatchObject({ scope: 'root', phase: 'announced' })
  })

  it('is taken back before it issues, and can be announced again', async () => {
    const anchors = fleet.trustAnchors
    await fleet.rollover('announce', { root: true })
    expect(await fleet.rollover('withdraw')).toMatchObject({ phase: 'withdrawn' })
    expect(fleet.trustAnchors).toBe(anchors)
    expect(await fleet.rollover('announce')).toMatchObject({ scope: 'issuingCa', phase: 'announced' })
    await fleet.rollover('issue')
    expect((await fleet.enroll('sensor-1')).trustAnchors).toBe(anchors)
  })

  it('counts servers until a later certificate has their names', async () => {
    await fleet.issueServer({ hosts: ['a.example', 'b.example'] })
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    await fleet.issueServer({ hosts: ['a.example'] })
    await expect(fleet.rollover('retire')).rejects.toMatchObject({ details: { servers: 1 } })
    await fleet.issueServer({ hosts: ['b.example', 'a.example'] })
    await fleet.rollover('retire')
  })

  it('is forced where the operator says so, and cuts off who is left', async () => {
    const old = await fleet.enroll('old-1', { role: 'service' })
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    expect(await fleet.rolloverStatus()).toMatchObject({
      dependents: { services: 1, deviceIds: ['old-1'], until: old.notAfter },
    })
    await fleet.rollover('retire', { force: true })
    expect(await status(old)).toBe('superseded')
    // The operator may still give it a certificate of the new CA.
    expect(await status(await fleet.renew('old-1'))).toBe('active')
  })

  it('changes nothing where the key of the root is away', async () => {
    const { keyring } = bench
    const away = {
      ...keyring,
      open: async (name: string) => (name.startsWith('root') ? undefined : keyring.open(name)),
    }
    await fleet.close()
    fleet = await bench.open({ keyring: away })
    const before = await bench.store.document('fleet')
    for (const root of [false, true]) {
      await expect(fleet.rollover('announce', { root })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_MISSING' })
    }
    expect(await bench.store.document('fleet')).toEqual(before)
    // A root that is lost for good is replaced without it: nothing vouches for the new one then but the operator.
    await fleet.rollover('announce', { root: true, crossCertificates: false })
    expect((await issuersOf(fleet)).map(({ crossCertificates }) => crossCertificates)).toEqual(['', '', '', ''])
  })

  it('refuses what callers without types get wrong', async () => {
    await expect(fleet.rollover('begin' as never)).rejects.toThrow(TypeError)
    await expect(fleet.rollover('announce', { roots: true } as never)).rejects.toThrow(TypeError)
    await expect(fleet.rollover('announce', { root: 'offline' } as never)).rejects.toThrow(TypeError)
    expect(await fleet.rolloverStatus()).toBeUndefined()
  })

  it('lets one process at a time change the CAs', async () => {
    const other = await bench.open()
    const lease = await bench.store.lease('rollover', 'another process', 60)
    await expect(fleet.rollover('announce')).rejects.toMatchObject({ code: 'ERR_PKI_BUSY' })
    await bench.store.releaseLease(lease!)
    const results = await Promise.allSettled([fleet, fleet, other, other].map(each => each.rollover('announce')))
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
    expect((await issuersOf(fleet)).filter(({ state }) => state === 'announced')).toHaveLength(1)
  })
})

describe('other processes', () => {
  it('follow within a second, without a restart', async () => {
    const other = await bench.open()
    const { issuerKeyId } = await other.enroll('sensor-1')
    await fleet.rollover('announce', { root: true })
    await expect.poll(async () => (await issuersOf(other)).length).toBe(4)
    expect(other.trustAnchors).toBe(fleet.trustAnchors)
    await fleet.rollover('issue')
    await expect.poll(async () => (await other.enroll(`sensor-${Math.random()}`)).issuerKeyId).not.toBe(issuerKeyId)
  })

  it('follow in the background, where nobody asks', async () => {
    const other = await bench.open({ background: true })
    const before = other.trustAnchors
    await fleet.rollover('announce', { root: true })
    await expect.poll(() => other.trustAnchors, { timeout: 10_000 }).not.toBe(before)
  })
})

it('keeps old documents as they are until they change, and reads them', async () => {
  const found = (await bench.store.document('fleet'))!
  const document = JSON.parse(Buffer.from(found.value).toString())
  const first = {
    ...document,
    format: 1,
    authorities: document.authorities.map((record: Record<string, { id: object; certificate: string }>) => ({
      role: record['role'],
      keyName: record['keyName'],
      serialNumber: record['own']!.id,
      ...record['own'],
    })),
  }
  delete first.crlVersion
  const device = await fleet.enroll('sensor-1')
  await fleet.close()
  await bench.store.putDocument('fleet', Buffer.from(JSON.stringify(first)), found.version, [])
  fleet = await bench.open()
  expect(await status(device)).toBe('active')
  expect(JSON.parse(Buffer.from((await bench.store.document('fleet'))!.value).toString()).format).toBe(1)
  await fleet.rollover('announce')
  await fleet.rollover('issue')
  expect((await fleet.enroll('sensor-2')).issuerKeyId).not.toBe(device.issuerKeyId)
  expect(JSON.parse(Buffer.from((await bench.store.document('fleet'))!.value).toString()).format).toBe(2)
  await bench.store.putDocument('fleet', Buffer.from('{"format":3}'), 99, [])
  const newer = (await bench.store.document('fleet'))!
  await bench.store.putDocument('fleet', Buffer.from('{"format":3}'), newer.version, [])
  await expect(bench.open()).rejects.toMatchObject({
    code: 'ERR_PKI_STORE_SCHEMA',
    details: { found: 3, supported: 2 },
  })
})
