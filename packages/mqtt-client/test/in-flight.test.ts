import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { connectDevice, type DeviceConnection } from '../src/index.ts'
import { startAedes } from './support/aedes-broker.ts'
import { brokers, everyBroker } from './support/brokers.ts'
import { fixtures } from './support/fixtures.ts'
import { startMosquitto } from './support/mosquitto.ts'
import { next } from './support/next-event.ts'
import { rejection } from './support/rejection.ts'
import { watch } from './support/watch.ts'

const { ca, server, identity } = fixtures
const reconnect = { minSeconds: 0.02, maxSeconds: 0.1 }

describeWith(['openssl', 'mosquitto'], 'connections that are cut again and again', () => {
  test.each(everyBroker)(
    '%s, MQTT %i, QoS %i: nothing that is published meanwhile is lost',
    async (name, version, qos) => {
      await using broker = await brokers[name]()
      const options = { protocolVersion: version, reconnect, clean: false } as const
      await using watcher = await watch(broker.url, options, qos)
      await using device = await connectDevice(broker.url, { ...options, identity })
      const sent: string[] = []
      const published: Promise<unknown>[] = []
      const steady = setInterval(() => {
        sent.push(`message ${sent.length}`)
        published.push(device.client.publishAsync('telemetry', sent.at(-1)!, { qos }))
      }, 2)
      for (let cut = 0; cut < 8; cut++) {
        await sleep(60)
        device.client.stream?.destroy()
      }
      clearInterval(steady)
      await Promise.all(published)
      await expect.poll(() => new Set(watcher.got).size, { timeout: 10_000 }).toBe(sent.length)
      if (qos === 2) expect(watcher.got.toSorted()).toEqual(sent.toSorted())
    },
  )

  test.each([
    [4, 1],
    [4, 2],
    [5, 1],
    [5, 2],
  ] as const)('MQTT %i, QoS %i: a burst is not more than the broker takes at a time', async (version, qos) => {
    await using broker = await brokers.mosquitto()
    const options = { protocolVersion: version, reconnect, clean: false } as const
    await using watcher = await watch(broker.url, options, qos)
    await using device = await connectDevice(broker.url, { ...options, identity })
    const sent = Array.from({ length: 500 }, (_, index) => `message ${index}`)
    await Promise.all(sent.map(payload => device.client.publishAsync('telemetry', payload, { qos })))
    await expect.poll(() => watcher.got, { timeout: 10_000 }).toEqual(sent)
  })
})

describeWith(['openssl', 'mosquitto'], 'a broker of MQTT 5 that takes little', () => {
  test('its receive maximum is kept to', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server, lines: ['max_inflight_messages 3'] })
    await using device = await connectDevice(broker.url, { identity, protocolVersion: 5, maxInFlight: 1000 })
    let inFlight = 0
    let most = 0
    device.client.on('packetsend', ({ cmd }) => {
      if (cmd === 'publish') most = Math.max(most, ++inFlight)
    })
    device.client.on('packetreceive', ({ cmd }) => {
      if (cmd === 'pubcomp') inFlight--
    })
    await Promise.all(Array.from({ length: 50 }, () => device.client.publishAsync('telemetry', 'x', { qos: 2 })))
    expect(most).toBe(3)
  })
})

describeWith(['openssl', 'mosquitto'], 'what no broker takes', () => {
  test('a message that is larger than it says fails, and nothing is sent', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server, lines: ['max_packet_size 200'] })
    await using device = await connectDevice(broker.url, { identity, protocolVersion: 5 })
    const error = await rejection(device.client.publishAsync('telemetry', 'x'.repeat(200), { qos: 1 }))
    expect(error).toMatchObject({ code: 'ERR_PKI_TOO_LARGE', details: { limitBytes: 200 } })
    await device.client.publishAsync('telemetry', 'x'.repeat(184), { qos: 1 })
  })

  test.each(['a/+', '#', 'a\0'])('the topic %j is a TypeError', async topic => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity })
    expect(() => device.client.publish(topic, 'x')).toThrow(TypeError)
    await expect(device.client.publishAsync(topic, 'x')).rejects.toThrow(TypeError)
  })
})

describeWith(['openssl'], 'while the broker is away', () => {
  const options = { identity, reconnect: { minSeconds: 60 }, maxQueuedMessages: 3, maxQueuedBytes: 100 } as const

  async function lost(extra: object = {}): Promise<DeviceConnection> {
    await using broker = await brokers.aedes()
    const device = await connectDevice(broker.url, { ...options, ...extra })
    const closed = next(device, 'closed')
    await broker[Symbol.asyncDispose]()
    await closed
    return device
  }

  test.each([0, 1, 2] as const)('QoS %i: no more messages wait than may', async qos => {
    await using device = await lost()
    const waiting = ['1', '2', '3'].map(payload => rejection(device.client.publishAsync('x', payload, { qos })))
    const error = await rejection(device.client.publishAsync('x', '4', { qos }))
    expect(error).toMatchObject({ code: 'ERR_PKI_QUEUE_FULL', details: { messages: 3, bytes: 6 } })
    await device.close()
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(Array(3).fill('ERR_PKI_CLOSED'))
  })

  test('and no more bytes', async () => {
    await using device = await lost()
    const waiting = rejection(device.client.publishAsync('x', new Uint8Array(90) as Buffer, { qos: 1 }))
    expect((await rejection(device.client.publishAsync('x', '1234567890', { qos: 1 }))).code).toBe('ERR_PKI_QUEUE_FULL')
    // Without a callback there is nobody to tell.
    device.client.publish('x', '1234567890')
    device.client.publish('x', '1234567890', { qos: 1 })
    await device.close()
    expect((await waiting).code).toBe('ERR_PKI_CLOSED')
  })

  test('what waited goes out in order, as it was when it was published', async () => {
    const first = await brokers.aedes()
    const device = await connectDevice(first.url, { identity, reconnect })
    const closed = next(device, 'closed')
    await first[Symbol.asyncDispose]()
    await closed
    const buffer = Buffer.from('0')
    const published: Promise<unknown>[] = []
    for (let digit = 0; digit < 9; digit++) {
      buffer.write(String(digit))
      published.push(device.client.publishAsync('x', buffer, { qos: (digit % 3) as 0 | 1 | 2 }))
    }
    const sent: string[] = []
    device.client.on('packetsend', packet => {
      if (packet.cmd === 'publish') sent.push(String(packet.payload))
    })
    await using _again = await startAedes({ clientCa: ca, server, port: first.port })
    await Promise.all(published)
    expect(sent).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8'])
    await device.close()
  })

  test('a message that the socket did not take yet fails when it is lost', async () => {
    await using broker = await brokers.aedes()
    await using device = await connectDevice(broker.url, { identity, reconnect: false })
    // More than the socket buffers, and nobody reads it.
    for (const { conn } of Object.values(
      (broker.broker as unknown as { clients: Record<string, { conn: { pause(): void } }> }).clients,
    )) {
      conn.pause()
    }
    const big = Buffer.alloc(8 * 1024 * 1024)
    const published = Array.from({ length: 4 }, () =>
      device.client.publishAsync('x', big, { qos: 0 }).then(
        () => 'sent',
        (error: Error) => error.message,
      ),
    )
    await sleep(100)
    device.client.stream.destroy()
    expect(await Promise.all(published)).toContain('Connection closed')
  })
})
