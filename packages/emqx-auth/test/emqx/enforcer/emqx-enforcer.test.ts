import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isPkiError, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEmqxEnforcer, type EmqxEnforcerOptions } from '../../../src/index.ts'
import { type EmqxApiServer, type Fault, startEmqxApi } from './emqx-api-server.ts'

const reset = ['POST /authentication/node_cache/reset', 'POST /authorization/node_cache/reset']
const now = new Date('2026-06-01T12:00:00.500Z')
const options = { apiKey: 'the-key', apiSecret: 'the-s3cret', authTimeoutSeconds: 0.05, clock: () => now }
const target = { deviceId: 'sensor-1', clientIds: ['sensor-1'] }

let emqx: EmqxApiServer
beforeEach(async () => {
  emqx = await startEmqxApi()
})
afterEach(async () => {
  await emqx[Symbol.asyncDispose]()
})

const enforcerOf = (more: Partial<EmqxEnforcerOptions> = {}) =>
  createEmqxEnforcer({ ...options, apiUrl: emqx.url, ...more })
const failureOf = async (work: Promise<unknown>): Promise<{ code?: unknown; message: string; details?: unknown }> =>
  work.then(
    () => expect.unreachable('must fail'),
    (error: unknown) => error as Error,
  )

describe('silence', () => {
  it('forgets cached answers, bans, kicks, waits, forgets again and looks again', async () => {
    emqx.sessions.add('sensor-1').add('sensor-1/shell').add('sensor-10').add('x/sensor-1')
    expect(await enforcerOf().silence(target, {})).toBe('gone')
    expect([...emqx.sessions]).toEqual(['sensor-10', 'x/sensor-1'])
    expect([...emqx.bans.keys()]).toEqual(['sensor-1', 'sensor-1/shell'])
    expect(emqx.bans.get('sensor-1')).toEqual({
      as: 'clientid',
      who: 'sensor-1',
      by: 'fleetcert',
      reason: 'revoked',
      until: '2026-06-02T12:00:00Z',
    })
    expect(emqx.requests).toEqual([
      ...reset,
      'GET /clients',
      'POST /banned',
      'POST /banned',
      'POST /clients/kickout/bulk',
      ...reset,
      'GET /clients',
    ])
  })

  it('says that there was no session', async () => {
    expect(await enforcerOf().silence(target, {})).toBe('wasNotConnected')
    expect([...emqx.bans.keys()]).toEqual(['sensor-1'])
  })

  it('kicks a session that a CONNECT of before became after the kick, and waits anew', async () => {
    let kicks = 0
    emqx.after = request => {
      if (request === 'POST /clients/kickout/bulk' && ++kicks === 1) emqx.sessions.add('sensor-1/late')
    }
    expect(await enforcerOf().silence(target, {})).toBe('gone')
    expect(kicks).toBe(2)
    expect(emqx.sessions.size).toBe(0)
    expect(emqx.requests.filter(request => request === 'GET /clients')).toHaveLength(3)
  })

  it('waits for as long as EMQX may take to decide before it answers', async () => {
    emqx.after = request => {
      if (request !== 'POST /clients/kickout/bulk') return
      emqx.after = undefined
      setTimeout(() => emqx.sessions.add('sensor-1/late'), 150)
    }
    expect(await enforcerOf({ authTimeoutSeconds: 0.6 }).silence(target, {})).toBe('gone')
    expect(emqx.sessions.size).toBe(0)
  })

  it('leaves a ban alone that is there already, and bans nobody where it shall not', async () => {
    emqx.bans.set('sensor-1', { until: 'infinity' })
    await enforcerOf().silence(target, {})
    expect(emqx.bans.get('sensor-1')).toEqual({ until: 'infinity' })
    emqx.bans.clear()
    emqx.sessions.add('sensor-1')
    const unbanning = enforcerOf({ ban: false })
    expect(await unbanning.silence(target, {})).toBe('gone')
    expect(emqx.bans.size).toBe(0)
    expect(unbanning.readmit).toBeUndefined()
  })

  it('asks for the device id alone where nothing else is allowed', async () => {
    emqx.sessions.add('sensor-1').add('sensor-1/shell')
    expect(await enforcerOf({ bind: 'exact', ban: false }).silence(target, {})).toBe('gone')
    expect([...emqx.sessions]).toEqual(['sensor-1/shell'])
    expect(emqx.requests).not.toContain('GET /clients')
  })

  it('reads all pages', async () => {
    for (let index = 0; index < 2500; index++) emqx.sessions.add(`sensor-1${index}`)
    emqx.sessions.add('sensor-1/last')
    expect(await enforcerOf({ ban: false }).silence(target, {})).toBe('gone')
    expect(emqx.sessions.has('sensor-1/last')).toBe(false)
    expect(emqx.sessions.size).toBe(2500)
  })

  it.each(['5.0', '5.8'] as const)('does without what EMQX %s does not know', async version => {
    await using old = await startEmqxApi({ version })
    old.sessions.add('sensor-1').add('sensor-1/shell')
    expect(await enforcerOf({ apiUrl: old.url, ban: false }).silence(target, {})).toBe('gone')
    expect(old.sessions.size).toBe(0)
  })

  it('ends the sessions on every cluster', async () => {
    await using other = await startEmqxApi()
    other.sessions.add('sensor-1')
    expect(await enforcerOf({ apiUrl: [emqx.url, `${other.url}/api/v5/`] }).silence(target, {})).toBe('gone')
    expect(other.sessions.size).toBe(0)
    expect([...emqx.bans.keys()]).toEqual(['sensor-1'])
  })

  it('ends them on the other clusters while one refuses, and confirms nothing', async () => {
    await using other = await startEmqxApi()
    other.sessions.add('sensor-1')
    emqx.fault = () => ({ status: 401 })
    const error = await failureOf(enforcerOf({ apiUrl: [emqx.url, other.url] }).silence(target, {}))
    expect(error).toMatchObject({ code: 'ERR_PKI_ENFORCER', details: { name: 'emqx', status: 401 } })
    expect(other.sessions.size).toBe(0)
  })

  it('lets devices share the resets of the caches', async () => {
    const enforcer = enforcerOf()
    const ids = Array.from({ length: 50 }, (_, index) => `d${index}`)
    for (const id of ids) emqx.sessions.add(id)
    await Promise.all(ids.map(deviceId => enforcer.silence({ deviceId, clientIds: [deviceId] }, {})))
    expect(emqx.sessions.size).toBe(0)
    const resets = emqx.requests.filter(request => request === reset[0]).length
    expect(resets).toBeGreaterThanOrEqual(3)
    expect(resets).toBeLessThan(50)
  })
})

describe('faults', () => {
  const once = (request: string, fault: Fault) => (name: string, count: number) =>
    name === request && count === 1 ? fault : undefined
  const everyRequest = [...reset, 'GET /clients', 'POST /banned', 'POST /clients/kickout/bulk']

  it.each(
    everyRequest.flatMap(request => [
      [request, { status: 500 }] as const,
      [request, { status: 503, body: 'busy' }] as const,
      [request, { status: 429 }] as const,
      [request, 'destroyed'] as const,
      [request, 'silent'] as const,
    ]),
  )('%s: %j is tried again', async (request, fault) => {
    emqx.sessions.add('sensor-1')
    emqx.fault = once(request, fault)
    const enforcer = enforcerOf({ requestSeconds: 0.2 })
    expect(await enforcer.silence(target, { signal: AbortSignal.timeout(10_000) })).toBe('gone')
    expect(emqx.sessions.size).toBe(0)
    expect(emqx.requests.filter(name => name === request).length).toBeGreaterThan(1)
  })

  it.each(everyRequest)('%s: a refused key is not tried again', async request => {
    for (const status of [401, 403]) {
      emqx.requests.length = 0
      emqx.fault = name => (name === request ? { status } : undefined)
      const error = await failureOf(enforcerOf().silence(target, { signal: AbortSignal.timeout(10_000) }))
      expect(error).toMatchObject({ code: 'ERR_PKI_ENFORCER', details: { status } })
      expect(emqx.requests.filter(name => name === request)).toHaveLength(1)
    }
  })

  it.each<[string, Fault]>([
    ['a list that is none', { status: 200, body: '{"data":7}' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['null', { status: 200, body: 'null' }],
    ['a redirect', { status: 302 }],
    ['another page', { status: 404, body: '{}' }],
  ])('never confirms by %s', async (_, fault) => {
    emqx.fault = name => (name === 'GET /clients' ? fault : undefined)
    const error = await failureOf(enforcerOf().silence(target, { signal: AbortSignal.timeout(600) }))
    expect(error).toMatchObject({ code: 'ERR_PKI_ENFORCER', message: expect.stringContaining('GET /clients') })
  })

  it('takes a 404 that does not name the client for no proof', async () => {
    emqx.fault = name => (name.startsWith('GET /clients/') ? { status: 404, body: '{"code":"NOT_FOUND"}' } : undefined)
    const work = enforcerOf({ bind: 'exact' }).silence(target, { signal: AbortSignal.timeout(600) })
    expect(await failureOf(work)).toMatchObject({ code: 'ERR_PKI_ENFORCER' })
  })

  it('refuses an answer without end', async () => {
    emqx.fault = name =>
      name === 'GET /clients' ? { status: 200, body: `{"data":["${'x'.repeat(5_000_000)}"]}` } : undefined
    const error = await failureOf(enforcerOf().silence(target, { signal: AbortSignal.timeout(800) }))
    expect(error.message).toContain('too large')
  })

  it('says what stood in the way when the time is over', async () => {
    const { url } = emqx
    await emqx[Symbol.asyncDispose]()
    const error = await failureOf(enforcerOf({ apiUrl: url }).silence(target, { signal: AbortSignal.timeout(700) }))
    expect(error).toMatchObject({ code: 'ERR_PKI_ENFORCER', message: expect.stringContaining('ECONNREFUSED') })
  })

  it('ends with a code when it is aborted while it waits', async () => {
    const work = enforcerOf({ authTimeoutSeconds: 30 }).silence(target, { signal: AbortSignal.timeout(300) })
    expect(await failureOf(work)).toMatchObject({ code: 'ERR_PKI_ENFORCER' })
  })

  it('tells its secret nobody', async () => {
    const secret = 'the-wr0ng-secret'
    emqx.fault = name => (name === 'GET /clients' ? { status: 500, body: secret } : undefined)
    for (const more of [{ apiSecret: secret }, {}]) {
      const error = await failureOf(enforcerOf(more).silence(target, { signal: AbortSignal.timeout(400) }))
      expect(isPkiError(error)).toBe(true)
      const text = JSON.stringify([String(error), error, (error as Error).stack, String((error as Error).cause)])
      expect(text).not.toContain(secret)
      expect(text).not.toContain('the-s3cret')
      expect(text).not.toContain('Basic')
    }
    const url = 'http://user:passw0rd@emqx'
    expect(() => enforcerOf({ apiUrl: url })).toThrow(TypeError)
    expect(() => enforcerOf({ apiUrl: url })).not.toThrow(/passw0rd/)
  })

  it.each<[string, Partial<EmqxEnforcerOptions>]>([
    ['no address', { apiUrl: [] }],
    ['another scheme', { apiUrl: 'ftp://emqx' }],
    ['a query', { apiUrl: 'http://emqx?x=1' }],
    ['no key', { apiKey: '' }],
    ['a key with a colon', { apiKey: 'a:b' }],
    ['no secret', { apiSecret: '' }],
    ['a ban of no time', { ban: { seconds: 0 } }],
    ['a wait of NaN', { authTimeoutSeconds: Number.NaN }],
    ['another binding', { bind: 'any' as 'exact' }],
  ])('refuses %s at once', (_, more) => {
    expect(() => enforcerOf(more)).toThrow()
  })
})

describe('https', () => {
  it('believes the API by its certificate alone', async () => {
    await using fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const { certificate, chain, privateKey } = await fleet.issueServer({ hosts: ['127.0.0.1'] })
    await using server = await startEmqxApi({ tls: { cert: certificate + chain, key: privateKey! } })
    server.sessions.add('sensor-1')
    const stranger = failureOf(enforcerOf({ apiUrl: server.url }).silence(target, { signal: AbortSignal.timeout(700) }))
    expect(await stranger).toMatchObject({ code: 'ERR_PKI_ENFORCER' })
    expect(server.requests).toEqual([])
    expect(await enforcerOf({ apiUrl: server.url, ca: fleet.trustAnchors }).silence(target, {})).toBe('gone')
    const { port } = new URL(server.url)
    const other = enforcerOf({ apiUrl: `https://localhost:${port}`, ca: fleet.trustAnchors })
    const error = await failureOf(other.silence(target, { signal: AbortSignal.timeout(700) }))
    expect(error.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
  })
})

it('lifts the ban of a device that may come back', async () => {
  const enforcer = enforcerOf()
  await enforcer.silence(target, {})
  expect(emqx.bans.size).toBe(1)
  const admission = { ...target, cause: 'issued', role: 'device', certificate: new Uint8Array(1) } as const
  await enforcer.readmit!(admission, {})
  expect(emqx.bans.size).toBe(0)
  await enforcer.readmit!(admission, {})
  emqx.fault = () => ({ status: 401 })
  await expect(enforcer.readmit!(admission, {})).rejects.toMatchObject({ code: 'ERR_PKI_ENFORCER' })
})

it.each(['5.0', '6.2'] as const)('lifts the bans of all its client ids, EMQX %s', async version => {
  await using server = await startEmqxApi({ version })
  const enforcer = enforcerOf({ apiUrl: server.url })
  for (const id of ['sensor-1', 'sensor-1/shell', 'a(b', 'sensor-10']) server.sessions.add(id)
  const device = { deviceId: 'sensor-1', clientIds: ['sensor-1', 'a(b'] }
  await enforcer.silence(device, {})
  await enforcer.silence({ deviceId: 'sensor-10', clientIds: [] }, {})
  expect([...server.bans.keys()]).toEqual(['sensor-1', 'a(b', 'sensor-1/shell', 'sensor-10'])
  await enforcer.readmit!({ ...device, cause: 'issued', role: 'device', certificate: new Uint8Array(1) }, {})
  expect([...server.bans.keys()]).toEqual(['sensor-10'])
})

it.each(['5.0', '5.8', '6.2'] as const)('leaves a ban of somebody else alone, EMQX %s', async version => {
  await using server = await startEmqxApi({ version, pageSize: 2 })
  const enforcer = enforcerOf({ apiUrl: server.url })
  for (const who of ['a', 'b', 'c', 'd']) server.bans.set(who, { until: 'infinity', by: 'operator' })
  server.bans.set('sensor-1', { until: 'infinity', by: 'operator' })
  await enforcer.silence(target, {})
  const admission = { ...target, cause: 'released', role: 'device', certificate: new Uint8Array(1) } as const
  await enforcer.readmit!(admission, {})
  expect(server.bans.get('sensor-1')).toEqual({ until: 'infinity', by: 'operator' })
  server.bans.delete('sensor-1')
  await enforcer.silence(target, {})
  await enforcer.readmit!(admission, {})
  expect([...server.bans.keys()]).toEqual(['a', 'b', 'c', 'd'])
})

it('follows a fleet: silence, a receipt, and the ban lifted when the device is enrolled again', async () => {
  await using fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), enforcers: [enforcerOf()] })
  const receipts = async (): Promise<unknown[]> => {
    const found: unknown[] = []
    for await (const { type, deviceId, details } of fleet.events({ follow: false })) {
      if (type === 'enforced') found.push([deviceId, details?.['enforcer'], details?.['outcome']])
    }
    return found
  }
  await fleet.enroll('sensor-1')
  emqx.sessions.add('sensor-1')
  let isDown = true
  emqx.fault = name => (isDown && name === 'GET /clients' ? { status: 401 } : undefined)
  expect(await (await fleet.revoke('sensor-1')).enforced).toMatchObject({ confirmed: [], failed: [{ name: 'emqx' }] })
  expect(await receipts()).toEqual([])
  isDown = false
  await expect.poll(receipts, { timeout: 10_000 }).toEqual([['sensor-1', 'emqx', 'gone']])
  expect([emqx.sessions.size, emqx.bans.size]).toEqual([0, 1])
  await fleet.enroll('sensor-1')
  await expect.poll(() => emqx.bans.size, { timeout: 10_000 }).toBe(0)
})

it('is made as docs/emqx.md says', async () => {
  const page = readFileSync(new URL('../../../../../docs/emqx.md', import.meta.url), 'utf8')
  const [, block] = /^## Ending sessions\n.*?```ts\n(.*?)```/ms.exec(page)!
  const file = new URL('./.emqx-enforcer-doc.test-tmp.ts', import.meta.url)
  writeFileSync(file, block!)
  try {
    const { emqxEnforcer } = await import(/* @vite-ignore */ file.href)
    expect(emqxEnforcer('key', 'secret', '')).toMatchObject({ name: 'emqx', shared: true })
  } finally {
    rmSync(file)
  }
})
