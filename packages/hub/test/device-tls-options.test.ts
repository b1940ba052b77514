import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { deviceTlsOptions, toNodeHandler } from '@fleetcert/hub'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestHub, type TestHub } from './support/test-hub.ts'

let hub: TestHub
let identity: { readonly cert: string; readonly key: string }
let options: ReturnType<typeof deviceTlsOptions>

beforeAll(async () => {
  hub = await openTestHub()
  options = deviceTlsOptions(await hub.fleet.issueServer({ hosts: ['127.0.0.1'] }))
  const { certificate, chain, privateKey } = await hub.fleet.enroll('d-1')
  identity = { cert: certificate + chain, key: privateKey! }
})
afterAll(() => hub.fleet.close())

test('need a private key', () => {
  expect(() => deviceTlsOptions({ certificate: '', chain: '' })).toThrow(TypeError)
})

test('let nobody in who is none: the hub judges, not the handshake', async () => {
  const server = createServer(options, toNodeHandler(hub.hub))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ask = (shown: object): Promise<number> =>
    new Promise((resolve, reject) => {
      const path = '/api/device/renewal-info'
      request({ host: '127.0.0.1', port, path, ca: hub.fleet.trustAnchors, agent: false, ...shown }, response => {
        response.resume()
        resolve(response.statusCode!)
      })
        .on('error', reject)
        .end()
    })
  expect(await ask({})).toBe(401)
  expect(await ask(identity)).toBe(200)
  await hub.fleet.revoke('d-1', { reason: 'certificateHold' })
  expect(await ask(identity)).toBe(403)
  await hub.fleet.release('d-1')
  await new Promise(resolve => server.close(resolve))
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s sessions', version => {
  async function twice(tls: object): Promise<{ readonly isReused: boolean; readonly statuses: readonly string[] }> {
    const server = createServer(tls, toNodeHandler(hub.hub))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    let session: Buffer | undefined
    let isReused = false
    const once = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const kept = session === undefined ? {} : { session }
        const tlsOptions = { ...identity, ...kept, minVersion: version, maxVersion: version }
        const socket = connect({ host: '127.0.0.1', port, ca: hub.fleet.trustAnchors, ...tlsOptions }, () => {
          isReused = socket.isSessionReused()
          socket.write('GET /api/device/renewal-info HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n')
        })
        let text = ''
        socket.on('session', data => {
          session = data
        })
        socket.setEncoding('utf8').on('data', part => {
          text += part
        })
        socket.on('end', () => resolve(text.slice(9, 12)))
        socket.on('error', reject)
      })
    const statuses = [await once(), await once()]
    await new Promise(resolve => server.close(resolve))
    return { isReused, statuses }
  }

  test('are not resumed', async () => {
    expect(await twice(options)).toEqual({ isReused: false, statuses: ['200', '200'] })
  })

  test('of a server that does resume them, the device is known all the same', async () => {
    expect(await twice({ ...options, secureOptions: 0 })).toEqual({ isReused: true, statuses: ['200', '200'] })
  })
})
