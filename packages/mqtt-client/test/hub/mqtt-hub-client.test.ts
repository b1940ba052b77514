import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Speaker } from '../../src/hub/hub-transport.ts'
import { createMqttHubClient } from '../../src/hub/mqtt-hub-client.ts'
import type { StoredCredential } from '../../src/identity/identity-state.ts'
import { connectDevice, type DeviceConnection, memoryIdentity } from '../../src/index.ts'
import { prepareCredential } from '../../src/read-credential.ts'
import { type DeviceWorld, openDeviceWorld } from '../support/device-world.ts'
import { firstFingerprint } from '../support/first-fingerprint.ts'
import { rejection } from '../support/rejection.ts'

let world: DeviceWorld
let device: DeviceConnection
let speaker: Speaker
/** What is published at `pki/response` for each request. */
let answers: (request: { id: string; method: string }) => unknown[]

beforeAll(async () => {
  world = await openDeviceWorld()
  const credential: StoredCredential = await world.currentCredential('sensor-1')
  speaker = {
    fingerprint: firstFingerprint(credential.certificate),
    privateKey: credential.privateKey,
    tls: prepareCredential(credential),
  }
  device = await connectDevice(world.brokerUrl, { identity: memoryIdentity({ deviceId: 'sensor-1', ...credential }) })
  world.aedes.on('publish', ({ topic, payload }, client) => {
    if (client === null || topic !== 'devices/sensor-1/pki/request') return
    for (const answer of answers(JSON.parse(String(payload)))) {
      const text = answer instanceof Uint8Array ? answer : typeof answer === 'string' ? answer : JSON.stringify(answer)
      world.aedes.publish(
        {
          cmd: 'publish',
          topic: 'devices/sensor-1/pki/response',
          payload: Buffer.from(text),
          qos: 1,
          retain: false,
          dup: false,
        },
        () => {},
      )
    }
  })
})
afterAll(async () => {
  await device.close()
  await world[Symbol.asyncDispose]()
})
beforeEach(() => {
  answers = () => []
})

const hub = (deadlineSeconds = 5): ReturnType<typeof createMqttHubClient> =>
  createMqttHubClient(device.client, { deviceId: 'sensor-1', topicPrefix: 'devices/sensor-1', deadlineSeconds })

describe('the hub over MQTT', () => {
  test('what is no answer to this request is not heeded', async () => {
    answers = ({ id }) => [
      'garbage',
      Uint8Array.of(0xff, 0xfe),
      [],
      null,
      7,
      { id: 'another', result: { superseded: 9 } },
      { id: 'another', error: { code: 'ERR_PKI_X', message: 'x' } },
      'x'.repeat(300_000),
      { id, result: { superseded: 1 } },
      { id, result: { superseded: 2 } },
    ]
    expect(await hub().confirm(speaker)).toEqual({ superseded: 1 })
  })

  test('an error is told with its code, its words and when to come again', async () => {
    answers = ({ id }) => [{ id, error: { code: 'ERR_PKI_RENEWAL_BUSY', message: 'later', retryAfterSeconds: 9 } }]
    expect(await rejection(hub().renewalInfo(speaker))).toMatchObject({
      code: 'ERR_PKI_HUB_REFUSED',
      details: { code: 'ERR_PKI_RENEWAL_BUSY', reason: 'later', retryAfterSeconds: 9 },
    })
    answers = ({ id }) => [{ id, error: 'no' }]
    expect((await rejection(hub().confirm(speaker))).details).toEqual({ reason: 'no reason given' })
  })

  test.each([undefined, null, 7, 'x', {}])('a result of %j is ERR_PKI_HUB_ANSWER', async result => {
    answers = ({ id }) => [{ id, result }]
    expect((await rejection(hub().renewalInfo(speaker))).code).toBe('ERR_PKI_HUB_ANSWER')
  })

  test('no answer ends with the deadline, and no listener is left', async () => {
    const before = device.client.listenerCount('message')
    const error = await rejection(hub(0.2).confirm(speaker))
    expect(error).toMatchObject({
      code: 'ERR_PKI_UNREACHABLE',
      details: { reason: 'the hub did not answer over MQTT in time' },
    })
    expect(device.client.listenerCount('message')).toBe(before)
  })

  test('without a session nothing waits for one', async () => {
    const identity = memoryIdentity({ deviceId: 'sensor-2', ...(await world.currentCredential('sensor-2')) })
    const other = await connectDevice(world.brokerUrl, { identity })
    await other.close()
    const client = createMqttHubClient(other.client, { deviceId: 'sensor-2', topicPrefix: 'devices/sensor-2' })
    expect((await rejection(client.confirm(speaker))).details).toMatchObject({ reason: 'no connection to the broker' })
  })

  test("a topic that is not the device's own is refused by the broker, and told", async () => {
    const client = createMqttHubClient(device.client, {
      deviceId: 'sensor-1',
      topicPrefix: 'devices/sensor-9',
      deadlineSeconds: 2,
    })
    expect((await rejection(client.confirm(speaker))).code).toBe('ERR_PKI_UNREACHABLE')
  })
})
