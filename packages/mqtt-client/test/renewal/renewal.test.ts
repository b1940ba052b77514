import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStorage } from '../../src/identity/memory-storage.ts'
import { makePendingKey } from '../../src/identity/pending-key.ts'
import { connectDevice, fileIdentity, memoryIdentity, storedIdentity } from '../../src/index.ts'
import { type DeviceWorld, openDeviceWorld } from '../support/device-world.ts'
import { firstFingerprint } from '../support/first-fingerprint.ts'
import { next } from '../support/next-event.ts'
import { rejection } from '../support/rejection.ts'

let world: DeviceWorld
let directory: string
beforeEach(async () => {
  world = await openDeviceWorld()
  directory = mkdtempSync(join(tmpdir(), 'fleetcert-renewal-'))
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})
const inDevices = (name: string): string => join(directory, 'devices', name)

async function putOverdue(deviceId: string): Promise<string> {
  const { certificate, privateKey, trustAnchors } = await world.overdueCredential(deviceId)
  mkdirSync(join(directory, 'devices'), { recursive: true })
  writeFileSync(inDevices(`${deviceId}-cert.pem`), certificate)
  writeFileSync(inDevices(`${deviceId}-key.pem`), privateKey, { mode: 0o600 })
  writeFileSync(inDevices('ca-cert.pem'), trustAnchors)
  return certificate
}

describe('a device whose certificate is due', () => {
  test.each(['https', 'mqtt'])('renews over %s: new key, new session, confirmed; the old one ends', async way => {
    const old = await putOverdue('sensor-1')
    world.begin()
    if (way === 'mqtt') await world.serveTopics()
    const identity = fileIdentity(directory, 'sensor-1')
    const renewal =
      way === 'mqtt' ? ({ over: 'mqtt', topicPrefix: 'devices/sensor-1' } as const) : { hub: world.hubUrl }
    await using device = await connectDevice(world.brokerUrl, { identity, renewal })
    const [renewing, renewed] = await Promise.all([next(device, 'renewing'), next(device, 'renewed')])
    expect(renewed).toMatchObject({ confirmed: true })
    expect(renewing.notAfter.getTime()).toBeLessThan(renewed.notAfter.getTime())
    const { certificate, privateKey } = await identity.credential()
    expect(firstFingerprint(certificate)).toBe(renewed.fingerprint)
    expect(world.sessions.filter(fingerprint => fingerprint === firstFingerprint(old))).toHaveLength(1)
    expect(world.sessions.at(-1)).toBe(renewed.fingerprint)
    expect(device.client.connected).toBe(true)
    await device.client.publishAsync('devices/sensor-1/telemetry', '1', { qos: 1 })
    expect(await world.statusOf(certificate)).toBe('active')
    world.travel(1)
    expect(await world.statusOf(old)).toBe('superseded')
    // For other programs, and for whoever looks at the folder.
    expect(readFileSync(inDevices('sensor-1-cert.pem'), 'utf8')).toBe(certificate)
    expect(readFileSync(inDevices('sensor-1-key.pem'), 'utf8')).toBe(privateKey)
    expect(statSync(inDevices('sensor-1-key.pem')).mode & 0o777).toBe(0o600)
    const [state] = readdirSync(inDevices('sensor-1-identity'))
    expect(statSync(inDevices('sensor-1-identity')).mode & 0o777).toBe(0o700)
    expect(statSync(inDevices(`sensor-1-identity/${state}`)).mode & 0o777).toBe(0o600)
  })

  test('renews in memory too', async () => {
    const { certificate, privateKey, trustAnchors } = await world.overdueCredential('sensor-1')
    world.begin()
    const identity = memoryIdentity({ deviceId: 'sensor-1', certificate, privateKey, trustAnchors })
    await using device = await connectDevice(world.brokerUrl, { identity, renewal: { hub: world.hubUrl } })
    const { fingerprint } = await next(device, 'renewed')
    expect(firstFingerprint((await identity.credential()).certificate)).toBe(fingerprint)
  })
})

describe('a device without a renewal', () => {
  test('finds the credential that a renewal has left behind before its last step', async () => {
    const { certificate, privateKey, trustAnchors } = await world.overdueCredential('sensor-1')
    world.begin()
    const { csr, ...key } = await makePendingKey('sensor-1')
    const made = await world.fleet.renew('sensor-1', { csr, presented: firstFingerprint(certificate) })
    // The hub has heard of the new one; the device did not get as far as to write that down.
    await world.fleet.confirm('sensor-1', { fingerprint: made.fingerprint, overlapSeconds: 0 })
    const pending = { ...key, csr, certificate: made.certificate + made.chain, trustAnchors }
    const storage = createMemoryStorage({ current: { certificate, privateKey, trustAnchors }, pending })
    const identity = storedIdentity({ deviceId: 'sensor-1', storage })
    await using device = await connectDevice(world.brokerUrl, { identity })
    expect(device.client.connected).toBe(true)
    expect(world.sessions).toEqual([made.fingerprint])
  })
})

test('a key that others may read is a warning, once, and no reason to fail', async () => {
  await putOverdue('sensor-1')
  chmodSync(inDevices('sensor-1-key.pem'), 0o644)
  const warned: Error[] = []
  const listen = (warning: Error): void => void warned.push(warning)
  process.on('warning', listen)
  try {
    for (let time = 0; time < 3; time++) await fileIdentity(directory, 'sensor-1').credential()
    await new Promise(resolve => setImmediate(resolve))
    const ours = warned.filter(({ message }) => message.includes(directory))
    expect(ours).toMatchObject([{ name: 'FleetcertWarning', code: 'identityPermissions' }])
    expect(ours[0]!.message).toContain('mode 644')
  } finally {
    process.off('warning', listen)
  }
})

describe('a first certificate', () => {
  test('is enrolled for with a token, in an empty folder', async () => {
    world.begin()
    const { token } = await world.fleet.createToken({ deviceId: 'sensor-1' })
    const bootstrap = { url: world.hubUrl, token, trustAnchors: world.fleet.trustAnchors }
    const identity = fileIdentity(join(directory, 'new'), 'sensor-1', { bootstrap })
    await using device = await connectDevice(world.brokerUrl, { identity })
    expect(device.client.connected).toBe(true)
    // The token is spent; nobody asks again.
    const again = fileIdentity(join(directory, 'new'), 'sensor-1', { bootstrap })
    expect(await again.credential()).toEqual(await identity.credential())
    const other = fileIdentity(join(directory, 'other'), 'sensor-1', { bootstrap })
    const error = await rejection(other.credential())
    expect(error.code).toBe('ERR_PKI_HUB_REFUSED')
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain(token)
  })
})
