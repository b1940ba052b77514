import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterAll, describe, expect, test } from 'vitest'
import { createFileStorage } from '../../src/identity/file-storage.ts'
import { connectDevice, fileIdentity, memoryIdentity, storedIdentity } from '../../src/index.ts'
import { openTestFleet } from '../support/device-certificates.ts'
import { openDeviceWorld } from '../support/device-world.ts'
import { firstFingerprint } from '../support/first-fingerprint.ts'
import { next } from '../support/next-event.ts'
import { createPowerCutDisk } from '../support/power-cut-disk.ts'
import { rejection } from '../support/rejection.ts'

const directory = mkdtempSync(join(tmpdir(), 'fleetcert-rollover-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a certificate that has expired', () => {
  test('is renewed at once where the hub allows it, and the device connects', async () => {
    await using world = await openDeviceWorld({ device: { renewalGraceSeconds: 60 * 86_400 } })
    const credential = await world.overdueCredential('sensor-1', 30)
    world.begin()
    const identity = memoryIdentity({ deviceId: 'sensor-1', ...credential })
    await using device = await connectDevice(world.brokerUrl, { identity, renewal: { hub: world.hubUrl } })
    const { fingerprint } = await next(device, 'renewed')
    expect(world.sessions).toEqual([fingerprint])
  })

  test("is the hub's to refuse: the first attempt says why", async () => {
    await using world = await openDeviceWorld()
    const credential = await world.overdueCredential('sensor-1', 30)
    world.begin()
    const identity = memoryIdentity({ deviceId: 'sensor-1', ...credential })
    const error = await rejection(connectDevice(world.brokerUrl, { identity, renewal: { hub: world.hubUrl } }))
    expect(error).toMatchObject({ code: 'ERR_PKI_HUB_REFUSED', details: { code: 'ERR_PKI_CLIENT_EXPIRED' } })
    expect(firstFingerprint((await identity.credential()).certificate)).toBe(firstFingerprint(credential.certificate))
  })
})

describe('a new root', () => {
  test('is believed before it is used: the broker moves under it, and the device connects', async () => {
    // What the second fleet issues is to come; the first one announces its root.
    await using second = await openTestFleet()
    await using world = await openDeviceWorld({ alsoTrust: second.trustAnchors })
    const credential = await world.currentCredential('sensor-1')
    const { trustAnchors, ...rest } = credential
    const oldRoot = trustAnchors.replace(second.trustAnchors, '')
    expect(oldRoot).not.toBe(trustAnchors)
    const identity = memoryIdentity({ deviceId: 'sensor-1', ...rest, trustAnchors: oldRoot })
    const device = await connectDevice(world.brokerUrl, { identity, renewal: { hub: world.hubUrl, pollSeconds: 1 } })
    const { added, removed } = await next(device, 'trustUpdated')
    expect(added).toEqual([firstFingerprint(second.trustAnchors)])
    expect(removed).toEqual([])
    world.serveUnder(await second.issueServer({ hosts: ['localhost'] }))
    await device.reconnectNow()
    expect(device.client.connected).toBe(true)
    await device.close()
    const late = memoryIdentity({ deviceId: 'sensor-1', ...rest, trustAnchors: oldRoot })
    expect((await rejection(connectDevice(world.brokerUrl, { identity: late }))).code).toBe('ERR_PKI_SERVER_UNTRUSTED')
  })
})

describe('an enrolment', () => {
  test('that is cut at every step ends with one certificate, by the same token', async () => {
    await using world = await openDeviceWorld()
    world.begin()
    const trustAnchors = world.fleet.trustAnchors
    let isOver = false
    for (let cutAt = 0; !isOver; cutAt++) {
      const deviceId = `sensor-${cutAt}`
      const { token } = await world.fleet.createToken({ deviceId })
      const bootstrap = { url: world.hubUrl, token, trustAnchors }
      let count = 0
      let isGone = false
      const tick = (): boolean => {
        isGone ||= count++ === cutAt
        return isGone
      }
      world.interference = (request, response, pass) => {
        if (tick()) return void request.socket.destroy()
        const end = response.end.bind(response)
        response.end = ((body: Uint8Array) => {
          if (!tick()) return end(body)
          request.socket.destroy()
          return response
        }) as typeof response.end
        pass()
      }
      const disk = createPowerCutDisk({ isCut: tick })
      const enrolled = await storedIdentity({
        deviceId,
        storage: createFileStorage('/certs', deviceId, disk.fileSystem),
        bootstrap,
      })
        .credential()
        .catch(() => undefined)
      isOver = !isGone
      if (isOver) {
        expect(enrolled).toBeDefined()
        expect(cutAt).toBeGreaterThan(20)
      }
      world.interference = undefined
      const storage = createFileStorage(
        '/certs',
        deviceId,
        disk.afterCut({ nameChanges: 'all', contents: cutAt % 2 === 0 ? 'all' : 'none' }).fileSystem,
      )
      const identity = storedIdentity({ deviceId, storage, bootstrap })
      expect(await world.statusOf((await identity.credential()).certificate)).toBe('active')
      const record = await world.fleet.device(deviceId)
      expect(record?.fingerprint).toBe(firstFingerprint((await identity.credential()).certificate))
    }
  })

  test('does not believe a hub under another CA, and sends it nothing', async () => {
    await using world = await openDeviceWorld()
    await using stranger = await openTestFleet()
    world.begin()
    let heard = 0
    world.interference = () => {
      heard += 1
    }
    const { token } = await world.fleet.createToken({ deviceId: 'sensor-1' })
    const bootstrap = { url: world.hubUrl, token, trustAnchors: stranger.trustAnchors }
    const identity = fileIdentity(join(directory, 'untrusted'), 'sensor-1', { bootstrap })
    expect((await rejection(identity.credential())).code).toBe('ERR_PKI_SERVER_UNTRUSTED')
    expect(heard).toBe(0)
  })

  test('options that cannot work are TypeErrors', async () => {
    await using fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const good = { url: 'https://hub.example', token: 'x'.repeat(43), trustAnchors: fleet.trustAnchors }
    for (const wrong of [
      { url: 'http://hub.example' },
      { url: 'https://user:secret@hub.example' },
      { url: 'https://hub.example/?a=b' },
      { token: 'short' },
      { token: `${'x'.repeat(40)}\r\nx: y` },
      { trustAnchors: '' },
    ]) {
      expect(() => fileIdentity(directory, 'sensor-1', { bootstrap: { ...good, ...wrong } })).toThrow(TypeError)
    }
  })
})
