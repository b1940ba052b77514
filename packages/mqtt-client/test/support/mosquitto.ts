import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { freePort } from '../../../../test-support/ports.ts'
import type { TestCa, TestCredential } from './test-ca.ts'

// A plain user's PATH may lack sbin.
const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)

export { freePort }

export interface MosquittoOptions {
  readonly clientCa: Pick<TestCa, 'certificatePath' | 'crlPath'>
  readonly server: Pick<TestCredential, 'certificatePath' | 'privateKeyPath'>
  /** The only version that it speaks; default: 1.2 and 1.3. */
  readonly tlsVersion?: '1.1' | '1.2' | '1.3'
  /** What it takes from clients, in OpenSSL's words. */
  readonly clientSignatureAlgorithms?: string
  /** More lines for the configuration. */
  readonly lines?: readonly string[]
}

export interface Mosquitto extends AsyncDisposable {
  readonly port: number
  /** `mqtts://localhost:<port>` */
  readonly url: string
  readonly log: () => string
  stop(): Promise<void>
  start(): Promise<void>
}

// Also after a test that timed out, whose `await using` never ends.
const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** Starts mosquitto with mutual TLS and the CA's CRL on a free port of 127.0.0.1. */
export async function startMosquitto(options: MosquittoOptions): Promise<Mosquitto> {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-mqtt-broker-'))
  const port = await freePort()
  const file = join(directory, 'mosquitto.conf')
  writeFileSync(
    file,
    [
      // Started by root it would become the user mosquitto, who cannot read the test's folder.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      'per_listener_settings false',
      `listener ${port} 127.0.0.1`,
      `cafile ${options.clientCa.certificatePath}`,
      `certfile ${options.server.certificatePath}`,
      `keyfile ${options.server.privateKeyPath}`,
      `crlfile ${options.clientCa.crlPath}`,
      'require_certificate true',
      'use_identity_as_username true',
      'allow_anonymous false',
      'persistence true',
      `persistence_location ${directory}/`,
      'log_dest stderr',
      ...(options.lines ?? []),
      '',
    ].join('\n'),
  )
  // mosquitto's own `tls_version` sets the lowest version only.
  const opensslConfig = join(directory, 'openssl.cnf')
  const ciphers = options.tlsVersion === '1.1' ? ['CipherString=ALL:@SECLEVEL=0'] : []
  const algorithms = options.clientSignatureAlgorithms
  const bounds = options.tlsVersion && [
    `MinProtocol=TLSv${options.tlsVersion}`,
    `MaxProtocol=TLSv${options.tlsVersion}`,
  ]
  writeFileSync(
    opensslConfig,
    [
      'openssl_conf=a',
      '[a]',
      'ssl_conf=b',
      '[b]',
      'system_default=c',
      '[c]',
      ...(bounds ?? []),
      ...ciphers,
      ...(algorithms ? [`ClientSignatureAlgorithms=${algorithms}`] : []),
      '',
    ].join('\n'),
  )
  let child: ChildProcess | undefined
  let log = ''
  const start = async (): Promise<void> => {
    const started = spawn('mosquitto', ['-c', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: path, OPENSSL_CONF: opensslConfig },
    })
    child = started
    children.add(started)
    started.stderr!.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    while (!(await listens(port))) {
      if (started.exitCode !== null) throw new Error(`mosquitto ended: ${log}`)
      await sleep(20)
    }
  }
  const stop = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = new Promise(resolve => running.once('exit', resolve))
    running.kill('SIGTERM')
    await ended
  }
  await start()
  return {
    port,
    url: `mqtts://localhost:${port}`,
    log: () => log,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
