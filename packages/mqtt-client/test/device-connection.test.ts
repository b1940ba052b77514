import { once } from 'node:events'
import { expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { connectDevice, type DeviceIdentity } from '../src/index.ts'
import { type AedesBroker, startAedes } from './support/aedes-broker.ts'
import { fixtures } from './support/fixtures.ts'
import { identityOf } from './support/identity-of.ts'
import { startMosquitto } from './support/mosquitto.ts'
import { next } from './support/next-event.ts'
import { expectNoPem, rejection } from './support/rejection.ts'
import { connack5, disconnect5, startScripted } from './support/scripted-broker.ts'
import { uncaught } from './support/uncaught.ts'
import { watch } from './support/watch.ts'

const { ca, otherCa, server, identity } = fixtures
const reconnect = { minSeconds: 0.05, maxSeconds: 0.2 }
const connack4 = Buffer.from([0x20, 2, 0, 0])

describeWith(['openssl', 'mosquitto'], 'while mosquitto restarts', () => {
  test.each([
    [4, 1],
    [4, 2],
    [5, 1],
    [5, 2],
  ] as const)('MQTT %i: what is in flight with QoS %i arrives', async (protocolVersion, qos) => {
    await using broker = await startMosquitto({ clientCa: ca, server, lines: ['autosave_interval 1'] })
    const options = { protocolVersion, reconnect, clean: false } as const
    await using watcher = await watch(broker.url, options, qos)
    const { got } = watcher
    await using device = await connectDevice(broker.url, { ...options, identity })
    const sent = Array.from({ length: 20 }, (_, index) => `message ${index}`)
    const published: Promise<unknown>[] = []
    const publish = (payload: string): void => {
      published.push(device.client.publishAsync('telemetry', payload, { qos }))
    }
    sent.slice(0, 10).forEach(publish)
    const closed = next(device, 'closed')
    const connected = next(device, 'connected')
    await broker.stop()
    expect(await closed).toMatchObject({ willReconnect: true })
    sent.slice(10).forEach(publish)
    await broker.start()
    await connected
    await Promise.all(published)
    await expect.poll(() => new Set(got).size, { timeout: 10_000 }).toBe(20)
    expect(new Set(got)).toEqual(new Set(sent))
    if (qos === 2) expect(got).toHaveLength(20)
  })

  test('a device that was revoked meanwhile is told so, and comes back when it may', async () => {
    const credential = ca.issue('sensor-2')
    let current = identityOf('sensor-2', credential, ca)
    const changing: DeviceIdentity = { deviceId: 'sensor-2', credential: () => current.credential() }
    await using broker = await startMosquitto({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity: changing, reconnect })
    const refused = next(device, 'refused')
    await broker.stop()
    ca.revoke(credential)
    await broker.start()
    const error = await refused
    expect(error.code).toBe('ERR_PKI_CLIENT_REVOKED')
    expectNoPem(error)
    const connected = next(device, 'connected')
    current = identityOf('sensor-2', ca.issue('sensor-2'), ca)
    await connected
    expect(device.client.connected).toBe(true)
  })
})

describeWith(['openssl'], 'what a broker of MQTT 5 says', () => {
  test('in CONNACK', async () => {
    await using broker = await startScripted(server, socket =>
      socket.write(connack5(0x87, { reasonString: 'sensor-1 was\r\nrevoked' })),
    )
    const error = await rejection(connectDevice(broker.url, { identity, protocolVersion: 5 }))
    expect(error).toMatchObject({
      code: 'ERR_PKI_BROKER_REFUSED',
      details: { reasonCode: 0x87, reason: 'not authorized: sensor-1 was revoked' },
    })
  })

  test.each([
    ['with a text', 'by an operator', 'administrative action: by an operator'],
    ['without a text', undefined, 'administrative action'],
  ])('in DISCONNECT %s', async (_, text, reason) => {
    await using broker = await startScripted(server, socket => {
      socket.write(connack5(0))
      setTimeout(() => socket.end(disconnect5(0x98, text === undefined ? {} : { reasonString: text })), 20)
    })
    await using device = await connectDevice(broker.url, { identity, protocolVersion: 5, reconnect: false })
    expect(await next(device, 'closed')).toMatchObject({
      willReconnect: false,
      error: { code: 'ERR_PKI_BROKER_REFUSED', details: { reasonCode: 0x98, reason } },
    })
  })
})

describeWith(['openssl'], 'reconnecting', () => {
  test('tells each step, and subscribes again', async () => {
    const events: string[] = []
    const first = await startAedes({ clientCa: ca, server })
    const { port } = first
    await using device = await connectDevice(first.url, { identity, reconnect })
    for (const name of ['connected', 'closed', 'refused', 'reconnecting', 'error'] as const) {
      device.on(name, () => events.push(name))
    }
    await device.client.subscribeAsync('commands/#', { qos: 1 })
    const failed = next(device, 'error')
    await first[Symbol.asyncDispose]()
    expect(await failed).toMatchObject({ code: 'ERR_PKI_UNREACHABLE', details: { host: 'localhost', port } })
    const connected = next(device, 'connected')
    await using again = await startAedes({ clientCa: ca, server, port })
    const subscribed = once(again.broker, 'subscribe')
    expect(await connected).toEqual({ sessionPresent: false })
    expect((await subscribed)[0]).toMatchObject([{ topic: 'commands/#', qos: 1 }])
    expect(events.slice(0, 3)).toEqual(['closed', 'reconnecting', 'error'])
    expect(events.at(-1)).toBe('connected')
  })

  test('counts the attempts', async () => {
    const broker = await startAedes({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity, reconnect })
    const attempts: number[] = []
    device.on('reconnecting', ({ attempt, delaySeconds }) => {
      attempts.push(attempt)
      expect(delaySeconds).toBeLessThanOrEqual(0.2)
    })
    await broker[Symbol.asyncDispose]()
    await expect.poll(() => attempts).toEqual(expect.arrayContaining([1, 2, 3]))
  })

  test('a refusal by CONNACK is told, and attempts go on', async () => {
    let returnCode = 0
    await using broker = await startAedes({ clientCa: ca, server, returnCode: () => returnCode })
    await using device = await connectDevice(broker.url, { identity, reconnect })
    returnCode = 5
    const refused = next(device, 'refused')
    cut(broker)
    expect(await refused).toMatchObject({ code: 'ERR_PKI_BROKER_REFUSED', details: { reasonCode: 5 } })
    const connected = next(device, 'connected')
    returnCode = 0
    await connected
    expect(device.client.connected).toBe(true)
  })

  test('an identity that cannot be read is told, and attempts go on', async () => {
    let broken = false
    const flaky: DeviceIdentity = {
      deviceId: 'sensor-1',
      credential: () => (broken ? Promise.reject(new Error('no disk')) : identity.credential()),
    }
    await using broker = await startAedes({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity: flaky, reconnect })
    broken = true
    const failed = next(device, 'error')
    cut(broker)
    expect((await failed).code).toBe('ERR_PKI_IDENTITY')
    const connected = next(device, 'connected')
    broken = false
    await connected
    expect(device.client.connected).toBe(true)
  })

  test('a broker that does not speak MQTT any more is left', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity, reconnect })
    const closed = next(device, 'closed')
    const connected = next(device, 'connected')
    // A PUBACK must have no flags.
    for (const connection of connectionsOf(broker)) connection.write(Buffer.from('4f020001', 'hex'))
    const { error } = await closed
    expect(error?.code).toBe('ERR_PKI_UNREACHABLE')
    expect(error?.message).toContain('does not speak MQTT')
    await connected
  })

  // MQTT 3.1.1 section 2.3.1. MQTT.js throws over its answer to a packet whose identifier was cut off, where nobody can catch it.
  test.each([
    ['PUBLISH of QoS 1', [0x32, 3, 0, 1, 0x61]],
    ['PUBLISH of QoS 2', [0x34, 3, 0, 1, 0x61]],
    ['PUBLISH of QoS 1 with 0', [0x32, 5, 0, 1, 0x61, 0, 0]],
    ['PUBREL', [0x62, 0]],
    ['PUBREL of one octet', [0x62, 1, 1]],
    ['PUBACK', [0x40, 0]],
    ['SUBACK', [0x90, 0]],
  ])('a broker that sends a %s without an identifier is left, and asked again', async (_, octets) => {
    await using broker = await startScripted(server, (socket, count) => {
      socket.write(connack4)
      if (count === 1) setTimeout(() => socket.write(Buffer.from(octets)), 20)
    })
    await using device = await connectDevice(broker.url, { identity, reconnect })
    const messages: string[] = []
    device.client.on('message', topic => messages.push(topic))
    const [{ error }] = await Promise.all([next(device, 'closed'), next(device, 'connected')])
    expect(error?.message).toMatch(/does not speak MQTT/)
    expect(messages).toEqual([])
  })

  test('what a listener throws does not stop it', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity, reconnect })
    const thrown = uncaught()
    const mistake = new Error('a mistake in a listener')
    const off = device.on('closed', () => {
      throw mistake
    })
    const connected = next(device, 'connected')
    cut(broker)
    expect(await thrown).toBe(mistake)
    off()
    await connected
    expect(device.client.connected).toBe(true)
  })

  test('without reconnect the connection ends, and what waits fails', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    broker.broker.authorizePublish = () => {}
    await using device = await connectDevice(broker.url, { identity, reconnect: false })
    const published = device.client.publishAsync('x', 'never acknowledged', { qos: 1 })
    const closed = next(device, 'closed')
    cut(broker)
    expect(await closed).toMatchObject({ willReconnect: false })
    expect((await rejection(published)).code).toBe('ERR_PKI_CLOSED')
  })
})

describeWith(['openssl'], 'close', () => {
  const will = { topic: 'wills', payload: 'gone' }

  test('waits for what is in flight, says DISCONNECT, and ends', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const topics = topicsOf(broker)
    const device = await connectDevice(broker.url, { identity, will })
    const published = device.client.publishAsync('telemetry', '1', { qos: 2 })
    const closed = next(device, 'closed')
    const disconnected = once(broker.broker, 'clientDisconnect')
    const closing = device.close()
    expect(device.close()).toBe(closing)
    await closing
    await published
    await disconnected
    expect(await closed).toEqual({ willReconnect: false })
    expect(topics).toEqual(['telemetry'])
    expect((await rejection(device.client.publishAsync('x', '1', { qos: 1 }))).code).toBe('ERR_PKI_CLOSED')
  })

  test('a broker that resets the connection once it has the DISCONNECT is no failure', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const device = await connectDevice(broker.url, { identity })
    const closed = next(device, 'closed')
    device.client.on('packetsend', ({ cmd }) => {
      const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
      if (cmd === 'disconnect') device.client.stream.destroy(reset)
    })
    await device.close()
    expect(await closed).toEqual({ willReconnect: false })
  })

  test('a connection that is cut publishes the will', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const topics = topicsOf(broker)
    await using device = await connectDevice(broker.url, { identity, will, reconnect: false })
    device.client.stream.destroy()
    await expect.poll(() => topics).toEqual(['wills'])
  })

  test('while the broker is away it does not wait for it', async () => {
    const broker = await startAedes({ clientCa: ca, server })
    const device = await connectDevice(broker.url, { identity, reconnect: { minSeconds: 60 } })
    const closed = next(device, 'closed')
    await broker[Symbol.asyncDispose]()
    await closed
    const late = [
      device.client.publishAsync('x', '0', { qos: 0 }),
      device.client.publishAsync('x', '1', { qos: 1 }),
      device.client.publishAsync('x', '2', { qos: 2 }),
    ].map(rejection)
    await device.close()
    expect((await Promise.all(late)).map(({ code }) => code)).toEqual(Array(3).fill('ERR_PKI_CLOSED'))
  })

  test.each([
    ['waits for the broker', 'x', 0],
    ['is in flight', 'x', 1],
    ['is subscribed to', 'filter', 1],
  ] as const)('what the callback of something that %s throws is seen, and stops nothing', async (what, topic, qos) => {
    const broker = await startAedes({ clientCa: ca, server })
    broker.broker.authorizePublish = () => {}
    broker.broker.authorizeSubscribe = () => {}
    const device = await connectDevice(broker.url, { identity, reconnect: { minSeconds: 60 } })
    const mistake = new Error('a mistake in a callback')
    const wrong = (): void => {
      throw mistake
    }
    const start = (): unknown =>
      topic === 'filter'
        ? device.client.subscribe(topic, { qos }, wrong)
        : device.client.publish(topic, '', { qos }, wrong)
    const isWaiting = what === 'waits for the broker'
    const thrown = uncaught()
    if (!isWaiting) start()
    const closed = next(device, 'closed')
    await broker[Symbol.asyncDispose]()
    await closed
    if (isWaiting) start()
    const behind = rejection(device.client.publishAsync('x', '', { qos: 1 }))
    await device.close()
    expect(await thrown).toBe(mistake)
    expect((await behind).code).toBe('ERR_PKI_CLOSED')
    expect(device.client.disconnected).toBe(true)
  })

  test('from within a listener', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const device = await connectDevice(broker.url, { identity, reconnect })
    const events: string[] = []
    device.on('reconnecting', () => events.push('reconnecting'))
    const ended = new Promise<void>(resolve => {
      device.on('closed', () => void device.close().then(resolve))
    })
    cut(broker)
    await ended
    expect(events).toEqual([])
  })

  test('a broker that never acknowledges is waited for a while only', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    broker.broker.authorizePublish = () => {}
    const device = await connectDevice(broker.url, { identity })
    const published = device.client.publishAsync('x', 'never acknowledged', { qos: 1 })
    const failed = rejection(published)
    await device.close()
    expect((await failed).code).toBe('ERR_PKI_CLOSED')
  })

  test('ending the MQTT.js client ends the connection', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const device = await connectDevice(broker.url, { identity, reconnect })
    const closed = next(device, 'closed')
    await device.client.endAsync()
    expect(await closed).toEqual({ willReconnect: false })
    await device.close()
    expect(device.client.connected).toBe(false)
  })

  test('a listener is taken off, and an unknown event is a TypeError', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const device = await connectDevice(broker.url, { identity })
    let heard = 0
    device.on('closed', () => heard++)()
    expect(() => device.on('message' as never, () => {})).toThrow(TypeError)
    await device.close()
    expect(heard).toBe(0)
  })
})

describeWith(['openssl'], 'a failed first connect', () => {
  test('leaves nothing behind: no socket, no attempt', async () => {
    let attempts = 0
    await using broker = await startAedes({
      clientCa: ca,
      server: otherCa.issue('localhost', { names: 'DNS:localhost' }),
    })
    const counting: DeviceIdentity = {
      deviceId: 'sensor-1',
      credential: () => {
        attempts++
        return identity.credential()
      },
    }
    await rejection(
      connectDevice(broker.url, { identity: counting, reconnect: { minSeconds: 0.01, maxSeconds: 0.01 } }),
    )
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(attempts).toBe(1)
  })
})

type BrokerSide = { readonly conn: { destroy(): void; write(bytes: Uint8Array): void } }

function connectionsOf(broker: AedesBroker): BrokerSide['conn'][] {
  const clients = (broker.broker as unknown as { clients: Record<string, BrokerSide> }).clients
  return Object.values(clients).map(({ conn }) => conn)
}

function cut(broker: AedesBroker): void {
  for (const connection of connectionsOf(broker)) connection.destroy()
}

function topicsOf(broker: AedesBroker): string[] {
  const topics: string[] = []
  broker.broker.on('publish', ({ topic }) => {
    if (!topic.startsWith('$SYS')) topics.push(topic)
  })
  return topics
}
