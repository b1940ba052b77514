import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import {
  certificateFingerprint,
  createCertificationRequest,
  parseCertificate,
  parseCrl,
  softwareSigner,
} from '@fleetcert/x509'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../../../test-support/tools.ts'
import { type IssuerBench, issuerBench, issuerIn, issuersOf, opensslOcsp, opensslVerify } from './bench.ts'
import { type GuideCa, guideCa } from './guide-ca.ts'

describeWith(['openssl'], 'the CA of the guides', () => {
  let ca: GuideCa
  let bench: IssuerBench
  let fleet: Fleet
  let devices: readonly string[]
  let server: string
  beforeAll(() => {
    ca = guideCa()
    devices = [
      ca.issue('device-1', { serial: 1, bits: 2048 }),
      ca.issue('device-2', { serial: 2 }),
      ca.issue('device-3'),
    ]
    server = ca.issueServer('broker.example')
  }, 60_000)
  afterAll(() => ca.remove())
  beforeEach(async () => {
    bench = issuerBench()
    fleet = await bench.open({ organization: 'Acme' })
  })
  afterEach(() => bench.close())

  const fingerprintOf = (pem: string): string => certificateFingerprint(parseCertificate(pem).der)
  const statusOf = async (pem: string): Promise<string> =>
    (await fleet.identify({ der: parseCertificate(pem).der })).status
  const adopt = (certificates: readonly (string | Uint8Array)[] = [...devices, server]) =>
    fleet.adoptIssuer({ certificate: ca.certificate, key: { privateKey: ca.key }, certificates })

  it('is taken over with its devices, which stay what they are', async () => {
    const anchors = fleet.trustAnchors
    expect(await statusOf(devices[0]!)).toBe('unknown')
    const adoption = await adopt()
    expect(adoption).toMatchObject({ adopted: 4, known: 0, expired: 0, refused: [] })
    expect(await adopt()).toMatchObject({ adopted: 0, known: 4 })
    expect((await issuersOf(fleet)).map(({ role, state }) => `${role} ${state}`)).toEqual([
      'root active',
      'issuingCa active',
      'adoptedCa retiring',
    ])
    expect(fleet.trustAnchors).toBe(anchors + ca.certificate)
    expect(await bench.keyring.list()).toEqual([`adopted-${adoption.issuerKeyId.slice(0, 16)}`, 'ca', 'root'])
    for (const device of devices) {
      expect(await statusOf(device)).toBe('active')
      expect(opensslVerify({ certificate: device, chain: '' }, fleet.trustAnchors, { strict: false })).toBe('OK')
    }
    expect(await fleet.device('device-1')).toMatchObject({ status: 'active', issuerKeyId: adoption.issuerKeyId })
    // What is new is the new CA's.
    const enrolled = await fleet.enroll('device-9')
    expect(enrolled.issuerKeyId).not.toBe(adoption.issuerKeyId)
    await expect(fleet.enroll('device-1')).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_EXISTS' })
  })

  it('signs CRLs and OCSP answers that openssl takes', async () => {
    const { issuerKeyId } = await adopt()
    await fleet.revoke('device-1', { reason: 'keyCompromise' })
    expect(await statusOf(devices[0]!)).toBe('revoked')
    const crl = await fleet.crl({ issuerKeyId })
    expect(parseCrl(crl.der).entries).toMatchObject([{ serialNumber: '01', reason: 'keyCompromise' }])
    const check = (certificate: string): string =>
      opensslVerify({ certificate, chain: '' }, ca.certificate, {
        strict: false,
        crls: [crl.pem],
        at: new Date(bench.now.getTime() + 1000),
      })
    expect(check(devices[0]!)).toBe('certificate revoked')
    expect(check(devices[1]!)).toBe('OK')

    expect(await opensslOcsp(fleet, devices[0]!, ca.certificate, ca.certificate)).toBe('revoked')
    expect(await opensslOcsp(fleet, devices[1]!, ca.certificate, ca.certificate)).toBe('good')
  })

  it('renews into the new CA, and retires when nothing depends on it', async () => {
    const { issuerKeyId } = await adopt()
    const retire = (): Promise<void> => fleet.retireIssuer(issuerKeyId)
    await expect(retire()).rejects.toMatchObject({
      code: 'ERR_PKI_ISSUER_IN_USE',
      details: { devices: 3, services: 0, servers: 1 },
    })
    expect(await fleet.dependents(issuerKeyId)).toMatchObject({
      devices: 3,
      servers: 1,
      deviceIds: ['device-1', 'device-2', 'device-3'],
    })
    // A device by itself, with the key that openssl made.
    const signer = softwareSigner(createPrivateKey(readFileSync(ca.path('d1.key'), 'utf8')))
    const csr = await createCertificationRequest({ subject: [], signer })
    const renewed = await fleet.renew('device-1', { csr, presented: fingerprintOf(devices[0]!) })
    expect(opensslVerify(renewed, fleet.trustAnchors)).toBe('OK')
    expect(await statusOf(devices[0]!)).toBe('active')
    await fleet.confirm('device-1', { fingerprint: renewed.fingerprint })
    // And two by the operator.
    await fleet.renew('device-2', { overlapSeconds: 0 })
    await fleet.revoke('device-3')
    await fleet.issueServer({ hosts: ['broker.example'] })
    bench.now = new Date(bench.now.getTime() + 3_600_000)
    await retire()
    await retire()
    expect(fleet.trustAnchors).not.toContain(ca.certificate)
    expect(await statusOf(devices[1]!)).toBe('superseded')
    expect(await statusOf(devices[2]!)).toBe('revoked')
    expect((await fleet.identify({ fingerprint: renewed.fingerprint })).status).toBe('active')
    await expect(fleet.retireIssuer('00')).rejects.toMatchObject({ code: 'ERR_PKI_ISSUER_UNKNOWN' })
    const { issuerKeyId: active } = await issuerIn(fleet, 'issuingCa', 'active')
    await expect(fleet.retireIssuer(active)).rejects.toMatchObject({ code: 'ERR_PKI_CA_IN_USE' })
  })

  it('says of each certificate why it was not taken over', async () => {
    const stranger = guideCa()
    try {
      const gone = ca.issue('device-4', { serial: 4, days: 1 })
      bench.now = new Date(Date.now() + 2 * 86_400_000)
      const result = await adopt([
        devices[0]!,
        'no PEM',
        new Uint8Array([1, 2, 3]),
        stranger.issue('device-5'),
        ca.certificate,
        ca.issue('no such id/'),
        ca.issue('device-6', { bits: 1024 }),
        ca.issue('device-7', { serial: 1 }),
        gone,
        devices.join('') + server,
      ])
      expect(result).toMatchObject({ adopted: 4, expired: 1 })
      expect(result.refused).toEqual([
        { index: 1, reason: 'unreadable' },
        { index: 2, reason: 'unreadable' },
        { index: 3, reason: 'foreignIssuer' },
        { index: 4, reason: 'ca' },
        { index: 5, reason: 'unassigned' },
        { index: 6, reason: 'key' },
        { index: 7, reason: 'serialTaken' },
      ])
    } finally {
      stranger.remove()
    }
  })

  it('asks the caller whose a certificate is', async () => {
    await fleet.adoptIssuer({
      certificate: ca.certificate,
      key: { privateKey: ca.key },
      certificates: devices,
      assign: ({ subject }) =>
        subject.at(-1)![0]!.value === 'device-2'
          ? undefined
          : { deviceId: `plant-${subject.at(-1)![0]!.value}`, owner: 'alice', attributes: { line: '7' } },
    })
    expect(await fleet.device('plant-device-1')).toMatchObject({ owner: 'alice', attributes: { line: '7' } })
    expect(await statusOf(devices[1]!)).toBe('unknown')
  })

  it('changes nothing for a wrong key, passphrase or certificate', async () => {
    const stranger = guideCa({ passphrase: 'right' })
    const before = await bench.store.document('fleet')
    const refusal = (certificate: string, key: Parameters<Fleet['adoptIssuer']>[0]['key']): Promise<unknown> =>
      fleet.adoptIssuer({ certificate, key }).catch((error: { code: string }) => error.code)
    try {
      expect(await refusal(ca.certificate, { privateKey: stranger.key })).toBe('ERR_PKI_KEY_PASSPHRASE')
      expect(await refusal(ca.certificate, { privateKey: stranger.key, passphrase: 'wrong' })).toBe(
        'ERR_PKI_KEY_PASSPHRASE',
      )
      expect(await refusal(ca.certificate, { privateKey: stranger.key, passphrase: 'right' })).toBe(
        'ERR_PKI_KEY_UNREADABLE',
      )
      expect(await refusal(ca.certificate, { privateKey: ca.key.slice(0, 500) })).toBe('ERR_PKI_KEY_UNREADABLE')
      expect(await refusal(ca.certificate, { keyName: 'nothing' })).toBe('ERR_PKI_KEY_MISSING')
      expect(await refusal(ca.certificate, { keyName: 'ca' })).toBe('ERR_PKI_KEY_UNREADABLE')
      expect(await refusal(devices[0]!, { privateKey: ca.key })).toBe('ERR_PKI_ISSUER_CERTIFICATE')
      const own = await issuerIn(fleet, 'issuingCa', 'active')
      expect(await refusal(own.certificate, { keyName: 'ca' })).toBe('ERR_PKI_ISSUER_CERTIFICATE')
      expect(await bench.store.document('fleet')).toEqual(before)
      expect(await bench.keyring.list()).toEqual(['ca', 'root'])
      const taken = await fleet.adoptIssuer({
        certificate: stranger.certificate,
        key: { privateKey: stranger.key, passphrase: 'right' },
      })
      expect(taken.adopted).toBe(0)
      expect(await fleet.crl({ issuerKeyId: taken.issuerKeyId })).toMatchObject({ upToDate: true })
    } finally {
      stranger.remove()
    }
  })

  it('is revoked like any CA, and its devices renew all the same', async () => {
    const { issuerKeyId } = await adopt()
    const { issuingKeyId, renewableUntil } = await fleet.revokeIssuer(issuerKeyId, { renewableSeconds: 86_400 })
    expect(issuingKeyId).toBe((await issuerIn(fleet, 'issuingCa', 'active')).issuerKeyId)
    expect(await fleet.identify({ der: parseCertificate(devices[0]!).der })).toMatchObject({
      status: 'revoked',
      reason: 'cACompromise',
      renewableUntil,
    })
    expect(fleet.trustAnchors).not.toContain(ca.certificate)
    const signer = softwareSigner(createPrivateKey(readFileSync(ca.path('d1.key'), 'utf8')))
    const csr = await createCertificationRequest({ subject: [], signer })
    const renewed = await fleet.renew('device-1', { csr, presented: fingerprintOf(devices[0]!) })
    expect((await fleet.identify({ fingerprint: renewed.fingerprint })).status).toBe('active')
  })

  it('takes what a forger makes with its key for nobody', async () => {
    await adopt()
    expect(await statusOf(ca.issue('device-1', { serial: 77 }))).toBe('unknown')
    await expect(fleet.register('device-1', ca.issue('device-1', { serial: 78 }))).rejects.toMatchObject({
      code: 'ERR_PKI_CERTIFICATE',
    })
    const other = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    expect((await other.identify({ der: parseCertificate(devices[0]!).der })).status).toBe('unknown')
    await other.close()
  })
})
