import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mosquittoAcl, mosquittoConfig } from '@fleetcert/emqx-auth/mosquitto'
import type { BrokerFiles, SimBroker } from './sim-broker.ts'

/** A real mosquitto, which decides by certificate and CRL. A stop is a SIGTERM: what it has acknowledged it writes down first. */
export function createMosquittoBroker(options: {
  readonly directory: string
  readonly port: number
  /** Device id of the backend, which reads all topics. */
  readonly service: string
}): SimBroker {
  const { directory, port, service } = options
  const inside = (name: string): string => join(directory, name)
  const sessions: number[] = []
  let child: ChildProcess | undefined

  async function start(files: BrokerFiles): Promise<void> {
    writeFileSync(inside('server-cert.pem'), files.certificate)
    writeFileSync(inside('server-key.pem'), files.privateKey, { mode: 0o600 })
    writeFileSync(inside('ca.pem'), files.clientCas)
    writeFileSync(inside('crl.pem'), files.crl)
    writeFileSync(inside('acl'), mosquittoAcl({}, { services: [service] }), { mode: 0o600 })
    const config = mosquittoConfig({
      port,
      host: '127.0.0.1',
      caFile: inside('ca.pem'),
      certFile: inside('server-cert.pem'),
      keyFile: inside('server-key.pem'),
      crlFile: inside('crl.pem'),
      aclFile: inside('acl'),
    })
    const more = [
      // Started by root it would become the user mosquitto, who cannot read the folder.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      'persistence true',
      `persistence_location ${directory}/`,
      // The backend may be away while the fleet is back: nothing may be dropped for it.
      'max_queued_messages 0',
      'log_dest stderr',
      'log_type all',
    ]
    writeFileSync(inside('mosquitto.conf'), `${config}${more.join('\n')}\n`)
    const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)
    const started = spawn('mosquitto', ['-c', inside('mosquitto.conf')], {
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'ignore', 'pipe'],
      // Out of reach of the terminal's Ctrl-C: it ends with this process.
      detached: true,
    })
    child = started
    const kill = (): void => void started.kill('SIGKILL')
    process.once('exit', kill)
    started.once('exit', () => process.off('exit', kill))
    const failed = once(started, 'error').then(([error]) => Promise.reject(error))
    failed.catch(() => {})
    let rest = ''
    let firstLines = ''
    started.stderr!.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const clientId = /: Sending CONNACK to (\S+) \(\d+, 0\)/.exec(line)?.[1]
        if (clientId !== undefined && clientId !== service) sessions.push(Date.now())
      }
      if (firstLines.length < 10_000) firstLines += `${lines.join('\n')}\n`
    })
    while (!(await Promise.race([listens(port), failed]))) {
      if (started.exitCode !== null) throw new Error(`mosquitto ended: ${firstLines}`)
      await sleep(20)
    }
  }

  return {
    port,
    sessions,
    start,
    async stop() {
      const running = child
      child = undefined
      if (running === undefined || running.exitCode !== null) return
      const exited = once(running, 'exit')
      running.kill('SIGTERM')
      await exited
    },
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
