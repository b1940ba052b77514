import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from '@fleetcert/core'
import { mosquittoAcl, mosquittoConfig } from '@fleetcert/emqx-auth/mosquitto'
import { anyClientId } from '@fleetcert/emqx-auth/unsafe'
import type { DemoBroker } from './demo-broker.ts'
import type { FleetFolder } from './fleet-folder.ts'

/** A real mosquitto on our certificates and our CRL. It decides alone, so it hears of a revocation through the CRL file and SIGHUP. */
export async function startMosquitto(fleet: Fleet, folder: FleetFolder, port: number): Promise<DemoBroker> {
  await folder.writeCrls(fleet)
  writeFileSync(folder.path('mosquitto.acl'), mosquittoAcl({}, { services: ['backend'] }), { mode: 0o600 })
  writeFileSync(
    folder.path('mosquitto.conf'),
    mosquittoConfig({
      port,
      host: '127.0.0.1',
      caFile: folder.caCert,
      certFile: folder.path('server-cert.pem'),
      keyFile: folder.path('server-key.pem'),
      crlFile: folder.path('crl.pem'),
      aclFile: folder.path('mosquitto.acl'),
      // The scenario connects a second client of the same device.
      bind: anyClientId,
    }),
  )
  let log = ''
  // Started as root, mosquitto drops to its own user and could not read the keys of this folder again at SIGHUP.
  const user = process.getuid?.() === 0 ? '\nuser root\n' : ''
  if (user !== '') writeFileSync(folder.path('mosquitto.conf'), user, { flag: 'a' })
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)
  const mosquitto: ChildProcess = spawn('mosquitto', ['-v', '-c', folder.path('mosquitto.conf')], {
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const failed = once(mosquitto, 'error').then(([error]) => {
    throw new Error(`mosquitto does not start: ${(error as Error).message}`)
  })
  for (const stream of [mosquitto.stdout, mosquitto.stderr]) stream?.on('data', chunk => (log += String(chunk)))
  await Promise.race([failed, untilListening(port, mosquitto, () => log)])
  failed.catch(() => {})
  return {
    name: 'mosquitto',
    port,
    async lastRefusal() {
      // The end of file is our own look whether it listens.
      const refusals = /error:[0-9A-F]+:SSL routines:[^:]*:(?!unexpected eof)([^\n.]+)/g
      const refusal = (): string | undefined => [...log.matchAll(refusals)].at(-1)?.[1]
      for (let attempt = 0; attempt < 100 && refusal() === undefined; attempt += 1) await sleep(20)
      const found = refusal() ?? 'nothing'
      log = ''
      return found
    },
    async crlChanged() {
      log = ''
      mosquitto.kill('SIGHUP')
      for (let attempt = 0; attempt < 100 && !log.includes('Reloading config'); attempt += 1) await sleep(20)
    },
    async close() {
      const exit = once(mosquitto, 'exit')
      mosquitto.kill('SIGTERM')
      await exit
    },
  }
}

async function untilListening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended: ${log().trim()}`)
    const open = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (open) return
    await sleep(25)
  }
  throw new Error('mosquitto does not listen')
}
