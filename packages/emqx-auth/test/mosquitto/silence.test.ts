import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type DeviceCredential,
  type Enforcer,
  type Fleet,
  memoryKeyring,
  memoryStore,
  openFleet,
} from '@fleetcert/core'
import { connectAsync, connect as connectMqtt, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, listening } from '../../../../test-support/ports.ts'
import { createMosquittoEnforcer, mosquittoAcl, mosquittoConfig } from '../../src/mosquitto/index.ts'
import { closed, inbox } from '../support/broker.ts'
import { findTool } from '../support/tools.ts'

const mosquitto = findTool('mosquitto')
const plugin = ['x86_64', 'aarch64', 'arm', 'i386']
  .map(machine => `/usr/lib/${machine}-linux-gnu/mosquitto_dynamic_security.so`)
  .concat('/usr/lib/mosquitto_dynamic_security.so')
  .find(existsSync)
const missing =
  mosquitto === undefined ? 'mosquitto' : plugin === undefined ? 'mosquitto_dynamic_security.so' : undefined
const confirmed = { confirmed: ['mosquitto'], pending: [], failed: [] }
const v5 = { protocolVersion: 5 } as const

// What a device can leave behind at Mosquitto to be said later: a will, a will with a delay, retained messages, messages for somebody who is away.

describe.skipIf(missing !== undefined)(
  `after a revocation is confirmed, on Mosquitto${missing === undefined ? '' : ` (skipped: no ${missing})`}`,
  () => {
    let folder: string
    let fleet: Fleet
    let broker: ChildProcess
    let port: number
    let seen: ReturnType<typeof inbox>
    let marks = 0
    let neighbour: MqttClient
    const enforcers: Enforcer[] = []
    const clients: MqttClient[] = []
    const log: string[] = []
    const file = (name: string): string => join(folder, name)

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fleetcert-mosquitto-'))
      fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), enforcers })
      const server = await fleet.issueServer({ hosts: ['127.0.0.1'] })
      port = await freePort()
      const conf = mosquittoConfig({
        port,
        host: '127.0.0.1',
        caFile: file('ca.pem'),
        certFile: file('server.pem'),
        keyFile: file('server-key.pem'),
        aclFile: file('acl'),
        crlFile: file('crl.pem'),
      })
      const acl = `${mosquittoAcl({}, { services: ['backend', 'away', 'late'] })}\nuser control\ntopic readwrite $CONTROL/dynamic-security/#\n`
      const user = process.getuid?.() === 0 ? 'user root\n' : ''
      const texts = {
        'ca.pem': server.chain + fleet.trustAnchors,
        'server.pem': server.certificate + server.chain,
        'server-key.pem': server.privateKey!,
        'crl.pem': (await fleet.crl()).pem,
        acl,
        'dynamic-security.json': '{"clients":[],"groups":[],"roles":[]}',
        'mosquitto.conf': `${conf}${user}plugin ${plugin}\nplugin_opt_config_file ${file('dynamic-security.json')}\n`,
      }
      for (const [name, text] of Object.entries(texts)) await writeFile(file(name), text, { mode: 0o600 })
      broker = spawn(mosquitto!, ['-v', '-c', file('mosquitto.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
      broker.stderr!.setEncoding('utf8').on('data', (text: string) => log.push(text))
      await listening(port, () => log.join(''))
      const service = await connect(await fleet.enroll('backend', { role: 'service' }))
      await service.subscribeAsync('devices/+/#', { qos: 1 })
      seen = inbox(service)
      neighbour = await connect(await fleet.enroll('neighbour'))
      const control = await connect(await fleet.enroll('control', { role: 'service' }))
      const options = { crl: () => fleet.crl(), crlFile: file('crl.pem'), reload: { pid: broker.pid! }, control }
      enforcers.push(createMosquittoEnforcer({ ...options, handshakeSeconds: 1 }))
    })
    afterAll(async () => {
      for (const client of clients) client.end(true)
      await fleet?.close()
      if (broker?.exitCode === null) {
        const exited = new Promise(resolve => broker.once('exit', resolve))
        broker.kill()
        await exited
      }
      if (folder !== undefined) await rm(folder, { recursive: true })
    })

    async function connect(credential: DeviceCredential, more: IClientOptions = {}): Promise<MqttClient> {
      const { certificate, chain, privateKey, deviceId } = credential
      const identity = { ca: fleet.trustAnchors, cert: certificate + chain, key: privateKey!, clientId: deviceId }
      const options = { ...identity, reconnectPeriod: 0, ...more }
      const client = await connectAsync(`mqtts://127.0.0.1:${port}`, options, false)
      client.on('error', () => {})
      clients.push(client)
      return client
    }
    /** Takes up a kept session: its messages come with the connection, before anybody can ask for them. */
    async function messagesOf(
      { certificate, chain, privateKey, deviceId }: DeviceCredential,
      count: number,
    ): Promise<string[]> {
      const payloads: string[] = []
      const client = connectMqtt(`mqtts://127.0.0.1:${port}`, {
        ...{ ca: fleet.trustAnchors, cert: certificate + chain, key: privateKey! },
        ...{ clientId: deviceId, clean: false, reconnectPeriod: 0 },
      })
      clients.push(client)
      client.on('error', () => {})
      client.on('message', (_, payload) => payloads.push(payload.toString()))
      await expect.poll(() => payloads.length, { timeout: 10_000 }).toBe(count)
      return payloads
    }
    /** What has come up to now: a marker of somebody else's is behind it. */
    async function heard(deviceId: string): Promise<string[]> {
      marks += 1
      const marker = `devices/neighbour/${marks}`
      await neighbour.publishAsync(marker, 'x', { qos: 1 })
      await seen.until(marker)
      return seen.topics.filter(topic => topic.startsWith(`devices/${deviceId}/`))
    }
    const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))
    const will = (deviceId: string, more: object = {}) => ({
      will: { topic: `devices/${deviceId}/will`, payload: Buffer.from('x'), qos: 1, retain: true, ...more } as const,
    })

    it('nothing comes of a device that sends without pause, and its will is not published', async () => {
      const device = await connect(await fleet.enroll('busy'), will('busy'))
      let isSending = true
      const sending = (async () => {
        for (let count = 0; isSending; count += 1) {
          device.publish(`devices/busy/${count}`, 'x', { qos: (count % 2) as 0 | 1 })
          await pause(1)
        }
      })()
      await seen.until('devices/busy/100')
      const { enforced } = await fleet.revoke('busy')
      await closed(device)
      expect(await enforced).toEqual(confirmed)
      const count = (await heard('busy')).length
      isSending = false
      await sending
      expect((await heard('busy')).slice(count)).toEqual([])
      expect(await heard('busy')).not.toContain('devices/busy/will')
    })

    it('nothing comes of a will that was to wait', async () => {
      const properties = { willDelayInterval: 1 }
      const session = { ...v5, clean: false, properties: { sessionExpiryInterval: 600 } }
      const device = await connect(await fleet.enroll('patient'), {
        ...session,
        ...will('patient', { properties }),
      })
      const { enforced } = await fleet.revoke('patient')
      await closed(device)
      expect(await enforced).toEqual(confirmed)
      await pause(2500)
      expect(await heard('patient')).toEqual([])
    })

    // Nothing can be kicked there. Mosquitto forgets such wills, of every device that is away, when it reads its files again.
    it('nothing comes of a will that was to wait for a device that is away', async () => {
      const properties = { willDelayInterval: 4 }
      const session = { ...v5, clean: false, properties: { sessionExpiryInterval: 600 } }
      const device = await connect(await fleet.enroll('lost'), { ...session, ...will('lost', { properties }) })
      device.stream.destroy()
      await closed(device)
      const { enforced } = await fleet.revoke('lost')
      expect(await enforced).toEqual(confirmed)
      await pause(5500)
      expect(await heard('lost')).toEqual([])
    }, 30_000)

    it('what it said before stays', async () => {
      const away = await fleet.enroll('away', { role: 'service' })
      const listener = await connect(away, { clean: false })
      await listener.subscribeAsync('devices/talker/#', { qos: 1 })
      await listener.endAsync()
      const credential = await fleet.enroll('talker')
      const device = await connect(credential, { clean: false })
      await device.subscribeAsync('devices/talker/rpc', { qos: 1 })
      await device.publishAsync('devices/talker/state', 'on', { qos: 1, retain: true })
      await device.publishAsync('devices/talker/reading', '7', { qos: 1 })
      const { enforced } = await fleet.revoke('talker')
      await closed(device)
      expect(await enforced).toEqual(confirmed)
      const late = await connect(await fleet.enroll('late', { role: 'service' }))
      const found = inbox(late)
      await late.subscribeAsync('devices/talker/#', { qos: 1 })
      await found.until('devices/talker/state')
      expect(found.topics).toEqual(['devices/talker/state'])
      expect(await messagesOf(away, 2)).toEqual(['on', '7'])
      // And what is sent to the device waits in its session, which its certificate does not open any more.
      await late.publishAsync('devices/talker/rpc', 'secret', { qos: 1 })
      await expect(connect(credential, { clean: false })).rejects.toThrow()
      // It is the client id's: whoever is enrolled by this name again finds it.
      const successor = await fleet.enroll('talker')
      await expect
        .poll(async () => readFile(file('dynamic-security.json'), 'utf8'), { timeout: 10_000 })
        .not.toContain('"talker"')
      expect(await messagesOf(successor, 1)).toEqual(['secret'])
    })
  },
)
