import type { PkiError } from '@fleetcert/x509'
import { expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { parseBrokerUrl } from '../src/broker-address.ts'
import { readConnectOptions } from '../src/connect-options.ts'
import type { CredentialSource } from '../src/credential-source.ts'
import { createDeviceLink, type DeviceLink } from '../src/device-link.ts'
import { type ConnectDeviceOptions, connectDevice, type DeviceIdentity } from '../src/index.ts'
import { createCredentialReader, type TlsCredential } from '../src/read-credential.ts'
import { startAedes } from './support/aedes-broker.ts'
import { fixtures } from './support/fixtures.ts'
import { identityOf } from './support/identity-of.ts'
import { next } from './support/next-event.ts'
import { rejection } from './support/rejection.ts'
import { connack5, disconnect5, startScripted } from './support/scripted-broker.ts'

const { ca, otherCa, server, identity } = fixtures
const reconnect = { minSeconds: 0.05, maxSeconds: 0.2 }
// Long enough that nothing but what is asked for can happen in a test.
const never = { minSeconds: 3600, spreadSeconds: 3600 }

/** A source that answers what it is told to, and writes down what it is told. */
function scriptedSource(): CredentialSource & { current: string; other: string | undefined; readonly log: string[] } {
  const readers = {
    good: createCredentialReader(identity),
    bad: createCredentialReader(identityOf('sensor-1', otherCa.issue('sensor-1'), ca)),
  }
  const names = new Map<TlsCredential, string>()
  const source = {
    current: 'good',
    other: undefined as string | undefined,
    log: [] as string[],
    async next() {
      const credential = await readers[source.current as keyof typeof readers]()
      names.set(credential, source.current)
      source.log.push(`next ${source.current}`)
      return credential
    },
    connected: (credential: TlsCredential) => void source.log.push(`connected ${names.get(credential)}`),
    failed(credential: TlsCredential, error: PkiError) {
      source.log.push(`failed ${names.get(credential)} ${error.code}`)
      const { other } = source
      if (other !== undefined) source.current = other
      return other !== undefined
    },
  }
  return source
}

async function open(
  broker: { readonly url: string },
  source: CredentialSource,
  options: Partial<ConnectDeviceOptions> = {},
): Promise<DeviceLink & AsyncDisposable> {
  const address = parseBrokerUrl(broker.url)
  const link = createDeviceLink(address, readConnectOptions({ identity, reconnect, ...options }, address.host), source)
  await link.open()
  return { ...link, [Symbol.asyncDispose]: () => link.connection.close() }
}

const refusedCode = 'ERR_PKI_BROKER_REFUSED'

describeWith(['openssl'], 'the source of credentials', () => {
  test('is asked before each attempt, and told how it went', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const source = scriptedSource()
    await using link = await open(broker, source)
    const connected = next(link.connection, 'connected')
    link.connection.client.stream.destroy()
    await connected
    expect(source.log).toEqual(['next good', 'connected good', 'next good', 'connected good'])
  })

  test('at the first connect another credential is tried at once, where there is one', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const source = scriptedSource()
    Object.assign(source, { current: 'bad', other: 'good' })
    await using _link = await open(broker, source, { reconnect: never })
    expect(source.log).toEqual(['next bad', `failed bad ${refusedCode}`, 'next good', 'connected good'])
  })

  test('but once, whatever it says', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const source = scriptedSource()
    Object.assign(source, { current: 'bad', other: 'bad' })
    expect((await rejection(open(broker, source))).code).toBe(refusedCode)
    expect(source.log).toEqual(['next bad', `failed bad ${refusedCode}`, 'next bad', `failed bad ${refusedCode}`])
  })

  test('and once between two waits', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const source = scriptedSource()
    await using link = await open(broker, source, { reconnect: { ...reconnect, refusedMaxSeconds: 0.2 } })
    Object.assign(source, { current: 'bad', other: 'bad' })
    let waits = 0
    link.connection.on('reconnecting', () => waits++)
    link.connection.client.stream.destroy()
    await expect.poll(() => waits, { timeout: 5000 }).toBeGreaterThanOrEqual(3)
    const attempts = source.log.filter(line => line === 'next bad').length
    expect(attempts).toBeLessThanOrEqual(2 * waits)
  })
})

describeWith(['openssl'], 'reconnectNow', () => {
  test('a new credential that is refused rejects, and the old one is back at once', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const source = scriptedSource()
    await using link = await open(broker, source, { reconnect: never })
    Object.assign(source, { current: 'bad', other: 'good', log: [] })
    source.log.length = 0
    const connected = next(link.connection, 'connected')
    const refused = next(link.connection, 'refused')
    const error = await rejection(link.connection.reconnectNow())
    expect(error.code).toBe(refusedCode)
    expect(await refused).toBe(error)
    await connected
    expect(link.connection.client.connected).toBe(true)
  })

  test('says DISCONNECT, so that no will is published, and tells what happens', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const topics: string[] = []
    broker.broker.on('publish', ({ topic }) => {
      if (!topic.startsWith('$SYS')) topics.push(topic)
    })
    await using device = await connectDevice(broker.url, { identity, will: { topic: 'wills', payload: 'gone' } })
    const events: unknown[] = []
    device.on('closed', event => events.push(['closed', event]))
    device.on('connected', event => events.push(['connected', event]))
    device.on('reconnecting', event => events.push(['reconnecting', event]))
    await device.reconnectNow()
    await expect
      .poll(() => events)
      .toEqual([
        ['closed', { willReconnect: true }],
        ['connected', { sessionPresent: false }],
      ])
    await device.client.publishAsync('after', '1', { qos: 1 })
    expect(topics).toEqual(['after'])
  })

  test('what is subscribed to while the session ends is subscribed to', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using device = await connectDevice(broker.url, { identity })
    const got: string[] = []
    device.client.on('message', topic => got.push(topic))
    const swapped = device.reconnectNow()
    await expect.poll(() => device.client.connected, { interval: 1 }).toBe(false)
    const subscribed = device.client.subscribeAsync('commands', { qos: 1 })
    await swapped
    await subscribed
    await device.client.publishAsync('commands', '1', { qos: 1 })
    await expect.poll(() => got).toEqual(['commands'])
  })

  test('makes the next attempt now while the broker is away', async () => {
    const first = await startAedes({ clientCa: ca, server })
    await using device = await connectDevice(first.url, { identity, reconnect: never })
    const waiting = next(device, 'reconnecting')
    await first[Symbol.asyncDispose]()
    await waiting
    expect((await rejection(device.reconnectNow())).code).toBe('ERR_PKI_UNREACHABLE')
    await using _again = await startAedes({ clientCa: ca, server, port: first.port })
    await device.reconnectNow()
    expect(device.client.connected).toBe(true)
  })

  test('follows an attempt that is under way, for its credential may be the old one', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const source = scriptedSource()
    await using link = await open(broker, source, { reconnect: never })
    const second = link.connection.reconnectNow()
    await expect.poll(() => source.log.length, { interval: 1 }).toBe(3)
    // `next` was answered, and CONNACK is not there yet.
    const third = link.connection.reconnectNow()
    expect(link.connection.reconnectNow()).toBe(third)
    await second
    await third
    expect(source.log.filter(line => line.startsWith('connected'))).toHaveLength(3)
  })

  test('with reconnect: false it is the one way to connect again', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const source = scriptedSource()
    await using link = await open(broker, source, { reconnect: false })
    await link.connection.reconnectNow()
    expect(link.connection.client.connected).toBe(true)
    source.current = 'bad'
    expect((await rejection(link.connection.reconnectNow())).code).toBe(refusedCode)
    expect((await rejection(link.connection.reconnectNow())).code).toBe('ERR_PKI_CLOSED')
  })

  test('a broker that keeps its side open is hung up on, and one that never acknowledges is not waited for', async () => {
    await using broker = await startScripted(server, socket => {
      socket.allowHalfOpen = true
      socket.write(connack5(0))
    })
    await using device = await connectDevice(broker.url, { identity, protocolVersion: 5 })
    const published = device.client.publishAsync('x', '1', { qos: 1 })
    const failed = rejection(published)
    await device.reconnectNow()
    expect(broker.connections()).toBe(2)
    await device.close()
    expect((await failed).code).toBe('ERR_PKI_CLOSED')
  })

  test('close ends it', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    const device = await connectDevice(broker.url, { identity })
    const pending = rejection(device.reconnectNow())
    await device.close()
    expect((await pending).code).toBe('ERR_PKI_CLOSED')
    expect((await rejection(device.reconnectNow())).code).toBe('ERR_PKI_CLOSED')
  })

  test('a session that is lost before it could be ended is followed at once too', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    broker.broker.authorizePublish = () => {}
    await using device = await connectDevice(broker.url, { identity, reconnect: never })
    const published = rejection(device.client.publishAsync('x', 'never acknowledged', { qos: 1 }))
    const swapped = device.reconnectNow()
    device.client.stream.destroy()
    await swapped
    await device.close()
    expect((await published).code).toBe('ERR_PKI_CLOSED')
  })
})

describeWith(['openssl'], 'a broker that asks for patience', () => {
  const user = [['Retry-After', '1800']] as const

  test.each([
    ['CONNACK', [connack5(0x97, { user })]],
    ['DISCONNECT', [connack5(0), disconnect5(0x89, { user })]],
  ])('by %s is left alone as long as it says, by reconnectNow too', async (_, packets) => {
    await using broker = await startScripted(server, (socket, count) => {
      if (count === 1) socket.write(connack5(0))
      else for (const packet of packets) socket.write(packet)
    })
    const options = { identity, protocolVersion: 5, reconnect } as const
    await using device = await connectDevice(broker.url, options)
    const delay = next(device, 'reconnecting')
    void device.reconnectNow().catch(() => {})
    const { delaySeconds } = await delay
    expect(delaySeconds).toBeGreaterThanOrEqual(1800)
    expect(delaySeconds).toBeLessThanOrEqual(1800.2)
    const pending = rejection(device.reconnectNow())
    await device.close()
    expect((await pending).code).toBe('ERR_PKI_CLOSED')
    expect(broker.connections()).toBe(2)
  })

  test('another server that it names is told, and not gone to', async () => {
    await using other = await startScripted(server, () => {})
    const serverReference = `localhost:${other.port}`
    await using broker = await startScripted(server, socket => socket.write(connack5(0x9d, { serverReference })))
    const error = await rejection(connectDevice(broker.url, { identity, protocolVersion: 5 }))
    expect(error.message).toContain(`server moved: it names ${serverReference}, which is not followed`)
    expect(other.connections()).toBe(0)
  })

  test('a device that is refused waits longer', async () => {
    await using broker = await startScripted(server, (socket, count) => {
      socket.write(count === 1 ? connack5(0) : connack5(0x87))
      if (count === 1) setTimeout(() => socket.destroy(), 20)
    })
    const slow: DeviceIdentity = { ...identity }
    await using device = await connectDevice(broker.url, {
      identity: slow,
      protocolVersion: 5,
      reconnect: { minSeconds: 0.01, spreadSeconds: 0.01, maxSeconds: 0.02, refusedMaxSeconds: 0.5 },
    })
    const delays: number[] = []
    device.on('reconnecting', ({ delaySeconds }) => delays.push(delaySeconds))
    await expect.poll(() => Math.max(...delays), { timeout: 10_000 }).toBeGreaterThan(0.02)
  })
})
