import { writeFileSync } from 'node:fs'
import {
  type DeviceCredential,
  memoryKeyring,
  memoryStore,
  openFleet,
  parseCertificate,
  parseCrl,
  type ServerCredential,
} from '@fleetcert/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { type PublishedFleet, publishFleet } from '../support/published-fleet.ts'
import { runTool } from '../support/run-tool.ts'
import { freePort, type SpawnedServer, spawnServer } from '../support/spawn-server.ts'

const folder = temporaryDirectory()
let pki: PublishedFleet
let server: ServerCredential
let revoked: DeviceCredential
let good: DeviceCredential

beforeAll(async () => {
  pki = await publishFleet()
  server = await pki.fleet.issueServer({ hosts: ['127.0.0.1', 'localhost'] })
  revoked = await pki.fleet.enroll('revoked-1')
  good = await pki.fleet.enroll('good-1')
  file('ca.pem', server.chain + pki.fleet.trustAnchors)
  file('server.pem', server.certificate + server.chain)
  file('server-key.pem', server.privateKey!)
  file('server-and-key.pem', server.certificate + server.chain + server.privateKey!)
  for (const { deviceId, certificate, chain, privateKey } of [revoked, good]) {
    file(`${deviceId}.pem`, certificate + chain)
    file(`${deviceId}-key.pem`, privateKey!)
  }
})
afterAll(async () => {
  await pki.close()
  folder.remove()
})

function file(name: string, content: string): string {
  writeFileSync(folder.path(name), content, { mode: 0o600 })
  return folder.path(name)
}

/** The CRLs of the whole chain in PEM, from where its certificates say that they are. */
async function fetchCrls(certificates: readonly string[] = [good.certificate, good.chain]): Promise<string> {
  let pem = ''
  for (const certificate of certificates) {
    const [url] = parseCertificate(certificate).crlDistributionPoints!
    const fetched = await runTool('curl', ['--silent', '--show-error', '--fail', url!])
    expect(fetched.status, fetched.output).toBe(0)
    const converted = await runTool('openssl', ['crl', '-inform', 'DER'], fetched.stdout)
    expect(converted.status, converted.output).toBe(0)
    pem += converted.output
  }
  return pem
}

/** The HTTP status that a TLS server answers a device, or curl's exit code where there is no answer. */
async function visit(port: number, deviceId: string): Promise<string> {
  const { status, output } = await runTool('curl', [
    ...['--silent', '--output', '/dev/null', '--write-out', '%{http_code}', '--cacert', folder.path('ca.pem')],
    ...['--cert', folder.path(`${deviceId}.pem`), '--key', folder.path(`${deviceId}-key.pem`)],
    `https://127.0.0.1:${port}/`,
  ])
  return status === 0 ? output : `curl ${status}`
}

describeWith(['openssl', 'curl', 'nginx'], 'nginx with ssl_crl', () => {
  test('lets a device in until the CRL that it has fetched says otherwise', async () => {
    const port = await freePort()
    file(
      'nginx-crl.conf',
      `daemon off; pid ${folder.path('nginx-crl.pid')}; error_log stderr info; worker_processes 1; master_process off;
      events {}
      http {
        access_log off;
        client_body_temp_path ${folder.directory}; proxy_temp_path ${folder.directory}; fastcgi_temp_path ${folder.directory};
        uwsgi_temp_path ${folder.directory}; scgi_temp_path ${folder.directory};
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate ${folder.path('server.pem')}; ssl_certificate_key ${folder.path('server-key.pem')};
          ssl_verify_client on; ssl_verify_depth 3; ssl_client_certificate ${folder.path('ca.pem')};
          ssl_crl ${folder.path('nginx-crl.pem')};
          location / { return 204; }
        }
      }`,
    )
    for (const expected of ['204', '400']) {
      if (expected === '400') await pki.fleet.revoke('revoked-1')
      file('nginx-crl.pem', await fetchCrls())
      const nginx = await spawnServer('nginx', ['-c', folder.path('nginx-crl.conf'), '-p', folder.directory], port)
      expect(await visit(port, 'revoked-1'), nginx.log()).toBe(expected)
      expect(await visit(port, 'good-1'), nginx.log()).toBe('204')
      if (expected === '400') await nginx.logged(/certificate verify error: \(23:certificate revoked\)/)
      await nginx.stop()
    }
  })
})

describeWith(['openssl', 'curl', 'haproxy'], 'HAProxy with crl-file', () => {
  test('lets a device in until the CRL that it has fetched says otherwise', async () => {
    await pki.fleet.enroll('revoked-2').then(device => {
      file('revoked-2.pem', device.certificate + device.chain)
      file('revoked-2-key.pem', device.privateKey!)
    })
    const port = await freePort()
    file(
      'haproxy.cfg',
      `defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend tls
  bind 127.0.0.1:${port} ssl crt ${folder.path('server-and-key.pem')} ca-file ${folder.path('ca.pem')} verify required crl-file ${folder.path('haproxy-crl.pem')}
  http-request return status 200
`,
    )
    for (const isRevoked of [false, true]) {
      if (isRevoked) await pki.fleet.revoke('revoked-2')
      file('haproxy-crl.pem', await fetchCrls())
      const haproxy = await spawnServer('haproxy', ['-db', '-f', folder.path('haproxy.cfg')], port)
      expect(await visit(port, 'revoked-2'), haproxy.log()).toMatch(isRevoked ? /^curl (35|56)$/ : /^200$/)
      expect(await visit(port, 'good-1'), haproxy.log()).toBe('200')
      await haproxy.stop()
    }
  })
})

describeWith(['openssl', 'curl', 'mosquitto', 'mosquitto_pub'], 'mosquitto with crlfile', () => {
  test('refuses a revoked device once it has the new CRL and SIGHUP', async () => {
    const device = await pki.fleet.enroll('revoked-3')
    file('revoked-3.pem', device.certificate + device.chain)
    file('revoked-3-key.pem', device.privateKey!)
    const port = await freePort()
    file('mosquitto-crl.pem', await fetchCrls())
    file(
      'mosquitto.conf',
      `listener ${port} 127.0.0.1
cafile ${folder.path('ca.pem')}
certfile ${folder.path('server.pem')}
keyfile ${folder.path('server-key.pem')}
crlfile ${folder.path('mosquitto-crl.pem')}
require_certificate true
use_identity_as_username true
${process.getuid?.() === 0 ? 'user root\n' : ''}`,
    )
    const publish = async (deviceId: string): Promise<number> => {
      const { status } = await runTool('mosquitto_pub', [
        ...['-h', '127.0.0.1', '-p', String(port), '-i', deviceId, '-q', '1', '-t', 'x', '-m', 'x'],
        ...['--cafile', folder.path('ca.pem'), '--cert', folder.path(`${deviceId}.pem`)],
        ...['--key', folder.path(`${deviceId}-key.pem`)],
      ])
      return status
    }
    const broker: SpawnedServer = await spawnServer('mosquitto', ['-v', '-c', folder.path('mosquitto.conf')], port)
    try {
      expect(await publish('revoked-3'), broker.log()).toBe(0)
      await pki.fleet.revoke('revoked-3')
      file('mosquitto-crl.pem', await fetchCrls())
      // It reads the file again when it is told to, and not before.
      expect(await publish('revoked-3'), broker.log()).toBe(0)
      broker.child.kill('SIGHUP')
      await broker.logged(/Reloading config/)
      expect(await publish('revoked-3'), broker.log()).not.toBe(0)
      expect(await publish('good-1'), broker.log()).toBe(0)
    } finally {
      await broker.stop()
    }
  })
})

describeWith(['openssl', 'curl'], 'pemFirst', () => {
  test('names both forms in one DistributionPoint, PEM first, and openssl finds the CRL in scope by either', async () => {
    const old = await publishFleet({ published: { crl: 'pemFirst' } })
    try {
      const device = await old.fleet.enroll('sensor-1')
      file('pem-first.pem', device.certificate)
      file('pem-first-ca.pem', device.chain + old.fleet.trustAnchors)
      const { output } = await runTool('openssl', [
        ...['x509', '-noout', '-ext', 'crlDistributionPoints', '-in', folder.path('pem-first.pem')],
      ])
      // Two names of one point: "the distribution point name [holds] multiple … mechanisms to obtain the same CRL" (RFC 5280 section 4.2.1.13).
      expect(output.match(/Full Name/g)).toHaveLength(1)
      const urls = [...output.matchAll(/URI:(http\S+)/g)].map(match => match[1]!)
      expect(urls.map(url => url.replace(/^.*\./, ''))).toEqual(['pem', 'crl'])
      expect(urls).toEqual(parseCertificate(device.certificate).crlDistributionPoints)

      const verify = async (): Promise<string> => {
        const [pem, der] = await Promise.all(urls.map(url => runTool('curl', ['--silent', '--fail', url])))
        expect((await runTool('openssl', ['crl', '-inform', 'DER'], der!.stdout)).stdout).toEqual(pem!.stdout)
        file('pem-first-crl.pem', pem!.stdout.toString())
        const shown = await runTool('openssl', ['crl', '-noout', '-text'], pem!.stdout)
        expect(shown.output).toMatch(/Issuing Distribution Point: critical\s+Full Name:\s+URI:\S+\.pem\s+URI:\S+\.crl/)
        return (
          await runTool('openssl', [
            ...['verify', '-x509_strict', '-crl_check', '-no-CApath', '-no-CAstore'],
            ...['-CAfile', folder.path('pem-first-ca.pem'), '-CRLfile', folder.path('pem-first-crl.pem')],
            folder.path('pem-first.pem'),
          ])
        ).output
      }
      expect(await verify()).toMatch(/: OK/)
      await old.fleet.revoke('sensor-1')
      expect(await verify()).toMatch(/certificate revoked/)
    } finally {
      await old.close()
    }
  })

  test('is no break with certificates that name the DER alone, nor the way back', async () => {
    const store = memoryStore()
    const keyring = memoryKeyring()
    const open = (crl: 'der' | 'pemFirst') =>
      openFleet({ store, keyring, background: false, publish: { baseUrl: 'http://pki.example', crl } })
    const der = await open('der')
    const before = await der.enroll('before-1')
    const pemFirst = await open('pemFirst')
    const after = await pemFirst.enroll('after-1')
    file('both-ca.pem', before.chain + der.trustAnchors)
    const verdicts = async (crl: string): Promise<string> => {
      file('both-crl.pem', crl)
      const { output } = await runTool('openssl', [
        ...['verify', '-x509_strict', '-crl_check', '-no-CApath', '-no-CAstore'],
        ...['-CAfile', folder.path('both-ca.pem'), '-CRLfile', folder.path('both-crl.pem')],
        ...[file('before-1.pem', before.certificate), file('after-1.pem', after.certificate)],
      ])
      return output
    }
    expect(await verdicts((await der.crl()).pem)).toMatch(/before-1\.pem: OK\n[\s\S]*after-1\.pem: OK/)
    await der.revoke('before-1')
    const one = await verdicts((await der.crl()).pem)
    // What it says of either comes by two pipes, in whatever order.
    expect(one).toMatch(/certificate revoked\n[\s\S]*before-1\.pem: verification failed/)
    expect(one).toMatch(/after-1\.pem: OK/)
    await pemFirst.revoke('after-1')
    const list = await pemFirst.crl()
    expect(parseCrl(list.der).issuingDistributionPoint?.urls).toHaveLength(2)
    const both = await verdicts(list.pem)
    expect(both.match(/certificate revoked/g)).toHaveLength(2)
    expect(one + both).not.toMatch(/scope/i)
    await der.close()
  })
})
