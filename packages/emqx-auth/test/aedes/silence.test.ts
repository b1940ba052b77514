import type { DeviceCredential } from '@fleetcert/core'
import { connect, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { closed, inbox, startBroker, type TestBroker } from '../support/broker.ts'

// From a revocation to silence on a real broker, with all that a device can leave behind to be said later: a will, retained messages, messages for somebody who is away.

const own = 'users/alice/devices/d1'
const marker = 'users/alice/devices/d2/marker'
const clients: MqttClient[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true)
})

/** A broker that a fleet's revocations end sessions on. */
async function fleetWithBroker(): Promise<TestBroker> {
  const { memoryKeyring, memoryStore, openFleet } = await import('@fleetcert/core')
  const held: { enforcer?: TestBroker['enforcer'] } = {}
  const fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    enforcers: [{ name: 'aedes', silence: (target, options) => held.enforcer!.silence(target, options) }],
  })
  const test = await startBroker({ fleet })
  held.enforcer = test.enforcer
  return test
}
const confirmed = { confirmed: ['aedes'], pending: [], failed: [] }

/** Hears every device. */
async function listener(test: TestBroker): Promise<MqttClient> {
  const service = await test.connect(await test.fleet.enroll('backend', { role: 'service' }))
  await service.subscribeAsync('users/+/devices/+/#', { qos: 1 })
  return service
}

/** Takes up a kept session: its messages come with the connection, before anybody can ask for them. */
async function connectHearing(test: TestBroker, credential: DeviceCredential, payloads: string[]): Promise<void> {
  const { certificate, chain, privateKey, deviceId } = credential
  const client = connect(`mqtts://127.0.0.1:${test.port}`, {
    ca: test.fleet.trustAnchors,
    cert: certificate + chain,
    key: privateKey!,
    clientId: deviceId,
    clean: false,
    reconnectPeriod: 0,
  })
  clients.push(client)
  client.on('error', () => {})
  client.on('message', (_, payload) => payloads.push(payload.toString()))
  await new Promise(resolve => client.once('connect', resolve))
}

async function mark(test: TestBroker): Promise<void> {
  const other = await test.connect(await test.fleet.enroll('d2', { owner: 'alice' }))
  await other.publishAsync(marker, 'x', { qos: 1 })
}

async function receipts(test: TestBroker): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { type, deviceId, details } of test.fleet.events({ follow: false })) {
    if (type === 'enforced') found.push([deviceId, details?.['enforcer'], details?.['outcome']])
  }
  return found
}

describe('after a revocation is confirmed, on aedes', () => {
  it('nothing comes of a device that sends without pause, and its will is not published', async () => {
    await using test = await fleetWithBroker()
    const service = await listener(test)
    const seen = inbox(service)
    const will = { topic: `${own}/will`, payload: Buffer.from('x'), qos: 1, retain: true } as const
    const device = await test.connect(await test.fleet.enroll('d1', { owner: 'alice' }), { will })
    let isSending = true
    const sending = (async () => {
      for (let count = 0; isSending; count += 1) {
        device.publish(`${own}/n/${count}`, 'x', { qos: (count % 2) as 0 | 1 })
        if (count % 20 === 0) await new Promise(resolve => setImmediate(resolve))
      }
    })()
    await seen.until(`${own}/n/100`)
    const isClosed = closed(device)
    const { enforced } = await test.fleet.revoke('d1')
    expect(await enforced).toEqual(confirmed)
    // What the broker took before it said so is on its way; what comes behind the marker was taken after.
    await mark(test)
    await seen.until(marker)
    const count = seen.topics.length
    await isClosed
    isSending = false
    await sending
    await service.publishAsync('users/alice/devices/d2/later', 'x', { qos: 1 })
    await seen.until('users/alice/devices/d2/later')
    expect(seen.topics.slice(count).filter(topic => topic.startsWith(own))).toEqual([])
    expect(seen.topics).not.toContain(`${own}/will`)
    await expect.poll(() => receipts(test), { timeout: 10_000 }).toEqual([['d1', 'aedes', 'gone']])
  })

  it('nothing comes of a will that was due at the same moment', async () => {
    await using test = await fleetWithBroker()
    const service = await listener(test)
    const seen = inbox(service)
    const will = { topic: `${own}/will`, payload: Buffer.from('x'), qos: 1, retain: false } as const
    const device = await test.connect(await test.fleet.enroll('d1', { owner: 'alice' }), { will })
    const [{ enforced }] = await Promise.all([test.fleet.revoke('d1'), device.stream.destroy()])
    expect(await enforced).toEqual(confirmed)
    await mark(test)
    await seen.until(marker)
    const count = seen.topics.length
    await service.publishAsync('users/alice/devices/d2/later', 'x', { qos: 1 })
    await seen.until('users/alice/devices/d2/later')
    expect(seen.topics.slice(count)).toEqual(['users/alice/devices/d2/later'])
  })

  it('what it said before stays: retained messages, and those that wait for somebody who is away', async () => {
    await using test = await fleetWithBroker()
    const credential = await test.fleet.enroll('away', { role: 'service' })
    const away = await test.connect(credential, { clean: false })
    await away.subscribeAsync('users/+/devices/+/#', { qos: 1 })
    await away.endAsync(true)
    const device = await test.connect(await test.fleet.enroll('d1', { owner: 'alice' }))
    await device.publishAsync(`${own}/state`, 'on', { qos: 1, retain: true })
    await device.publishAsync(`${own}/reading`, '7', { qos: 1 })
    expect(await (await test.fleet.revoke('d1')).enforced).toEqual(confirmed)
    const late = await test.connect(await test.fleet.enroll('late', { role: 'service' }))
    const found = inbox(late)
    await late.subscribeAsync('users/+/devices/+/#', { qos: 1 })
    await found.until(`${own}/state`)
    expect(found.topics).toEqual([`${own}/state`])
    const payloads: string[] = []
    await connectHearing(test, credential, payloads)
    await expect.poll(() => payloads).toEqual(['on', '7'])
    // Who wants it gone takes it away.
    await late.publishAsync(`${own}/state`, '', { qos: 1, retain: true })
    const returned = await test.connect(await test.fleet.enroll('again', { role: 'service' }))
    const cleared = inbox(returned)
    await returned.subscribeAsync('users/+/devices/+/#', { qos: 1 })
    await mark(test)
    await cleared.until(marker)
    expect(cleared.topics).toEqual([marker])
  })

  it('what waits for the device itself is not handed to its revoked certificate', async () => {
    await using test = await fleetWithBroker()
    const service = await listener(test)
    const credential = await test.fleet.enroll('d1', { owner: 'alice' })
    const device = await test.connect(credential, { clean: false })
    await device.subscribeAsync(`${own}/rpc`, { qos: 1 })
    await device.endAsync(true)
    await service.publishAsync(`${own}/rpc`, 'secret', { qos: 1 })
    expect(await (await test.fleet.revoke('d1')).enforced).toEqual(confirmed)
    await service.publishAsync(`${own}/rpc`, 'another', { qos: 1 })
    await expect(test.connect(credential, { clean: false })).rejects.toMatchObject({ code: 5 })
    // The session is the client id's, not the certificate's: whoever is enrolled by this name again finds it.
    const payloads: string[] = []
    const successor = await test.fleet.enroll('d1', { owner: 'alice' })
    await connectHearing(test, successor, payloads)
    await expect.poll(() => payloads).toEqual(['secret', 'another'])
  })

  it('there is one receipt, and none before the session is closed', async () => {
    await using test = await fleetWithBroker()
    const device = await test.connect(await test.fleet.enroll('d1', { owner: 'alice' }))
    const order: string[] = []
    const conn = (test.broker as unknown as { clients: Record<string, { conn: NodeJS.EventEmitter }> }).clients['d1']!
    conn.conn.once('close', () => order.push('closed'))
    const isClosed = closed(device)
    const { enforced } = await test.fleet.revoke('d1')
    await enforced.then(() => order.push('confirmed'))
    await isClosed
    expect(order).toEqual(['closed', 'confirmed'])
    await expect.poll(() => receipts(test), { timeout: 10_000 }).toEqual([['d1', 'aedes', 'gone']])
  })
})
