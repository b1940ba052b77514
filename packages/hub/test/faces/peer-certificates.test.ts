import { createHash, X509Certificate } from 'node:crypto'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type HubContext, toNodeHandler } from '@fleetcert/hub'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certificates, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
let contexts: { context: HubContext; url: string }[]
let port: number
let close: () => Promise<void>
let device: { clientCert: string; clientKey: string; fingerprint: string }

beforeAll(async () => {
  contexts = []
  hub = await openTestHub({
    authorize: (request, _action, context) => {
      contexts.push({ context, url: request.url })
      return true
    },
  })
  device = (await hub.call('POST', `${certificates}/tls-device`)).json
  const credential = await hub.fleet.issueServer({ hosts: ['127.0.0.1', 'localhost'] })
  const server = createServer(
    {
      key: credential.privateKey!,
      cert: credential.certificate + credential.chain,
      ca: hub.fleet.trustAnchors,
      requestCert: true,
      rejectUnauthorized: false,
    },
    toNodeHandler(hub.hub),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  close = () => new Promise(resolve => void server.close(() => resolve()))
})
afterAll(async () => {
  await close()
  await hub.fleet.close()
})

function get(
  identity: { cert?: string; key?: string; agent?: Agent },
  headers: Record<string, string> = {},
): Promise<number> {
  contexts.length = 0
  return new Promise((resolve, reject) => {
    request(
      { port, host: '127.0.0.1', path: certificates, ca: hub.fleet.trustAnchors, agent: false, headers, ...identity },
      response => {
        response.resume()
        response.on('end', () => resolve(response.statusCode!))
      },
    )
      .on('error', reject)
      .end()
  })
}

test('come from the handshake, the peer’s own first', async () => {
  expect(await get({ cert: device.clientCert, key: device.clientKey })).toBe(200)
  const [{ context, url }] = contexts as [{ context: HubContext; url: string }]
  expect(url).toMatch(/^https:\/\/127\.0\.0\.1:/)
  expect(context.encrypted).toBe(true)
  expect(context.remoteAddress).toBe('127.0.0.1')
  const [own, issuer] = context.peerCertificates!
  expect(createHash('sha256').update(own!).digest('hex').toUpperCase()).toBe(device.fingerprint.replaceAll(':', ''))
  expect(new X509Certificate(own!).verify(new X509Certificate(issuer!).publicKey)).toBe(true)
})

test('are all there at each request of a connection, and each time that they are asked for', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const identity = { cert: device.clientCert, key: device.clientKey, agent }
  for (let index = 0; index < 3; index += 1) {
    expect(await get(identity)).toBe(200)
    expect(contexts[0]!.context.peerCertificates).toHaveLength(2)
  }
  agent.destroy()
})

test('are none without one, whatever the headers say', async () => {
  const der = new X509Certificate(device.clientCert).raw.toString('base64')
  const headers = {
    'client-cert': `:${der}:`,
    'x-forwarded-client-cert': `Cert="${der}"`,
    'x-ssl-cert': encodeURIComponent(device.clientCert),
    'x-forwarded-for': '10.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'evil.example',
  }
  expect(await get({}, headers)).toBe(200)
  const [{ context, url }] = contexts as [{ context: HubContext; url: string }]
  expect(context.peerCertificates).toEqual([])
  expect(context.remoteAddress).toBe('127.0.0.1')
  expect(url).toMatch(/^https:\/\/127\.0\.0\.1:/)
})
