import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DeviceCredential, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, listening } from '../../../../test-support/ports.ts'
import { mosquittoAcl, mosquittoConfig } from '../../src/mosquitto/index.ts'
import { findTool } from '../support/tools.ts'

const mosquitto = findTool('mosquitto')
const mosquittoPub = findTool('mosquitto_pub')
const mosquittoSub = findTool('mosquitto_sub')
const isMissing = mosquitto === undefined || mosquittoPub === undefined || mosquittoSub === undefined
const run = promisify(execFile)

describe.skipIf(isMissing)(
  `a real Mosquitto${isMissing ? ' (skipped: mosquitto, mosquitto_pub or mosquitto_sub is not on PATH)' : ''}`,
  () => {
    let folder: string
    let fleet: Fleet
    let broker: ChildProcess
    let port: number
    const log: string[] = []

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fleetcert-mosquitto-'))
      fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
      const server = await fleet.issueServer({ hosts: ['127.0.0.1'] })
      const ca = server.chain + fleet.trustAnchors
      port = await freePort()
      await files({
        'ca.pem': ca,
        'server.pem': server.certificate + server.chain,
        'server-key.pem': server.privateKey!,
        'crl.pem': (await fleet.crl()).pem,
        acl: mosquittoAcl({}, { services: ['backend'] }),
        'mosquitto.conf': mosquittoConfig({
          port,
          host: '127.0.0.1',
          caFile: join(folder, 'ca.pem'),
          certFile: join(folder, 'server.pem'),
          keyFile: join(folder, 'server-key.pem'),
          aclFile: join(folder, 'acl'),
          crlFile: join(folder, 'crl.pem'),
        }),
      })
      for (const device of [
        await fleet.enroll('d1'),
        await fleet.enroll('d2'),
        await fleet.enroll('backend', { role: 'service' }),
      ]) {
        await writeIdentity(device)
      }
      // As root Mosquitto would step down to a user that cannot read the folder.
      const user = process.getuid?.() === 0 ? ['\nuser root\n'] : []
      await writeFile(join(folder, 'mosquitto.conf'), user.join(''), { flag: 'a' })
      broker = spawn(mosquitto!, ['-v', '-c', join(folder, 'mosquitto.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
      broker.stderr!.setEncoding('utf8').on('data', (text: string) => log.push(text))
      await listening(port, () => log.join(''))
    })

    afterAll(async () => {
      if (broker?.exitCode === null) {
        const exited = new Promise(resolve => broker.once('exit', resolve))
        broker.kill()
        await exited
      }
      await fleet?.close()
      if (folder !== undefined) await rm(folder, { recursive: true })
    })

    const files = (texts: Record<string, string>): Promise<unknown> =>
      Promise.all(Object.entries(texts).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })))
    const writeIdentity = ({ deviceId, certificate, chain, privateKey }: DeviceCredential): Promise<unknown> =>
      files({ [`${deviceId}.pem`]: certificate + chain, [`${deviceId}-key.pem`]: privateKey! })
    const tls = (deviceId: string): string[] => {
      const file = (name: string): string => join(folder, name)
      return ['--cafile', file('ca.pem'), '--cert', file(`${deviceId}.pem`), '--key', file(`${deviceId}-key.pem`)]
    }
    const where = (): string[] => ['-h', '127.0.0.1', '-p', String(port)]
    const publish = (deviceId: string, topic: string): Promise<unknown> =>
      run(mosquittoPub!, [...where(), ...tls(deviceId), '-i', deviceId, '-q', '1', '-t', topic, '-m', 'x'])

    /** The topics that the service receives, up to the marker, while `work` is done. */
    async function received(work: () => Promise<unknown>): Promise<string[]> {
      const topics: string[] = []
      const subscriber = spawn(
        mosquittoSub!,
        [
          ...where(),
          ...tls('backend'),
          '-i',
          'backend',
          '-q',
          '1',
          '-t',
          'devices/+/#',
          '-t',
          'users/+/devices/+/#',
          '-F',
          '%t',
        ],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      )
      const exited = new Promise(resolve => subscriber.once('exit', resolve))
      const isMarked = new Promise<void>(resolve => {
        subscriber.stdout.setEncoding('utf8').on('data', (text: string) => {
          topics.push(...text.trim().split('\n'))
          if (topics.includes('devices/d2/marker')) resolve()
        })
      })
      await logged(/Sending SUBACK to backend/)
      await work()
      await publish('d2', 'devices/d2/marker')
      await isMarked
      subscriber.kill()
      await exited
      return topics.filter(topic => topic !== 'devices/d2/marker')
    }
    async function logged(pattern: RegExp): Promise<void> {
      while (!pattern.test(log.join(''))) await new Promise(resolve => setTimeout(resolve, 10))
      log.length = 0
    }

    it('takes what a device sends to its topics and drops the rest', async () => {
      const topics = await received(async () => {
        await publish('d1', 'devices/d1/x')
        await publish('d1', 'users/alice/devices/d1/x')
        await publish('d1', 'devices/d2/stolen')
        await publish('d1', 'users/alice/devices/d2/stolen')
      })
      expect(topics).toEqual(['devices/d1/x', 'users/alice/devices/d1/x'])
    })

    it('puts the device id in the place of any client id', async () => {
      log.length = 0
      await run(mosquittoPub!, [...where(), ...tls('d1'), '-i', 'd2', '-t', 'devices/d1/x', '-m', 'x'])
      expect(log.join('')).toMatch(/New client connected from 127\.0\.0\.1:\d+ as d1 /)
    })

    it('refuses who has no certificate or one of another fleet', async () => {
      await using other = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
      const stranger = await other.enroll('stranger')
      await writeIdentity(stranger)
      await expect(publish('stranger', 'devices/stranger/x')).rejects.toThrow()
      const bare = [
        ...where(),
        '--cafile',
        join(folder, 'ca.pem'),
        '-i',
        'd1',
        '-q',
        '1',
        '-t',
        'devices/d1/x',
        '-m',
        'x',
      ]
      await expect(run(mosquittoPub!, bare)).rejects.toThrow()
    })

    it('refuses a revoked device once it has read the CRL again', async () => {
      await fleet.revoke('d1')
      await files({ 'crl.pem': (await fleet.crl()).pem })
      log.length = 0
      broker.kill('SIGHUP')
      await logged(/Reloading config/)
      await expect(publish('d1', 'devices/d1/x')).rejects.toThrow()
      await publish('d2', 'devices/d2/x')
    })
  },
)
