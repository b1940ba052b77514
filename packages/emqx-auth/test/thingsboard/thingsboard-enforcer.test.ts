import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type AdmissionTarget, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createThingsBoardEnforcer, type ThingsBoardEnforcerOptions, thingsBoardCredentialId } from '../../src/index.ts'

const vector = join(import.meta.dirname, '../../../../../shared/vectors/thingsboard/esp32-a31-client.crt')
const suffix = existsSync(vector) ? '' : ' (skipped: ../shared/vectors/thingsboard is not there)'

/** ThingsBoard's REST API as its controllers are written; the parts that credentials need. */
interface ThingsBoard {
  readonly url: string
  readonly requests: string[]
  readonly devices: Map<string, { readonly id: string; credentials: Record<string, unknown> }>
  tokens: string[]
  fault:
    | ((request: string, count: number) => { status: number; body?: string } | 'silent' | 'destroyed' | undefined)
    | undefined
  close(): Promise<void>
}

async function startThingsBoard(): Promise<ThingsBoard> {
  const counts = new Map<string, number>()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const url = new URL(request.url!, 'http://thingsboard')
    const name = `${request.method} ${url.pathname.replace(/[0-9a-f-]{36}/, ':id')}`
    self.requests.push(name)
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    const fault = self.fault?.(name, count)
    if (fault === 'silent') return
    if (fault === 'destroyed') return void request.socket.destroy()
    if (fault !== undefined) return void response.writeHead(fault.status).end(fault.body ?? '{"errorCode":2}')
    const body = text === '' ? undefined : JSON.parse(text)
    if (name === 'POST /api/auth/login') {
      if (body.username !== 'tenant@example' || body.password !== 'the-passw0rd') return answer(401, { errorCode: 10 })
      const token = `eyJ.${randomUUID()}`
      self.tokens.push(token)
      return answer(200, { token, refreshToken: 'x' })
    }
    const token = request.headers['x-authorization']?.toString().replace('Bearer ', '')
    if (token === undefined || !self.tokens.includes(token)) return answer(401, { errorCode: 11 })
    if (name === 'GET /api/tenant/devices') {
      const device = self.devices.get(url.searchParams.get('deviceName')!)
      if (device === undefined) return answer(404, { status: 404, message: 'not found', errorCode: 32 })
      return answer(200, { id: { entityType: 'DEVICE', id: device.id }, name: url.searchParams.get('deviceName') })
    }
    if (name === 'POST /api/device') {
      const id = randomUUID()
      self.devices.set(body.name, { id, credentials: credentialsOf(id, 'ACCESS_TOKEN', 'default-token', null) })
      return answer(200, { id: { entityType: 'DEVICE', id }, name: body.name })
    }
    const device = [...self.devices.values()].find(
      ({ id }) => id === (body?.deviceId?.id ?? url.pathname.split('/')[3]),
    )
    if (device === undefined) return answer(404, { errorCode: 32 })
    if (request.method === 'GET') return answer(200, device.credentials)
    if (body.id?.id !== device.credentials['id']!['id' as never]) return answer(400, { errorCode: 31 })
    if (body.credentialsType === 'X509_CERTIFICATE') {
      // Only newlines and the BEGIN/END lines are taken away.
      const value = body.credentialsValue.replace(/-----(BEGIN|END) CERTIFICATE-----|\r|\n/g, '')
      body.credentialsValue = value
      body.credentialsId = createHash('sha3-256').update(value).digest('hex')
    }
    device.credentials = body
    return answer(200, body)
  }
  const server: Server = createServer((request, response) => void handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const self: ThingsBoard = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    devices: new Map(),
    tokens: [],
    fault: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return self
}

function credentialsOf(id: string, type: string, credentialsId: string, value: string | null): Record<string, unknown> {
  const deviceId = { entityType: 'DEVICE', id }
  return {
    id: { id: randomUUID() },
    deviceId,
    credentialsType: type,
    credentialsId,
    credentialsValue: value,
    version: 1,
  }
}

let board: ThingsBoard
beforeEach(async () => {
  board = await startThingsBoard()
})
afterEach(() => board.close())

const enforcerOf = (more: Partial<ThingsBoardEnforcerOptions> = {}) =>
  createThingsBoardEnforcer({
    apiUrl: board.url,
    username: 'tenant@example',
    password: 'the-passw0rd',
    requestSeconds: 0.3,
    ...more,
  })
const certificate = Uint8Array.from({ length: 400 }, (_, index) => index)
const target = { deviceId: 'sensor-1', clientIds: ['sensor-1'] }
const admission: AdmissionTarget = { ...target, cause: 'issued', role: 'device', certificate }
const credentials = (name = 'sensor-1'): Record<string, unknown> => board.devices.get(name)!.credentials
const within = (milliseconds: number) => ({ signal: AbortSignal.timeout(milliseconds) })

describe('admit', () => {
  it('makes the certificate the credential, and the device where there is none', async () => {
    const enforcer = enforcerOf()
    await enforcer.admit!(admission, {})
    expect(credentials()).toMatchObject({
      credentialsType: 'X509_CERTIFICATE',
      credentialsId: thingsBoardCredentialId(certificate),
      credentialsValue: Buffer.from(certificate).toString('base64'),
    })
    board.requests.length = 0
    // The same again is not saved: that would close the session.
    await enforcer.admit!(admission, {})
    expect(board.requests).toEqual(['GET /api/tenant/devices', 'GET /api/device/:id/credentials'])
  })

  it('makes no device where it shall not, and none for a service', async () => {
    await enforcerOf({ createDevices: false }).admit!(admission, {})
    await enforcerOf().admit!({ ...admission, role: 'service' }, {})
    expect(board.devices.size).toBe(0)
  })

  it('refuses a certificate that came back as another', async () => {
    await enforcerOf().admit!(admission, {})
    const other = { ...admission, certificate: certificate.slice(1) }
    const altered = JSON.stringify({ ...credentials(), credentialsId: 'ab'.repeat(32) })
    board.fault = name => (name === 'POST /api/device/credentials' ? { status: 200, body: altered } : undefined)
    await expect(enforcerOf().admit!(other, within(500))).rejects.toMatchObject({ code: 'ERR_PKI_ENFORCER' })
  })
})

describe('silence', () => {
  it('takes the credential away, for a token that nobody knows', async () => {
    const enforcer = enforcerOf()
    await enforcer.admit!(admission, {})
    expect(await enforcer.silence(target, {})).toBe('gone')
    const { credentialsType, credentialsId, credentialsValue } = credentials()
    expect([credentialsType, credentialsValue]).toEqual(['ACCESS_TOKEN', null])
    expect(credentialsId).toMatch(/^[\w-]{20}$/)
    expect(await enforcer.silence(target, {})).toBe('gone')
    expect(credentials()['credentialsId']).not.toBe(credentialsId)
  })

  it('says that there is no such device', async () => {
    expect(await enforcerOf().silence(target, {})).toBe('wasNotConnected')
  })

  it('does not confirm what somebody else has changed back', async () => {
    await enforcerOf().admit!(admission, {})
    const kept = JSON.stringify(credentials())
    board.fault = name => (name === 'POST /api/device/credentials' ? { status: 200, body: kept } : undefined)
    await expect(enforcerOf().silence(target, within(500))).rejects.toMatchObject({ code: 'ERR_PKI_ENFORCER' })
  })

  it('logs in again when its token has run out', async () => {
    const enforcer = enforcerOf()
    await enforcer.admit!(admission, {})
    board.tokens = []
    expect(await enforcer.silence(target, {})).toBe('gone')
    expect(board.requests.filter(request => request.endsWith('login'))).toHaveLength(2)
  })
})

describe('faults', () => {
  const every = [
    'POST /api/auth/login',
    'GET /api/tenant/devices',
    'GET /api/device/:id/credentials',
    'POST /api/device/credentials',
  ]
  it.each(
    every.flatMap(name =>
      ([{ status: 500 }, { status: 429 }, { status: 404 }, { status: 302 }, 'silent', 'destroyed'] as const).map(
        fault => [name, fault] as const,
      ),
    ),
  )('%s: %j is tried again', async (request, fault) => {
    await enforcerOf().admit!(admission, {})
    let left = 1
    board.fault = name => (name === request && left-- > 0 ? fault : undefined)
    expect(await enforcerOf().silence(target, within(10_000))).toBe('gone')
    expect(credentials()['credentialsType']).toBe('ACCESS_TOKEN')
  })

  it('tells neither password nor token', async () => {
    const password = 'another-passw0rd'
    const wrong = enforcerOf({ password }).silence(target, within(2000))
    const refused = await wrong.then(
      () => expect.unreachable(),
      (error: Error) => error,
    )
    expect(refused).toMatchObject({ code: 'ERR_PKI_ENFORCER', details: { status: 401 } })
    expect(board.requests).toHaveLength(1)
    board.fault = name => (name.startsWith('GET') ? { status: 500, body: 'the-passw0rd' } : undefined)
    const failed = await enforcerOf()
      .silence(target, within(400))
      .then(
        () => expect.unreachable(),
        (error: Error) => error,
      )
    const text = [refused, failed].map(error => `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).join()
    for (const secret of [password, 'the-passw0rd', ...board.tokens]) expect(text).not.toContain(secret)
  })

  it.each([
    { apiUrl: 'ftp://x' },
    { apiUrl: 'http://a:b@x' },
    { username: '' },
    { password: '' },
    { requestSeconds: 0 },
  ])('refuses %j at once', more => {
    expect(() => enforcerOf(more)).toThrow()
  })
})

it('follows a fleet: a certificate at enrolment, another at renewal, none once it is revoked', async () => {
  await using fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    enforcers: [enforcerOf()],
    onWarning: () => {},
  })
  const idOf = (pem: string): string => thingsBoardCredentialId(new X509Certificate(pem).raw)
  const first = await fleet.enroll('sensor-1')
  const current = (): unknown => board.devices.get('sensor-1')?.credentials['credentialsId']
  await expect.poll(current, { timeout: 10_000 }).toBe(idOf(first.certificate))
  const second = await fleet.renew('sensor-1')
  await expect.poll(current, { timeout: 10_000 }).toBe(idOf(second.certificate))
  const { enforced } = await fleet.revoke('sensor-1')
  expect(await enforced).toMatchObject({ confirmed: ['thingsboard'] })
  expect(credentials()['credentialsType']).toBe('ACCESS_TOKEN')
  const again = await fleet.enroll('sensor-1')
  await expect.poll(current, { timeout: 10_000 }).toBe(idOf(again.certificate))
})

it.skipIf(suffix !== '')(`names a certificate as ThingsBoard does${suffix}`, () => {
  const { raw } = new X509Certificate(readFileSync(vector))
  expect(thingsBoardCredentialId(raw)).toBe('4976bf81cc6f1100e22a791fc98c7f0afd0d5bc4ae661124741364600a3917c9')
})
