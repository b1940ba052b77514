import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectDevice, fileIdentity } from '@fleetcert/mqtt-client'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const folder = temporaryDirectory()
afterAll(() => folder.remove())
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin`, NO_COLOR: '1' }
const demo = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=fleetcert-source', main, ...args], {
    cwd: folder.directory,
    encoding: 'utf8',
    timeout: 60_000,
    env,
  })

const kept: ChildProcess[] = []
afterEach(() => {
  for (const child of kept.splice(0)) child.kill('SIGKILL')
})

/** Starts `demo --keep` and resolves what it has printed when it has printed what to try. */
function keep(...args: string[]): Promise<{ child: ChildProcess; output: string }> {
  const child = spawn(process.execPath, ['--conditions=fleetcert-source', main, '--keep', ...args], {
    cwd: folder.directory,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  kept.push(child)
  let output = ''
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', chunk => {
      output += String(chunk)
      if (output.includes('openssl crl -inform DER')) resolve({ child, output })
    })
    child.once('exit', () => reject(new Error(`the demo ended: ${output}`)))
  })
}

/** How the device is refused, once it is. */
async function refusal(url: string, deviceId: string): Promise<unknown> {
  const identity = fileIdentity(`${folder.directory}/.demo/certs`, deviceId)
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      await (await connectDevice(url, { identity, reconnect: false })).close()
    } catch (error) {
      return (error as { code?: unknown }).code
    }
    await sleep(50)
  }
  return 'let in'
}

describeWith(['openssl'], 'the demo on aedes', () => {
  it('shows every step, and its files hold what openssl expects', { timeout: 60_000 }, () => {
    const { status, stdout } = demo()
    expect(stdout.match(/^✔/gm)).toHaveLength(11)
    expect(stdout).not.toMatch(/^[✘–]/m)
    expect(stdout).toMatch(/reconnect refused .* broker: revoked/)
    expect(status).toBe(0)
    const file = (name: string): string => `${folder.directory}/.demo/certs/${name}`
    const verify = (name: string, ...options: string[]) =>
      runTool('openssl', ['verify', '-x509_strict', ...options, '-CAfile', file('ca-cert.pem'), file(name)])
    const withCrl = ['-crl_check_all', '-CRLfile', file('crl.pem')]
    expect(verify('devices/sensor-1-cert.pem').status).toBe(0)
    expect(verify('devices/sensor-1-cert.pem', ...withCrl).output).toContain('certificate revoked')
    expect(verify('devices/backend-cert.pem', ...withCrl).status).toBe(0)
    expect(verify('server-cert.pem', '-purpose', 'sslserver', ...withCrl).status).toBe(0)
  })
})

describe('its command line', () => {
  it.each([
    [['--broker', 'emqx'], /^--broker: expected 'aedes' or 'mosquitto'\n\nUsage: /],
    [['--insecure'], /^Unknown option '--insecure'.*\n\nUsage: /],
    [['more'], /^Unexpected argument 'more'.*\n\nUsage: /],
  ])('%j: refused with its usage', (args, message) => {
    const { status, stderr } = demo(...args)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/^ +at /m)
    expect(status).toBe(2)
  })

  it.each(['--help', '-h'])('%s: its usage', flag => {
    const { status, stdout, stderr } = demo(flag)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Usage: /)
  })
})

describe('the folder of the demo', () => {
  const pid = (): string => `${folder.directory}/.demo/pid`

  it('is not taken from a demo that runs', { timeout: 60_000 }, async () => {
    const { child } = await keep()
    const { status, stdout, stderr } = demo()
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      `A demo is running here already (process ${child.pid}): end it first. If it is none, delete .demo/pid.\n`,
    )
    expect(readFileSync(`${folder.directory}/.demo/certs/ca-cert.pem`, 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(existsSync(pid())).toBe(false)
  })

  it('is taken from one that has died', { timeout: 60_000 }, () => {
    const { pid: dead } = spawnSync(process.execPath, ['--version'])
    writeFileSync(pid(), `${dead}\n`)
    expect(demo().status).toBe(0)
  })
})

describeWith(['mosquitto'], 'the demo on mosquitto', () => {
  it('shows what mosquitto can show and says why it cannot show the rest', { timeout: 60_000 }, () => {
    const { status, stdout } = demo('--', '--broker', 'mosquitto')
    expect(stdout.match(/^✔/gm)).toHaveLength(9)
    expect(stdout.match(/^– .*n\/a/gm)).toHaveLength(2)
    expect(stdout).toContain('ERR_PKI_CLIENT_REVOKED')
    expect(status).toBe(0)
  })
  it('hands a revocation of the printed command on to the broker', { timeout: 60_000 }, async () => {
    const { child, output } = await keep('--broker', 'mosquitto')
    const url = /mqtts:\/\/127\.0\.0\.1:\d+/.exec(output)![0]
    const identity = fileIdentity(`${folder.directory}/.demo/certs`, 'sensor-2')
    await (await connectDevice(url, { identity, reconnect: false })).close()
    const [, token, device] = /^ {2}curl -s -w '\\n' -X DELETE -H 'authorization: (.*)' (http.*)$/m.exec(output)!
    const answer = await fetch(device!, { method: 'DELETE', headers: { authorization: token! } })
    expect(answer.status).toBe(200)
    expect(await refusal(url, 'sensor-2')).toBe('ERR_PKI_CLIENT_REVOKED')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})
