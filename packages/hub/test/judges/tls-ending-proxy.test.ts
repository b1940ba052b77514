import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { request } from 'node:https'
import { decodePem } from '@fleetcert/core'
import { type HubContext, toNodeHandler } from '@fleetcert/hub'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { deviceKey } from '../support/device-key.ts'
import { rawRequest } from '../support/raw-request.ts'
import { listen, type Running } from '../support/servers.ts'
import { freePort, type SpawnedServer, spawnServer } from '../support/spawn-server.ts'
import { openForeignCa } from '../support/strangers.ts'
import { asOperator, certificates, openTestHub, type TestHub } from '../support/test-hub.ts'

interface Identity {
  readonly cert: string
  readonly key: string
}

/** HAProxy ends TLS, as docs/hub-device-api.md says, and hands the certificate on by RFC 9440. */
describeWith(['haproxy'], 'behind haproxy', () => {
  const folder = temporaryDirectory()
  let hub: TestHub
  let behind: Running
  let proxy: SpawnedServer
  let port: number
  let contexts: HubContext[]

  beforeAll(async () => {
    contexts = []
    hub = await openTestHub({
      trustProxy: ['127.0.0.1'],
      authorize: (_request, _action, context) => {
        contexts.push(context)
        return true
      },
    })
    behind = await listen(createServer(toNodeHandler(hub.hub)))
    port = await freePort()
    const server = await hub.fleet.issueServer({ hosts: ['127.0.0.1'] })
    writeFileSync(folder.path('hub.pem'), server.certificate + server.chain + server.privateKey, { mode: 0o600 })
    writeFileSync(folder.path('ca.pem'), hub.fleet.trustAnchors)
    writeFileSync(
      folder.path('haproxy.cfg'),
      `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s

frontend devices
  bind 127.0.0.1:${port} ssl crt ${folder.path('hub.pem')} ca-file ${folder.path('ca.pem')} verify optional crt-ignore-err all ca-ignore-err all
  http-request del-header Client-Cert
  http-request del-header Client-Cert-Chain
  http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used }
  default_backend hub

backend hub
  server hub 127.0.0.1:${behind.port}
`,
    )
    proxy = await spawnServer('haproxy', ['-db', '-f', folder.path('haproxy.cfg')], port)
  })
  afterAll(async () => {
    await proxy.stop()
    await behind.close()
    await hub.fleet.close()
    folder.remove()
  })

  function ask(method: string, path: string, identity?: Identity, headers: Record<string, string> = {}, body?: object) {
    return new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = request(
        {
          ...{ host: '127.0.0.1', port, method, path, ca: hub.fleet.trustAnchors, agent: false, ...identity },
          headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        },
        response => {
          let text = ''
          response.setEncoding('utf8').on('data', part => {
            text += part
          })
          response.on('end', () => resolve({ status: response.statusCode!, text }))
        },
      )
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  async function enroll(deviceId: string): Promise<Identity> {
    const { token } = await hub.fleet.createToken({ deviceId })
    const key = deviceKey()
    const headers = { authorization: `Bearer ${token}` }
    const body = { deviceId, csr: await key.csr() }
    const reply = await ask('POST', '/api/device/enroll', undefined, headers, body)
    expect(reply.status).toBe(201)
    return { cert: JSON.parse(reply.text).clientCert, key: key.key }
  }

  const header = ({ cert }: Identity): Record<string, string> => ({
    'client-cert': `:${Buffer.from(decodePem(cert, 'CERTIFICATE')[0]!.der).toString('base64')}:`,
  })

  test('a device enrols, renews and confirms', async () => {
    const identity = await enroll('d-1')
    expect((await ask('GET', '/api/device/renewal-info', identity)).status).toBe(200)
    const key = deviceKey()
    const renewed = await ask('POST', '/api/device/renew', identity, {}, { csr: await key.csr() })
    expect(renewed.status).toBe(201)
    const next = { cert: JSON.parse(renewed.text).clientCert, key: key.key }
    expect(JSON.parse((await ask('POST', '/api/device/confirm', next, {}, {})).text)).toEqual({ superseded: 1 })
  })

  test('the headers of clients go no further than the proxy', async () => {
    const identity = await enroll('d-2')
    const other = await enroll('d-3')
    const path = '/api/device/renewal-info'
    expect((await ask('GET', path, undefined, header(identity))).status).toBe(401)
    const reply = await ask('GET', path, other, header(identity))
    expect(reply.status).toBe(200)
    expect(JSON.parse(reply.text).fingerprint).toBe((await hub.fleet.device('d-3'))?.fingerprint)
  })

  test('a stranger’s certificate is a stranger’s, though the proxy lets it pass', async () => {
    const foreign = await openForeignCa()
    const reply = await ask('GET', '/api/device/renewal-info', await foreign.identity('d-2'))
    expect(reply.status).toBe(401)
    expect(reply.text).toContain('ERR_PKI_CLIENT_UNTRUSTED')
    await foreign.fleet.close()
  })

  test('authorize sees the certificate, too', async () => {
    const identity = await enroll('d-4')
    contexts.length = 0
    expect((await ask('GET', certificates, identity)).status).toBe(200)
    const [own] = contexts[0]!.peerCertificates!
    expect(Buffer.from(own!)).toEqual(Buffer.from(decodePem(identity.cert, 'CERTIFICATE')[0]!.der))
  })

  test('whoever is no proxy is not believed', async () => {
    const identity = await enroll('d-5')
    const { request: plainRequest } = await import('node:http')
    const status = await new Promise<number>((resolve, reject) => {
      // Another address of the loopback interface than the one that is trusted.
      const options = {
        host: '127.0.0.1',
        port: behind.port,
        localAddress: '127.0.0.2',
        path: '/api/device/renewal-info',
      }
      plainRequest({ ...options, headers: header(identity) }, response => {
        response.resume()
        resolve(response.statusCode!)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(400)
  })

  test.each<[string, Record<string, string>]>([
    ['no byte sequence', { 'client-cert': 'MIIB' }],
    ['a chain alone', { 'client-cert-chain': ':MIIB:' }],
    ['two certificates in one header', { 'client-cert': ':MIIB:, :MIIB:' }],
  ])('a proxy that sends what RFC 9440 does not have is refused: %s', async (_, headers) => {
    const path = '/api/device/renewal-info'
    const reply = await rawRequest(behind.port, 'GET', path, { headers })
    expect(reply.status).toBe(400)
    const refused = await rawRequest(behind.port, 'GET', certificates, { headers: { ...asOperator, ...headers } })
    expect(refused.status).toBe(401)
  })
})
