import { writeFileSync } from 'node:fs'
import type { DeviceCredential, ServerCredential } from '@fleetcert/core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { ocspRequest } from '../support/ocsp.ts'
import { type PublishedFleet, publishFleet } from '../support/published-fleet.ts'
import { runTool } from '../support/run-tool.ts'
import { freePort, type SpawnedServer, spawnServer } from '../support/spawn-server.ts'

const folder = temporaryDirectory()
const running: SpawnedServer[] = []
let pki: PublishedFleet

beforeAll(async () => {
  pki = await publishFleet()
})
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})
afterAll(async () => {
  await pki.close()
  folder.remove()
})

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(folder.path(name), content, { mode: 0o600 })
  return folder.path(name)
}

async function serverFiles(name: string): Promise<ServerCredential> {
  const server = await pki.fleet.issueServer({ hosts: ['127.0.0.1', 'localhost'] })
  file('ca.pem', server.chain + pki.fleet.trustAnchors)
  file('root.pem', pki.fleet.trustAnchors)
  file(`${name}.pem`, server.certificate + server.chain)
  file(`${name}-key.pem`, server.privateKey!)
  return server
}

async function deviceFiles(name: string): Promise<DeviceCredential> {
  const device = await pki.fleet.enroll(name)
  file(`${name}.pem`, device.certificate + device.chain)
  file(`${name}-key.pem`, device.privateKey!)
  return device
}

async function nginx(name: string, port: number, directives: string): Promise<SpawnedServer> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    kind => `${kind}_temp_path ${folder.directory};`,
  )
  const config = file(
    `${name}.conf`,
    `daemon off; master_process off; pid ${folder.path(`${name}.pid`)}; error_log stderr info;
    events {}
    http {
      access_log off; ${temporary.join(' ')}
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${folder.path(`${name}.pem`)}; ssl_certificate_key ${folder.path(`${name}-key.pem`)};
        ${directives}
        location / { return 204; }
      }
    }`,
  )
  const server = await spawnServer('nginx', ['-c', config, '-p', folder.directory], port)
  running.push(server)
  return server
}

/** The HTTP status, or curl's exit code and its words where there is no answer. */
async function visit(port: number, args: readonly string[] = []): Promise<string> {
  const { status, output, stdout } = await runTool('curl', [
    ...['--silent', '--show-error', '--output', '/dev/null', '--write-out', '%{http_code}'],
    ...['--cacert', folder.path('root.pem'), ...args, `https://127.0.0.1:${port}/`],
  ])
  return status === 0 ? stdout.toString() : `curl ${status}: ${output}`
}

const as = (device: string): string[] => [
  ...['--cert', folder.path(`${device}.pem`), '--key', folder.path(`${device}-key.pem`)],
]

describeWith(['nginx', 'curl'], 'nginx with ssl_stapling', () => {
  // The first handshake only makes nginx ask.
  async function stapled(port: number): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      const result = await visit(port, ['--cert-status'])
      if (result === '204' || attempt === 50) return result
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  test('staples what the responder named in its certificate says, and curl believes it', async () => {
    const server = await serverFiles('stapled')
    const stapling = `ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate ${folder.path('ca.pem')};`
    let port = await freePort()
    let web = await nginx('stapled', port, stapling)
    expect(await stapled(port), web.log()).toBe('204')
    expect(pki.requests.some(request => request.startsWith('GET /ocsp/'))).toBe(true)

    await pki.fleet.revoke({ issuerKeyId: server.issuerKeyId, serialNumber: server.serialNumber })
    port = await freePort()
    web = await nginx('stapled', port, stapling)
    await visit(port, ['--cert-status'])
    await web.logged(/certificate status "revoked" in the OCSP response/)
    // It does not staple what speaks against itself.
    expect(await visit(port, ['--cert-status'])).toMatch(/^curl 91: [\s\S]*No OCSP response received/)
  })

  test('staples a file, and curl refuses a server whose own staple calls it revoked', async () => {
    const server = await serverFiles('from-file')
    for (const isRevoked of [false, true]) {
      const { issuerKeyId, serialNumber } = server
      if (isRevoked) await pki.fleet.revoke({ issuerKeyId, serialNumber }, { reason: 'keyCompromise' })
      const url = `${pki.url}/ocsp/${encodeURIComponent(ocspRequest([server], { hash: 'sha1' }).toString('base64'))}`
      const { stdout } = await runTool('curl', ['--silent', '--fail', url])
      file('staple.der', stdout)
      const port = await freePort()
      const web = await nginx('from-file', port, `ssl_stapling on; ssl_stapling_file ${folder.path('staple.der')};`)
      const result = await visit(port, ['--cert-status'])
      if (isRevoked) expect(result, web.log()).toMatch(/^curl 91: [\s\S]*revocation reason: keyCompromise/)
      else expect(result, web.log()).toBe('204')
    }
  })
})

describeWith(['nginx', 'curl'], 'nginx with ssl_ocsp leaf', () => {
  test('asks the responder named in a device’s certificate, and refuses it once it is revoked', async () => {
    await serverFiles('asking')
    await deviceFiles('revoked-1')
    await deviceFiles('good-1')
    const port = await freePort()
    const web = await nginx(
      'asking',
      port,
      `ssl_verify_client on; ssl_verify_depth 3; ssl_client_certificate ${folder.path('ca.pem')}; ssl_ocsp leaf;`,
    )
    const before = pki.requests.length
    expect(await visit(port, as('revoked-1')), web.log()).toBe('204')
    expect(pki.requests.slice(before).join()).toMatch(/^GET \/ocsp\//)
    await pki.fleet.revoke('revoked-1')
    expect(await visit(port, as('revoked-1')), web.log()).toBe('400')
    await web.logged(/client SSL certificate verify error: certificate revoked/)
    expect(await visit(port, as('good-1')), web.log()).toBe('204')
  })
})

describeWith(['stunnel', 'curl', 'nginx'], 'stunnel with OCSPaia', () => {
  test('asks the responder named in a device’s certificate, and refuses it once it is revoked', async () => {
    await serverFiles('tunnel')
    await deviceFiles('revoked-2')
    await deviceFiles('good-2')
    const port = await freePort()
    const config = file(
      'stunnel.conf',
      `foreground = yes
debug = info
pid =
[tls]
accept = 127.0.0.1:${port}
connect = ${new URL(pki.url).host}
cert = ${folder.path('tunnel.pem')}
key = ${folder.path('tunnel-key.pem')}
CAfile = ${folder.path('ca.pem')}
verifyChain = yes
OCSPaia = yes
`,
    )
    const tunnel = await spawnServer('stunnel', [config], port)
    running.push(tunnel)
    const health = async (device: string): Promise<string> => {
      const { status, stdout } = await runTool('curl', [
        ...['--silent', '--cacert', folder.path('root.pem'), ...as(device)],
        `https://127.0.0.1:${port}/api/health`,
      ])
      return status === 0 ? stdout.toString() : `curl ${status}`
    }
    const before = pki.requests.length
    expect(await health('revoked-2'), tunnel.log()).toContain('"ok"')
    expect(pki.requests.slice(before)).toContain('POST /ocsp')
    await pki.fleet.revoke('revoked-2')
    expect(await health('revoked-2'), tunnel.log()).toMatch(/^curl (35|52|55|56)$/)
    expect(await health('good-2'), tunnel.log()).toContain('"ok"')
  })
})
