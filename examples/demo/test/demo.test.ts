import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const folder = temporaryDirectory()
afterAll(() => folder.remove())
const demo = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=fleetcert-source', main, ...args], {
    cwd: folder.directory,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin`, NO_COLOR: '1' },
  })

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

  it('refuses a broker that it does not know', () => {
    const { status, stderr } = demo('--broker', 'emqx')
    expect(status).toBe(2)
    expect(stderr).toContain("expected 'aedes' or 'mosquitto'")
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
})
