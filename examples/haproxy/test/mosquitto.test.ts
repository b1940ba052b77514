import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import type { Child } from './support/child.ts'
import { enrolled } from './support/load.ts'
import { startCrlKeeper, startMosquitto } from './support/mosquitto.ts'
import { type Site, startSite } from './support/site.ts'

const names = ['mosquitto1', 'mosquitto2']

/** A device that connects again whenever it has to, and says one message after the other. */
interface Device {
  readonly client: MqttClient
  /** Messages that were acknowledged. */
  readonly acknowledged: number
  /** Whatever was wrong beside a connection that ended. */
  readonly errors: string[]
  readonly connections: number
}

describeWith(['haproxy', 'redis-server', 'mosquitto'], 'two Mosquittos behind HAProxy', () => {
  let site: Site
  const brokers = new Map<string, Child>()
  const devices: Device[] = []
  beforeAll(async () => {
    site = await startSite('mosquitto')
    await site.brokerFiles()
    for (const name of names) {
      await startCrlKeeper(site, name)
      brokers.set(name, await startMosquitto(site, name))
      await site.until(`brokers/${name}`, 'UP')
    }
  }, 180_000)
  afterAll(async () => {
    for (const { client } of devices) client.end(true)
    await site?.[Symbol.asyncDispose]()
  })

  async function startDevice(deviceId: string): Promise<Device> {
    const { certificate, key, caCert } = await enrolled(site, deviceId)
    const client = connect(`mqtts://127.0.0.1:${site.brokerPort}`, {
      ...{ clientId: deviceId, cert: certificate, key, ca: caCert },
      ...{ reconnectPeriod: 200, connectTimeout: 20_000 },
    })
    let acknowledged = 0
    let connections = 0
    const errors: string[] = []
    client.on('connect', () => (connections += 1))
    client.on('error', error => errors.push(error.message))
    const say = (): void => {
      if (client.disconnecting) return
      client.publish(`devices/${deviceId}/up`, 'x', { qos: 1 }, error => {
        if (error == null) acknowledged += 1
        setTimeout(say, 20)
      })
    }
    say()
    return {
      client,
      errors,
      get acknowledged() {
        return acknowledged
      },
      get connections() {
        return connections
      },
    }
  }
  const allHeardAgain = async (): Promise<void> => {
    const before = devices.map(({ acknowledged }) => acknowledged)
    while (devices.some((device, index) => device.acknowledged < before[index]! + 2)) await sleep(20)
  }

  it('are restarted one after the other, and no device is refused', { timeout: 180_000 }, async () => {
    devices.push(...(await Promise.all(Array.from({ length: 12 }, (_, index) => startDevice(`d${index}`)))))
    await allHeardAgain()
    for (const name of names) {
      // Nobody new, and whoever is there goes to the other one when its connection ends.
      await site.haproxy(`set server brokers/${name} state drain`)
      await site.until(`brokers/${name}`, 'DRAIN')
      await brokers.get(name)!.end('SIGTERM')
      await allHeardAgain()
      brokers.set(name, await startMosquitto(site, name))
      await site.haproxy(`set server brokers/${name} state ready`)
      await site.until(`brokers/${name}`, 'UP')
    }
    await allHeardAgain()
    for (const { errors, connections } of devices) {
      expect(errors).toEqual([])
      expect(connections).toBeGreaterThan(1)
    }
  })

  it('keep whoever is revoked out, whichever he comes to', { timeout: 180_000 }, async () => {
    const device = await startDevice('lost')
    while (device.acknowledged === 0) await sleep(20)
    expect((await site.call('DELETE', '/lost')).status).toBe(200)
    const reloads = names.map(name => brokers.get(name)!.log().split('Reloading config').length)
    for (const [index, name] of names.entries()) {
      while (brokers.get(name)!.log().split('Reloading config').length === reloads[index]) await sleep(50)
    }
    device.client.reconnect()
    while (!device.errors.some(error => error.includes('revoked'))) await sleep(20)
    device.client.end(true)
  })
})
