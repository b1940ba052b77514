import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { type DeviceCredential, encodePem, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { type DeviceTopics, type DeviceTopicsClient, serveDeviceTopics } from '@fleetcert/hub'
import fc from 'fast-check'
import type { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type DeviceBroker, startDeviceBroker } from '../support/device-broker.ts'
import { type DeviceKey, type DeviceKeyKind, deviceKey } from '../support/device-key.ts'

const broker = { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 }

interface Answer {
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: string }
}

interface Device {
  readonly deviceId: string
  readonly owner: string | undefined
  readonly prefix: string
  readonly key: DeviceKey
  readonly credential: DeviceCredential
}

let fleet: Fleet
let serial = 0
beforeAll(async () => {
  fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
})
afterAll(() => fleet.close())

async function enroll(owner?: string, kind: DeviceKeyKind = 'P-256'): Promise<Device> {
  const deviceId = `device-${++serial}`
  const key = deviceKey(kind)
  const credential = await fleet.enroll(deviceId, { csr: await key.csr(), ...(owner === undefined ? {} : { owner }) })
  const prefix = owner === undefined ? `devices/${deviceId}` : `users/${owner}/devices/${deviceId}`
  return { deviceId, owner, prefix, key, credential }
}

/** The params of a renewal, as the page on the device API has them. */
async function renewal(device: Device, next: DeviceKey, signer: DeviceKey = device.key): Promise<object> {
  const { fingerprint } = device.credential
  // Made once: an ECDSA signature is another each time, and what is hashed must be what is sent.
  const der = await next.csrDer()
  const hex = createHash('sha256').update(der).digest('hex')
  const pem = encodePem('CERTIFICATE REQUEST', der)
  const signature = signer.sign(`fleetcert-renew-v1\n${device.deviceId}\n${fingerprint}\n${hex}`)
  return { csr: pem, fingerprint, signature }
}

function confirmation(deviceId: string, fingerprint: string, signer: DeviceKey): object {
  return { fingerprint, signature: signer.sign(`fleetcert-confirm-v1\n${deviceId}\n${fingerprint}`) }
}

describe('over aedes, with mutual TLS and the default topics', () => {
  let mqtt: DeviceBroker
  let topics: DeviceTopics
  const errors: unknown[] = []
  beforeAll(async () => {
    mqtt = await startDeviceBroker(fleet)
    const service = await fleet.enroll('backend-1', { role: 'service' })
    const client = await mqtt.connect(service, service.privateKey!)
    topics = await serveDeviceTopics({ fleet, client, broker, onError: error => errors.push(error) })
  })
  afterAll(async () => {
    await topics.close()
    await mqtt[Symbol.asyncDispose]()
    expect(errors).toEqual([])
  })

  /** A device that asks and waits, as one does. */
  async function connected(device: Device) {
    const client: MqttClient = await mqtt.connect({ ...device.credential, deviceId: device.deviceId }, device.key.key)
    const waiting = new Map<string, (answer: Answer) => void>()
    client.on('message', (_topic, payload) => {
      const answer = JSON.parse(payload.toString())
      waiting.get(answer.id)?.(answer)
    })
    await client.subscribeAsync(`${device.prefix}/pki/response`, { qos: 1 })
    let id = 0
    return {
      client,
      ask(method: string, params: object): Promise<Answer> {
        id += 1
        const answer = new Promise<Answer>(resolve => waiting.set(String(id), resolve))
        const request = JSON.stringify({ id: String(id), method, params })
        return client.publishAsync(`${device.prefix}/pki/request`, request, { qos: 1 }).then(() => answer)
      },
    }
  }

  test.each([undefined, 'acme'])('a device of owner %s asks, renews, connects anew and confirms', async owner => {
    const device = await enroll(owner)
    const { ask, client } = await connected(device)
    const { fingerprint } = device.credential
    const info = await ask('renewalInfo', { fingerprint })
    expect(info.result).toEqual({
      suggestedWindow: { start: expect.any(String), end: expect.any(String) },
      trustAnchors: fleet.trustAnchors,
      fingerprint,
      retryAfterSeconds: expect.any(Number),
    })
    const next = deviceKey()
    const renewed = (await ask('renew', await renewal(device, next))) as { result: never }
    const result = renewed.result as { clientCert: string; deviceId: string; fingerprint: string }
    expect(result.deviceId).toBe(device.deviceId)
    expect(JSON.stringify(result)).not.toContain('PRIVATE')
    client.end()

    const credential = { ...device.credential, certificate: result.clientCert, chain: '' }
    const renewedDevice: Device = {
      ...device,
      key: next,
      credential: { ...credential, fingerprint: result.fingerprint },
    }
    const again = await connected(renewedDevice)
    const confirmed = await again.ask('confirm', confirmation(device.deviceId, result.fingerprint, next))
    expect(confirmed.result).toEqual({ superseded: 1 })
    again.client.end()
  })

  test('a device cannot ask on the topic of another, nor hear its answers', async () => {
    const [device, other] = [await enroll('acme'), await enroll('acme')]
    const { client } = await connected(device)
    const granted = await client.subscribeAsync(`${other.prefix}/pki/response`).catch(error => error)
    expect(JSON.stringify(granted) + String(granted)).toMatch(/128|Unspecified/)
    const closed = new Promise<void>(resolve => client.once('close', () => resolve()))
    client.publish(`${other.prefix}/pki/request`, '{"id":"1"}', { qos: 1 })
    await closed
  })
})

/** A client whose broker is the test: it says what comes in, and sees what goes out. */
function scriptedClient() {
  const events = new EventEmitter()
  const sent: { topic: string; payload: string }[] = []
  const subscribed: string[][] = []
  const state = { publish: async (): Promise<unknown> => undefined, granted: [] as unknown }
  const client: DeviceTopicsClient = {
    on: (event, listener) => events.on(event, listener),
    removeListener: (event, listener) => events.removeListener(event, listener),
    subscribeAsync: async filters => {
      subscribed.push(filters)
      return state.granted
    },
    unsubscribeAsync: async () => undefined,
    publishAsync: async (topic, payload) => {
      sent.push({ topic, payload })
      return state.publish()
    },
  }
  const deliver = (topic: string, payload: string | Uint8Array, packet: { retain?: boolean } = {}): void =>
    void events.emit('message', topic, typeof payload === 'string' ? Buffer.from(payload) : payload, packet)
  return { client, deliver, sent, subscribed, events, state }
}

describe('a broker that is not to be trusted', () => {
  let script: ReturnType<typeof scriptedClient>
  let topics: DeviceTopics
  const errors: unknown[] = []
  beforeEach(async () => {
    errors.length = 0
    script = scriptedClient()
    topics = await serveDeviceTopics({ fleet, client: script.client, broker, onError: error => errors.push(error) })
  })
  afterEach(() => topics.close())

  async function ask(topic: string, request: object | string): Promise<{ topic: string; answer: Answer }> {
    const before = script.sent.length
    script.deliver(topic, typeof request === 'string' ? request : JSON.stringify(request))
    while (script.sent.length === before) await setTimeout(1)
    const { topic: to, payload } = script.sent.at(-1)!
    return { topic: to, answer: JSON.parse(payload) }
  }

  const codeOf = async (topic: string, request: object): Promise<string> => {
    const { answer } = await ask(topic, request)
    return answer.error?.code ?? 'none'
  }

  test.each<DeviceKeyKind>(['P-256', 'P-384', 'RSA', 'Ed25519'])('a renewal signed by a key of %s', async kind => {
    const device = await enroll('acme', kind)
    const next = deviceKey(kind)
    const request = { id: 'a', method: 'renew', params: await renewal(device, next) }
    const { topic, answer } = await ask(`${device.prefix}/pki/request`, request)
    expect(topic).toBe(`${device.prefix}/pki/response`)
    expect(answer.error).toBeUndefined()
    expect(answer.result!['deviceId']).toBe(device.deviceId)
    // Played again: the same certificate, of which the device alone has the key.
    expect((await ask(`${device.prefix}/pki/request`, request)).answer).toEqual(answer)
  })

  test('whoever has no key renews nothing', async () => {
    const [device, other] = [await enroll('acme'), await enroll('acme')]
    const topic = `${device.prefix}/pki/request`
    const untrusted = 'ERR_PKI_CLIENT_UNTRUSTED'
    const mine = (params: object) => codeOf(topic, { id: '1', method: 'renew', params })
    // Another key, nobody's key, another device's certificate on this device's topic, and the other way round.
    expect(await mine(await renewal(device, deviceKey(), deviceKey()))).toBe(untrusted)
    expect(await mine(await renewal(other, deviceKey()))).toBe(untrusted)
    expect(await mine(await renewal({ ...device, credential: other.credential }, deviceKey()))).toBe(untrusted)
    const right = (await renewal(device, deviceKey())) as { csr: string; fingerprint: string; signature: string }
    // Another request under the same signature.
    expect(await mine({ ...right, csr: await deviceKey().csr() })).toBe(untrusted)
    // The same under another owner, or none.
    const request = { id: '1', method: 'renew', params: right }
    expect(await codeOf(`users/other/devices/${device.deviceId}/pki/request`, request)).toBe(untrusted)
    expect(await codeOf(`devices/${device.deviceId}/pki/request`, request)).toBe(untrusted)
    // A signature for something else, by the right key.
    const confirming = confirmation(device.deviceId, device.credential.fingerprint, device.key)
    expect(await mine({ ...right, signature: (confirming as { signature: string }).signature })).toBe(untrusted)
    // Nothing came of any of it.
    expect((await fleet.device(device.deviceId))?.fingerprint).toBe(device.credential.fingerprint)
    expect(errors).toEqual([])
  })

  test('only the new key confirms', async () => {
    const device = await enroll()
    const topic = `${device.prefix}/pki/request`
    const next = deviceKey()
    const { answer } = await ask(topic, { id: '1', method: 'renew', params: await renewal(device, next) })
    const { fingerprint } = answer.result as { fingerprint: string }
    const confirm = (params: object) => codeOf(topic, { id: '2', method: 'confirm', params })
    expect(await confirm(confirmation(device.deviceId, fingerprint, device.key))).toBe('ERR_PKI_CLIENT_UNTRUSTED')
    expect(await confirm(confirmation('another', fingerprint, next))).toBe('ERR_PKI_CLIENT_UNTRUSTED')
    expect((await fleet.identify({ fingerprint: device.credential.fingerprint })).status).toBe('active')
    expect(await confirm(confirmation(device.deviceId, fingerprint, next))).toBe('none')
  })

  test('revoked, on hold, unknown', async () => {
    const device = await enroll()
    const topic = `${device.prefix}/pki/request`
    const params = await renewal(device, deviceKey())
    await fleet.revoke(device.deviceId, { reason: 'certificateHold' })
    expect(await codeOf(topic, { id: '1', method: 'renew', params })).toBe('ERR_PKI_CLIENT_REVOKED')
    await fleet.revoke(device.deviceId, { reason: 'keyCompromise' })
    expect(await codeOf(topic, { id: '1', method: 'renew', params })).toBe('ERR_PKI_CLIENT_REVOKED')
    const unknown = Array(32).fill('AB').join(':')
    const info = { id: '1', method: 'renewalInfo', params: { fingerprint: unknown } }
    expect(await codeOf(topic, info)).toBe('ERR_PKI_CLIENT_UNTRUSTED')
  })

  test.each<[string, object]>([
    ['no method', { id: '1' }],
    ['a method that is none', { id: '1', method: 'revoke' }],
    ['a member too many', { id: '1', method: 'renewalInfo', params: {}, token: 'x' }],
    ['params that are a list', { id: '1', method: 'renewalInfo', params: [] }],
    ['params that are missing', { id: '1', method: 'renewalInfo' }],
    ['a param too many', { id: '1', method: 'renewalInfo', params: { fingerprint: 'AA', deviceId: 'x' } }],
    [
      'a fingerprint in lower case',
      { id: '1', method: 'renewalInfo', params: { fingerprint: Array(32).fill('ab').join(':') } },
    ],
    [
      'a signature that is no base64',
      { id: '1', method: 'confirm', params: { fingerprint: Array(32).fill('AB').join(':'), signature: '%' } },
    ],
    [
      'a signature that is too long',
      {
        id: '1',
        method: 'confirm',
        params: { fingerprint: Array(32).fill('AB').join(':'), signature: 'A'.repeat(4096) },
      },
    ],
  ])('malformed: %s', async (_, request) => {
    expect(await codeOf('devices/d/pki/request', request)).toBe('ERR_PKI_REQUEST')
  })

  test('what is no request gets no answer', async () => {
    const device = await enroll('acme')
    const request = JSON.stringify({
      id: '1',
      method: 'renewalInfo',
      params: { fingerprint: device.credential.fingerprint },
    })
    const topic = `${device.prefix}/pki/request`
    script.deliver(topic, request, { retain: true })
    for (const other of [
      'devices/d/pki/response',
      `${topic}/x`,
      'pki/request',
      'users/+/devices/#/pki/request',
      'devices//pki/request',
    ]) {
      script.deliver(other, request)
    }
    for (const payload of [
      '',
      'x',
      '[]',
      'null',
      '{}',
      '{"id":1}',
      '{"id":""}',
      `{"id":"${'x'.repeat(129)}"}`,
      `{"id":"1"}${' '.repeat(70_000)}`,
    ]) {
      script.deliver(topic, payload)
    }
    script.deliver(topic, Uint8Array.of(0x7b, 0xff, 0x7d))
    const { answer } = await ask(topic, request)
    expect(answer.result).toBeDefined()
    expect(script.sent).toHaveLength(1)
  })

  test('the store down: an error to come back from, and the reason stays here', async () => {
    const down: Fleet = Object.create(fleet, {
      identify: { value: () => Promise.reject(new Error('secret-host refused')) },
    })
    const second = scriptedClient()
    const served = await serveDeviceTopics({
      fleet: down,
      client: second.client,
      broker,
      onError: error => errors.push(error),
    })
    second.deliver(
      'devices/d/pki/request',
      JSON.stringify({ id: '1', method: 'renewalInfo', params: { fingerprint: Array(32).fill('AB').join(':') } }),
    )
    while (second.sent.length === 0) await setTimeout(1)
    expect(JSON.parse(second.sent[0]!.payload).error.code).toBe('ERR_PKI_INTERNAL')
    expect(second.sent[0]!.payload).not.toContain('secret')
    expect(String(errors[0])).toContain('secret-host')
    await served.close()
  })

  test('one request of a device at a time', async () => {
    const device = await enroll()
    const topic = `${device.prefix}/pki/request`
    const params = await renewal(device, deviceKey())
    for (const id of ['1', '2', '3']) script.deliver(topic, JSON.stringify({ id, method: 'renew', params }))
    while (script.sent.length < 3) await setTimeout(1)
    const answers = script.sent.map(({ payload }) => JSON.parse(payload))
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(1)
    for (const { error } of answers.filter(({ result }) => result === undefined)) {
      expect(error).toEqual({
        code: 'ERR_PKI_BUSY',
        message: expect.any(String),
        retryAfterSeconds: expect.any(Number),
      })
    }
  })

  test('a broker that takes no answers does not make them pile up', async () => {
    let letGo = (): void => {}
    script.state.publish = () => new Promise<void>(resolve => (letGo = resolve))
    const count = 1000
    for (let index = 0; index < count; index += 1) {
      const request = { id: '1', method: 'renewalInfo', params: { fingerprint: Array(32).fill('AB').join(':') } }
      script.deliver(`devices/d-${index}/pki/request`, JSON.stringify(request))
    }
    await setTimeout(200)
    expect(script.sent.length).toBeLessThanOrEqual(64 + 256)
    script.state.publish = async () => undefined
    letGo()
  })

  test('a publish that fails is reported and nothing else', async () => {
    script.state.publish = () => Promise.reject(new Error('disconnected'))
    script.deliver('devices/d/pki/request', '{"id":"1"}')
    while (errors.length === 0) await setTimeout(1)
    expect(String(errors[0])).toContain('disconnected')
  })

  test('nothing that comes in throws', async () => {
    const topic = fc.oneof(fc.string(), fc.constantFrom('devices/d/pki/request', 'users/a/devices/d/pki/request'))
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(text => Buffer.from(text)),
    )
    fc.assert(
      fc.property(topic, payload, fc.boolean(), (name, octets, retain) => script.deliver(name, octets, { retain })),
    )
    await topics.close()
  })
})

describe('options', () => {
  test('a group of processes shares the requests', async () => {
    const { client, subscribed } = scriptedClient()
    await (await serveDeviceTopics({ fleet, client, broker, shareGroup: 'hubs' })).close()
    expect(subscribed[0]).toEqual(['$share/hubs/users/+/devices/+/pki/request', '$share/hubs/devices/+/pki/request'])
    await expect(serveDeviceTopics({ fleet, client, broker, shareGroup: 'a/b' })).rejects.toThrow(TypeError)
  })

  // 0x80 and up are refusals: MQTT 3.1.1 section 3.9.3, MQTT 5 section 3.9.3.
  test.each([128, 135, 158])(
    'a subscription that is refused with %d is an error, and nothing is left behind',
    async qos => {
      const { client, state, events } = scriptedClient()
      state.granted = [
        { topic: 'x', qos: 1 },
        { topic: 'y', qos },
      ]
      await expect(serveDeviceTopics({ fleet, client, broker })).rejects.toMatchObject({
        code: 'ERR_PKI_BROKER_REFUSED',
      })
      expect(events.listenerCount('message')).toBe(0)
    },
  )

  test('closing answers what is under way, and takes no more', async () => {
    const script = scriptedClient()
    const topics = await serveDeviceTopics({ fleet, client: script.client, broker })
    const device = await enroll()
    const request = { id: '1', method: 'renew', params: await renewal(device, deviceKey()) }
    script.deliver(`${device.prefix}/pki/request`, JSON.stringify(request))
    await topics.close()
    expect(script.sent).toHaveLength(1)
    script.deliver(`${device.prefix}/pki/request`, JSON.stringify(request))
    await setTimeout(10)
    expect(script.sent).toHaveLength(1)
    await topics.close()
  })
})
