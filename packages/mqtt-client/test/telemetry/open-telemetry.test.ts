import { expect, test } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { connectDevice, type DeviceConnection, openTelemetry, telemetryProfile } from '../../src/index.ts'
import { startAedes } from '../support/aedes-broker.ts'
import { fixtures } from '../support/fixtures.ts'
import { identityOf } from '../support/identity-of.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { rejection } from '../support/rejection.ts'
import { uncaught } from '../support/uncaught.ts'

const { ca, identity, server } = fixtures

async function platform(url: string): Promise<DeviceConnection & { next(topic: string): Promise<unknown> }> {
  const connection = await connectDevice(url, { identity: identityOf('platform', ca.issue('platform'), ca) })
  await connection.client.subscribeAsync('#', { qos: 1 })
  const next = async (topic: string): Promise<unknown> => {
    const payload = await new Promise<Buffer>(resolve => {
      connection.client.on('message', (at, received) => {
        if (at === topic) resolve(received)
      })
    })
    return JSON.parse(String(payload))
  }
  return { ...connection, next }
}

describeWith(['openssl', 'mosquitto'], 'telemetry', () => {
  test.each([
    ['fleetcert', { kind: 'fleetcert', deviceId: 'sensor-1' }, 'devices/sensor-1', 'rpc/request', 'rpc/response'],
    ['thingsboard', { kind: 'thingsboard' }, 'v1/devices/me', 'rpc/request/5', 'rpc/response/5'],
  ] as const)('the same device, on %s', async (kind, options, prefix, request, response) => {
    await using broker = await startMosquitto({ clientCa: ca, server })
    await using backend = await platform(broker.url)
    await using device = await connectDevice(broker.url, { identity })
    const set: unknown[] = []
    await using telemetry = await openTelemetry(device, {
      profile: telemetryProfile(options),
      methods: { ping: () => ({ pong: true }) },
      onAttributes: values => set.push(values),
    })
    const values = backend.next(`${prefix}/telemetry`)
    await telemetry.publish({ celsius: 21.5 })
    expect(await values).toEqual({ celsius: 21.5 })

    const attributes = backend.next(`${prefix}/attributes`)
    await telemetry.publishAttributes({ firmware: '1.2.3' })
    expect(await attributes).toEqual({ firmware: '1.2.3' })

    const pong = backend.next(`${prefix}/${response}`)
    await backend.client.publishAsync(`${prefix}/${request}`, '{"id":"5","method":"ping","params":{}}', { qos: 1 })
    expect(await pong).toEqual(kind === 'thingsboard' ? { pong: true } : { id: '5', result: { pong: true } })

    await backend.client.publishAsync(`${prefix}/attributes`, '{"interval":10}', { qos: 1 })
    await backend.client.publishAsync(`${prefix}/attributes`, 'not JSON', { qos: 1 })
    if (kind === 'thingsboard') await expect.poll(() => set).toContainEqual({ interval: 10 })
    else expect(set).toEqual([])
  })

  test('what a listener of attributes throws is seen, and stops nothing', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server })
    await using backend = await platform(broker.url)
    await using device = await connectDevice(broker.url, { identity })
    const thrown = uncaught()
    const mistake = new Error('a mistake in a listener')
    const set: unknown[] = []
    await using _telemetry = await openTelemetry(device, {
      profile: telemetryProfile({ kind: 'thingsboard' }),
      onAttributes(values) {
        if (set.push(values) === 1) throw mistake
      },
    })
    await backend.client.publishAsync('v1/devices/me/attributes', '{"interval":null}', { qos: 1 })
    expect(await thrown).toBe(mistake)
    await backend.client.publishAsync('v1/devices/me/attributes', '{"interval":10}', { qos: 1 })
    await expect.poll(() => set).toEqual([{ interval: null }, { interval: 10 }])
  })

  test('answers after a reconnect too, and not after close', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server })
    await using backend = await platform(broker.url)
    await using device = await connectDevice(broker.url, { identity })
    const profile = telemetryProfile({ kind: 'fleetcert', deviceId: 'sensor-1' })
    const outcomes: string[] = []
    const telemetry = await openTelemetry(device, {
      profile,
      methods: { ping: () => true },
      onRequest: ({ outcome }) => outcomes.push(outcome),
    })
    const ask = (): Promise<unknown> =>
      backend.client.publishAsync(profile.requestFilter, '{"id":1,"method":"ping"}', { qos: 1 })
    await device.reconnectNow()
    await expect.poll(() => device.client.connected).toBe(true)
    const answered = backend.next('devices/sensor-1/rpc/response')
    await ask()
    await answered
    await telemetry.close()
    await ask()
    await device.client.publishAsync('x', 'the broker is behind the request', { qos: 1 })
    expect(outcomes).toEqual(['answered'])
  })

  test('values that are no JSON, or too much', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity })
    await using telemetry = await openTelemetry(device, { profile: telemetryProfile({ kind: 'thingsboard' }) })
    await expect(telemetry.publish({ value: 1n })).rejects.toThrow(RangeError)
    await expect(telemetry.publish({ value: 'x'.repeat(70_000) })).rejects.toThrow(RangeError)
    await device.close()
    expect((await rejection(telemetry.publish({ value: 1 }))).code).toBe('ERR_PKI_CLOSED')
  })
})

describeWith(['openssl'], 'a broker that does not allow it', () => {
  const options = { profile: telemetryProfile({ kind: 'thingsboard' }), methods: { ping: () => true } }

  test('says so', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    broker.broker.authorizeSubscribe = (_client, _subscription, done) => done(null, null)
    await using device = await connectDevice(broker.url, { identity })
    const error = await rejection(openTelemetry(device, options))
    expect(error).toMatchObject({
      code: 'ERR_PKI_BROKER_REFUSED',
      details: { reason: 'no subscription to v1/devices/me/rpc/request/+' },
    })
    expect(device.client.listenerCount('message')).toBe(0)
  })

  test('or is lost over it', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    broker.broker.authorizeSubscribe = () => {}
    await using device = await connectDevice(broker.url, { identity, reconnect: false })
    const failed = rejection(openTelemetry(device, options))
    await expect.poll(() => Object.keys(device.client.outgoing)).toHaveLength(1)
    device.client.stream.destroy()
    expect((await failed).code).toBe('ERR_PKI_UNREACHABLE')
  })
})
