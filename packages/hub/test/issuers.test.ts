import { decodePem, type IssuerRecord, parseCertificate, parseCrl } from '@fleetcert/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DeviceHub, openDeviceHub } from './support/device-hub.ts'
import { deviceKey } from './support/device-key.ts'

let hub: DeviceHub
beforeEach(async () => {
  hub = await openDeviceHub({ open: { publish: { baseUrl: 'http://pki.example' } } })
})
afterEach(() => hub.close())

const issuers = (): Promise<IssuerRecord[]> => Array.fromAsync(hub.fleet.issuers())
const get = async (path: string): Promise<Uint8Array> => {
  const response = await hub.hub(new Request(`http://hub.example${path}`))
  expect(response.status, path).toBe(200)
  return new Uint8Array(await response.arrayBuffer())
}
async function enrolled(deviceId: string) {
  const { privateKey, ...credential } = await hub.fleet.enroll(deviceId)
  return { ...credential, identity: { cert: credential.certificate, key: privateKey! } }
}

test('each CA of the fleet has its certificate and its CRL, in every phase of a rollover', async () => {
  const device = await enrolled('sensor-1')
  for (const step of ['announce', 'issue', 'retire'] as const) {
    await hub.fleet.rollover(step, step === 'announce' ? { root: true } : { force: step === 'retire' })
    const all = await issuers()
    expect(all).toHaveLength(4)
    for (const { issuerKeyId, certificate } of all) {
      const name = issuerKeyId.slice(0, 16)
      expect(Buffer.from(await get(`/ca/${name}.cer`))).toEqual(Buffer.from(parseCertificate(certificate).der))
      expect(parseCrl(await get(`/crl/${name}-0.crl`)).issuerDer).toEqual(parseCertificate(certificate).subjectDer)
    }
    const { json } = await hub.call('GET', '/api/devices/certificates/ca/certificate', { headers: {} })
    const shown = decodePem(json.caCert).map(({ der }) => Buffer.from(der).toString('hex'))
    const trusted = all.filter(({ state }) => state !== 'retired')
    expect(new Set(shown)).toEqual(
      new Set(trusted.map(({ certificate }) => Buffer.from(parseCertificate(certificate).der).toString('hex'))),
    )
    expect(new Set(shown).size).toBe(shown.length)
    const issuing = all.find(({ role, state }) => role === 'issuingCa' && state === 'active')!
    expect(shown[0]).toBe(Buffer.from(parseCertificate(issuing.certificate).der).toString('hex'))
    // The hub's own certificate is of the old CA: after that step it is time for another.
    if (step === 'retire') continue
    const info = await hub.ask('GET', '/api/device/renewal-info', { identity: device.identity })
    expect(info.json.trustAnchors).toBe(hub.fleet.trustAnchors)
  }
})

test('a device renews by a certificate of a revoked CA, and can do nothing else with it', async () => {
  const device = await enrolled('sensor-1')
  await hub.fleet.enroll('sensor-2')
  await hub.fleet.revokeIssuer(device.issuerKeyId)
  const info = await hub.ask('GET', '/api/device/renewal-info', { identity: device.identity })
  expect(info.json).toMatchObject({ reason: expect.stringContaining('revoked') })
  const confirm = await hub.ask('POST', '/api/device/confirm', { identity: device.identity, body: {} })
  expect(confirm.text).toContain('ERR_PKI_CLIENT_REVOKED')
  const key = deviceKey()
  const renewed = await hub.ask('POST', '/api/device/renew', {
    identity: device.identity,
    body: { csr: await key.csr() },
  })
  expect(renewed.status).toBe(201)
  expect(await hub.fleet.identify({ fingerprint: renewed.json.fingerprint })).toMatchObject({ status: 'active' })
  // One that was revoked for itself does not.
  const other = await enrolled('sensor-3')
  await hub.fleet.revoke('sensor-3')
  await hub.fleet.revokeIssuer(other.issuerKeyId)
  const refused = await hub.ask('POST', '/api/device/renew', {
    identity: other.identity,
    body: { csr: await key.csr() },
  })
  expect(refused.text).toContain('ERR_PKI_CLIENT_REVOKED')
})
