import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { connectDevice, type DeviceIdentity } from '../src/index.ts'
import { brokers, everyBroker } from './support/brokers.ts'
import { fixtures } from './support/fixtures.ts'
import { identityOf } from './support/identity-of.ts'
import { watch } from './support/watch.ts'

const { ca } = fixtures
const reconnect = { minSeconds: 0.05, maxSeconds: 0.2 }
const swaps = 12

describeWith(['openssl', 'mosquitto'], 'a credential is swapped while messages are published', () => {
  test.each(everyBroker)('%s, MQTT %i, QoS %i: nothing is lost', async (name, protocolVersion, qos) => {
    await using broker = await brokers[name]()
    const options = { protocolVersion, reconnect, clean: false } as const
    await using watcher = await watch(broker.url, options, qos)
    const { got } = watcher

    const credentials = [ca.issue('sensor-1'), ca.issue('sensor-1')]
    let current = 0
    const identity: DeviceIdentity = {
      deviceId: 'sensor-1',
      credential: () => identityOf('sensor-1', credentials[current % 2]!, ca).credential(),
    }
    await using device = await connectDevice(broker.url, {
      ...options,
      identity,
      will: { topic: 'telemetry', payload: 'the will', qos },
    })
    const shown: string[] = []
    if ('broker' in broker) {
      broker.broker.on('client', ({ conn }) => shown.push((conn as TLSSocket).getPeerCertificate().fingerprint256))
    }
    const commands: string[] = []
    device.client.on('message', (_, payload) => commands.push(String(payload)))
    await device.client.subscribeAsync('commands', { qos })

    const sent: string[] = []
    const published: Promise<unknown>[] = []
    const steady = setInterval(() => {
      sent.push(`message ${sent.length}`)
      published.push(device.client.publishAsync('telemetry', sent.at(-1)!, { qos }))
    }, 3)
    for (current = 1; current <= swaps; current++) {
      await device.reconnectNow()
      await watcher.publish('commands', `command ${current}`)
      await sleep(30)
    }
    clearInterval(steady)
    if ('broker' in broker) {
      const fingerprints = credentials.map(({ certificate }) => new X509Certificate(certificate).fingerprint256)
      expect(shown).toEqual(Array.from({ length: swaps }, (_, index) => fingerprints[(index + 1) % 2]))
    }
    await Promise.all(published)
    await expect.poll(() => new Set(got).size, { timeout: 10_000 }).toBe(sent.length)
    await expect.poll(() => new Set(commands).size).toBe(swaps)
    if (qos === 2) {
      expect(got.toSorted()).toEqual(sent.toSorted())
      expect(commands).toHaveLength(swaps)
    } else {
      expect(new Set(got)).toEqual(new Set(sent))
    }
  })
})
