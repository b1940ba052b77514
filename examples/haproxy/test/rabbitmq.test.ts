import { globSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findRabbitMq } from '../../../bench/src/auth-rabbitmq.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { enrolled, type Identity } from './support/load.ts'
import { startRabbitMq } from './support/rabbitmq.ts'
import { type Site, startSite } from './support/site.ts'

const isThere = findRabbitMq() !== undefined
if (!isThere && process.env['FLEETCERT_REQUIRE_TOOLS'] === '1') throw new Error('rabbitmq-server is not installed')

describeWith(
  isThere ? ['haproxy', 'redis-server'] : ['rabbitmq-server'],
  'RabbitMQ behind HAProxy, told by PROXY protocol v2',
  () => {
    let site: Site
    const clients: MqttClient[] = []
    beforeAll(async () => {
      site = await startSite('rabbitmq')
      await site.brokerFiles()
      await startRabbitMq(site, 'rabbitmq1')
      await site.until('brokers/rabbitmq1', 'UP')
    }, 180_000)
    afterAll(async () => {
      for (const client of clients) client.end(true)
      await site?.[Symbol.asyncDispose]()
    })

    /** From an address that is nobody else's. */
    async function connect(
      { deviceId, certificate, key, caCert }: Identity,
      localAddress: string,
      clientId = deviceId,
    ): Promise<MqttClient> {
      const identity = { clientId, cert: certificate, key, ca: caCert, localAddress, protocolVersion: 4 as const }
      const client = await connectAsync(
        `mqtts://127.0.0.1:${site.brokerPort}`,
        { ...identity, reconnectPeriod: 0, connectTimeout: 20_000 },
        false,
      )
      client.on('error', () => {})
      clients.push(client)
      return client
    }
    /** Resolves once RabbitMQ has said so. */
    const logged = async (text: RegExp): Promise<void> => {
      const log = (): string => globSync(site.path('rabbitmq1/log/*.log')).map(readText).join('')
      while (!text.test(log())) await sleep(50)
    }

    it('sees the address and the certificate of the device, and the hubs decide', { timeout: 180_000 }, async () => {
      const client = await connect(await enrolled(site, 'pump-1'), '127.0.0.7')
      await logged(/accepting MQTT connection .*\(127\.0\.0\.7:\d+ -> .*client id: pump-1\)/)
      const heard: string[] = []
      client.on('message', topic => heard.push(topic))
      await client.subscribeAsync('devices/pump-1/#', { qos: 1 })
      await client.publishAsync('devices/pump-1/up', 'x', { qos: 1 })
      while (heard.length === 0) await sleep(20)
      expect(heard).toEqual(['devices/pump-1/up'])
    })

    it('refuses what is not the device’s own', { timeout: 180_000 }, async () => {
      const client = await connect(await enrolled(site, 'pump-2'), '127.0.0.8')
      const closed = new Promise<void>(resolve => client.once('close', () => resolve()))
      client.publish('devices/pump-1/up', 'x', { qos: 1 })
      await closed
      await logged(/refused for user 'pump-2'/)
      for (const [deviceId, clientId] of [
        ['pump-3', 'pump-1'],
        ['pump-1.x', 'pump-1.x'],
      ] as const) {
        const identity = await enrolled(site, deviceId)
        await expect(connect(identity, '127.0.0.9', clientId)).rejects.toThrow(/Connection refused/)
      }
    })

    it('refuses a device that was revoked', { timeout: 180_000 }, async () => {
      const identity = await enrolled(site, 'pump-4')
      await (await connect(identity, '127.0.0.10')).endAsync()
      expect((await site.call('DELETE', '/pump-4')).status).toBe(200)
      // The other hub may be asked: it hears of it within a second.
      let refused: unknown
      while (refused === undefined) {
        await connect(identity, '127.0.0.10').then(
          client => client.endAsync(),
          error => (refused = error),
        )
      }
      expect(String(refused)).toContain('Connection refused')
    })
  },
)

function readText(file: string): string {
  return readFileSync(file, 'utf8')
}
