import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterAll, expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { connectDevice, type DeviceIdentity, pemIdentity } from '../src/index.ts'
import { startMosquitto } from './support/mosquitto.ts'
import { rejection } from './support/rejection.ts'

const directory = mkdtempSync(join(tmpdir(), 'fleetcert-fleet-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Writes a file of the folder; its path. */
function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

async function brokerFiles(fleet: Fleet): Promise<Parameters<typeof startMosquitto>[0]> {
  let issuers = ''
  for await (const { certificate } of fleet.issuers()) issuers += certificate
  const { certificate, chain, privateKey } = await fleet.issueServer({ hosts: ['localhost'] })
  return {
    clientCa: { certificatePath: write('ca.pem', issuers), crlPath: write('ca.crl', (await fleet.crl()).pem) },
    server: {
      certificatePath: write('server.pem', certificate + chain),
      privateKeyPath: write('server.key', privateKey!),
    },
  }
}

async function enrol(fleet: Fleet, deviceId: string): Promise<DeviceIdentity> {
  const credential = await fleet.enroll(deviceId)
  return pemIdentity({ ...credential, privateKey: credential.privateKey! })
}

describeWith(['mosquitto'], "a fleet's devices at mosquitto", () => {
  test('are let in, and refused when they are revoked or of another fleet', async () => {
    await using fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    await using otherFleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const active = await enrol(fleet, 'sensor-1')
    const revoked = await enrol(fleet, 'sensor-2')
    await fleet.revoke('sensor-2', { reason: 'keyCompromise' })
    await using broker = await startMosquitto(await brokerFiles(fleet))

    await using device = await connectDevice(broker.url, { identity: active })
    expect(device.client.connected).toBe(true)
    expect((await rejection(connectDevice(broker.url, { identity: revoked }))).code).toBe('ERR_PKI_CLIENT_REVOKED')

    const stranger = await enrol(otherFleet, 'sensor-1')
    expect((await rejection(connectDevice(broker.url, { identity: stranger }))).code).toBe('ERR_PKI_SERVER_UNTRUSTED')
    const believing: DeviceIdentity = {
      deviceId: 'sensor-1',
      credential: async () => ({ ...(await stranger.credential()), trustAnchors: fleet.trustAnchors }),
    }
    const error = await rejection(connectDevice(broker.url, { identity: believing }))
    expect(error.code).toBe('ERR_PKI_CLIENT_UNTRUSTED')
  })
})
