import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import {
  type DeviceCredential,
  type Enforcer,
  type Fleet,
  memoryKeyring,
  memoryStore,
  openFleet,
} from '@fleetcert/core'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, listening } from '../../../../test-support/ports.ts'
import {
  createMosquittoEnforcer,
  type MosquittoControl,
  mosquittoAcl,
  mosquittoConfig,
} from '../../src/mosquitto/index.ts'
import { closed, inbox } from '../support/broker.ts'
import { findTool } from '../support/tools.ts'

const mosquitto = findTool('mosquitto')
const plugin = ['x86_64', 'aarch64', 'arm', 'i386']
  .flatMap(machine => [`/usr/lib/${machine}-linux-gnu/mosquitto_dynamic_security.so`])
  .concat('/usr/lib/mosquitto_dynamic_security.so')
  .find(existsSync)
const missing =
  mosquitto === undefined ? 'mosquitto' : plugin === undefined ? 'mosquitto_dynamic_security.so' : undefined

describe.skipIf(missing !== undefined)(
  `a real Mosquitto with dynamic security${missing === undefined ? '' : ` (skipped: no ${missing})`}`,
  () => {
    let folder: string
    let fleet: Fleet
    let broker: ChildProcess
    let port: number
    let control: MqttClient
    /** Of a service that hears all devices. */
    let seen: ReturnType<typeof inbox>
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
      const acl = `${mosquittoAcl({}, { services: ['backend'] })}\nuser control\ntopic readwrite $CONTROL/dynamic-security/#\n`
      const user = process.getuid?.() === 0 ? 'user root\n' : ''
      const texts = {
        'ca.pem': server.chain + fleet.trustAnchors,
        'server.pem': server.certificate + server.chain,
        'server-key.pem': server.privateKey!,
        'crl.pem': (await fleet.crl()).pem,
        acl,
        'dynamic-security.json': '{"clients":[],"groups":[],"roles":[]}',
        'mosquitto.conf': `${conf}${user}plugin ${plugin}\nplugin_opt_config_file ${file('dynamic-security.json')}\npid_file ${file('pid')}\n`,
      }
      for (const [name, text] of Object.entries(texts)) await writeFile(file(name), text, { mode: 0o600 })
      broker = spawn(mosquitto!, ['-v', '-c', file('mosquitto.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
      broker.stderr!.setEncoding('utf8').on('data', (text: string) => log.push(text))
      await listening(port, () => log.join(''))
      const service = await connect(await fleet.enroll('backend', { role: 'service' }))
      await service.subscribeAsync('devices/+/#')
      seen = inbox(service)
      control = await connect(await fleet.enroll('control', { role: 'service' }))
      enforcers.push(
        createMosquittoEnforcer({
          crl: () => fleet.crl(),
          crlFile: file('crl.pem'),
          reload: { pid: broker.pid! },
          control,
          handshakeSeconds: 1,
        }),
      )
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

    async function connect(credential: DeviceCredential, more: object = {}): Promise<MqttClient> {
      const { certificate, chain, privateKey, deviceId } = credential
      const client = await connectAsync(
        `mqtts://127.0.0.1:${port}`,
        {
          ca: fleet.trustAnchors,
          cert: certificate + chain,
          key: privateKey!,
          clientId: deviceId,
          reconnectPeriod: 0,
          ...more,
        },
        false,
      )
      client.on('error', () => {})
      clients.push(client)
      return client
    }

    /** Whether the plugin keeps it disabled: it writes down what it keeps. */
    const banned = async (deviceId: string): Promise<boolean> =>
      (await readFile(file('dynamic-security.json'), 'utf8')).includes(`"${deviceId}"`)

    it('ends the live session of a revoked device, without its will, and lets it in no more', async () => {
      const credential = await fleet.enroll('sensor-1')
      const will = { topic: 'devices/sensor-1/will', payload: Buffer.from('x'), qos: 0 as const, retain: false }
      const device = await connect(credential, { will })
      const neighbour = await connect(await fleet.enroll('sensor-2'))
      await device.publishAsync('devices/sensor-1/x', 'x', { qos: 1 })
      await seen.until('devices/sensor-1/x')

      const result = await fleet.revoke('sensor-1')
      await closed(device)
      expect(await result.enforced).toEqual({ confirmed: ['mosquitto'], pending: [], failed: [] })
      await expect(connect(credential)).rejects.toThrow()
      // What the others do goes on.
      await neighbour.publishAsync('devices/sensor-2/marker', 'x', { qos: 1 })
      await seen.until('devices/sensor-2/marker')
      expect(seen.topics).toEqual(['devices/sensor-1/x', 'devices/sensor-2/marker'])
      expect(neighbour.connected).toBe(true)
      expect((await readdir(folder)).filter(name => name.includes('.tmp'))).toEqual([])
    })

    it('ends the session of whoever had shaken hands before and connects while silence is awaited', async () => {
      const { certificate, chain, privateKey } = await fleet.enroll('sensor-3')
      const identity = { ca: fleet.trustAnchors, cert: certificate + chain, key: privateKey! }
      const socket = connectTls({ port, host: '127.0.0.1', ...identity })
      socket.on('error', () => {})
      const ended = new Promise(resolve => socket.once('close', resolve))
      await new Promise(resolve => socket.once('secureConnect', resolve))
      // The broker has taken the handshake once it has answered somebody who came later.
      await connect(await fleet.enroll('sensor-4'))
      const { enforced } = await fleet.revoke('sensor-3')
      await expect.poll(() => banned('sensor-3'), { timeout: 10_000 }).toBe(true)
      let answers = ''
      socket.on('data', (data: Buffer) => (answers += data.toString('hex')))
      const packet = (head: number, ...parts: (string | readonly number[])[]): Buffer => {
        const field = (part: string | readonly number[]): Uint8Array =>
          typeof part === 'string' ? Buffer.concat([Buffer.of(0, part.length), Buffer.from(part)]) : Buffer.from(part)
        const body = Buffer.concat(parts.map(field))
        return Buffer.concat([Buffer.of(head, body.length), body])
      }
      socket.write(packet(0x10, 'MQTT', [4, 2, 0, 10], 'sensor-3'))
      await expect.poll(() => answers, { timeout: 10_000 }).toBe('20020000')
      expect(await enforced).toMatchObject({ confirmed: ['mosquitto'] })
      await ended
    })

    it('lets a device in again that was released or enrolled anew', async () => {
      const held = await fleet.enroll('sensor-5')
      const device = await connect(held)
      await (await fleet.revoke('sensor-5', { reason: 'certificateHold' })).enforced
      await closed(device)
      expect(await banned('sensor-5')).toBe(true)
      await fleet.release('sensor-5')
      await expect.poll(() => banned('sensor-5'), { timeout: 10_000 }).toBe(false)
      const attempt = (): Promise<MqttClient | undefined> => connect(held).catch(() => undefined)
      await expect.poll(async () => (await attempt())?.connected, { timeout: 10_000 }).toBe(true)
      // `sensor-1` was revoked above.
      const again = await fleet.enroll('sensor-1')
      await expect.poll(() => banned('sensor-1'), { timeout: 10_000 }).toBe(false)
      const returned = await connect(again)
      await returned.publishAsync('devices/sensor-1/back', 'x', { qos: 1 })
      await seen.until('devices/sensor-1/back')
    })
  },
)

describe('without a broker', () => {
  const target = { deviceId: 'sensor-1', clientIds: [] }
  /** Answers as the plugin does. */
  function plug(
    answer: (command: string, count: number) => object | undefined,
  ): MosquittoControl & { asked: string[] } {
    let listener: (topic: string, payload: Uint8Array) => void = () => {}
    const counts = new Map<string, number>()
    const asked: string[] = []
    return {
      asked,
      on: (_, heard) => (listener = heard),
      subscribeAsync: async () => {},
      async publishAsync(_, message) {
        const [{ command, correlationData }] = JSON.parse(message).commands
        asked.push(command)
        const count = (counts.get(command) ?? 0) + 1
        counts.set(command, count)
        const response = answer(command, count)
        if (response === undefined) return
        const payload = JSON.stringify({ responses: [{ command, correlationData, ...response }] })
        queueMicrotask(() => listener('$CONTROL/dynamic-security/v1/response', Buffer.from(payload)))
      },
    }
  }
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleetcert-mosquitto-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const enforcerOf = (control: MosquittoControl, more: object = {}): Enforcer =>
    createMosquittoEnforcer({
      crl: async () => ({ pem: 'the CRL' }),
      crlFile: join(folder, 'crl.pem'),
      reload: () => {},
      control,
      handshakeSeconds: 0.01,
      requestSeconds: 0.2,
      ...more,
    })
  const within = (milliseconds: number) => ({ signal: AbortSignal.timeout(milliseconds) })

  it('writes the CRL, then disables twice', async () => {
    const reloads: string[] = []
    const control = plug(command => (command === 'createClient' ? { error: 'Client already exists' } : {}))
    const reload = async (): Promise<void> => void reloads.push(await readFile(join(folder, 'crl.pem'), 'utf8'))
    expect(await enforcerOf(control, { reload }).silence(target, {})).toBe('gone')
    expect(reloads).toEqual(['the CRL'])
    expect(control.asked).toEqual(['createClient', 'disableClient', 'disableClient'])
  })

  it('tries again what is not answered', async () => {
    const control = plug((command, count) => (command === 'disableClient' && count === 1 ? undefined : {}))
    expect(await enforcerOf(control).silence(target, within(5000))).toBe('gone')
  })

  it.each<[string, Parameters<typeof plug>[0], object]>([
    ['a plugin that refuses', () => ({ error: 'Internal error' }), {}],
    ['a plugin that says nothing', () => undefined, {}],
    ['a CRL that is out of date', () => ({}), { crl: async () => ({ pem: 'x', upToDate: false }) }],
    ['a folder that is not there', () => ({}), { crlFile: '/nonexistent/crl.pem' }],
    ['a process that is gone', () => ({}), { reload: { pid: 2 ** 30 } }],
    ['a PID file that is none', () => ({}), { reload: { pidFile: '/dev/null' } }],
    ['a missing PID file', () => ({}), { reload: { pidFile: '/nonexistent/pid' } }],
  ])('confirms nothing with %s', async (_, answer, more) => {
    await expect(enforcerOf(plug(answer), more).silence(target, within(500))).rejects.toMatchObject({
      code: 'ERR_PKI_ENFORCER',
    })
  })
})
