import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEmqxEnforcer, type EmqxEnforcerOptions } from '../../../src/index.ts'
import { startEmqxApi } from './emqx-api-server.ts'
import { type Emqx4ApiServer, type Emqx4Fault, startEmqx4Api } from './emqx4-api-server.ts'

const now = new Date('2026-06-01T12:00:00.500Z')
const inADay = 1_780_401_600
const options = { dialect: 'emqx4', apiKey: 'the-key', apiSecret: 'the-s3cret', authTimeoutSeconds: 0.05 } as const
const target = { deviceId: 'sensor-1', clientIds: ['sensor-1'] }
const admission = { ...target, cause: 'issued', role: 'device', certificate: new Uint8Array(1) } as const

let emqx: Emqx4ApiServer
beforeEach(async () => {
  emqx = await startEmqx4Api()
})
afterEach(async () => {
  await emqx[Symbol.asyncDispose]()
})
const enforcerOf = (more: Partial<EmqxEnforcerOptions> = {}) =>
  createEmqxEnforcer({ ...options, clock: () => now, apiUrl: emqx.url, ...more })
const failureOf = async (work: Promise<unknown>): Promise<{ code?: unknown; message: string; details?: unknown }> =>
  work.then(
    () => expect.unreachable('must fail'),
    (error: unknown) => error as Error,
  )

describe('silence on EMQX 4', () => {
  it('bans, kicks, waits and looks again', async () => {
    emqx.sessions.add('sensor-1').add('sensor-1/shell').add('sensor-10').add('x/sensor-1')
    expect(await enforcerOf().silence(target, {})).toBe('gone')
    expect([...emqx.sessions]).toEqual(['sensor-10', 'x/sensor-1'])
    expect([...emqx.bans.keys()]).toEqual(['clientid/sensor-1', 'clientid/sensor-1/shell'])
    expect(emqx.bans.get('clientid/sensor-1')).toEqual({
      as: 'clientid',
      who: 'sensor-1',
      by: 'fleetcert',
      reason: 'revoked',
      until: inADay,
    })
    expect(emqx.requests).toEqual([
      'GET /clients',
      ...['GET /banned', 'POST /banned', 'GET /banned', 'POST /banned'],
      ...['DELETE /clients/sensor-1', 'DELETE /clients/sensor-1%2Fshell'],
      'GET /clients',
    ])
  })

  it.each(['4.3', '4.4'] as const)(
    'ends sessions of %s without a ban, and says whether there were any',
    async version => {
      await using server = await startEmqx4Api({ version })
      const enforcer = enforcerOf({ apiUrl: server.url, ban: false })
      expect(await enforcer.silence(target, {})).toBe('wasNotConnected')
      server.sessions.add('sensor-1').add('sensor-1/a b+c%2F')
      expect(await enforcer.silence(target, {})).toBe('gone')
      expect([server.sessions.size, server.bans.size]).toEqual([0, 0])
      expect(enforcer.readmit).toBeUndefined()
    },
  )

  it('kicks a session that a CONNECT of before became after the kick, and waits anew', async () => {
    let kicks = 0
    emqx.after = request => {
      if (request === 'DELETE /clients/sensor-1' && ++kicks === 1) emqx.sessions.add('sensor-1')
    }
    expect(await enforcerOf({ ban: false }).silence(target, {})).toBe('gone')
    expect([kicks, emqx.sessions.size]).toEqual([2, 0])
  })

  it('asks for the device id alone where nothing else is allowed', async () => {
    emqx.sessions.add('sensor-1').add('sensor-1/shell')
    expect(await enforcerOf({ bind: 'exact', ban: false }).silence(target, {})).toBe('gone')
    expect([...emqx.sessions]).toEqual(['sensor-1/shell'])
    expect(emqx.requests).toEqual(['GET /clients/sensor-1', 'DELETE /clients/sensor-1', 'GET /clients/sensor-1'])
  })

  it('reads all pages', async () => {
    await using server = await startEmqx4Api({ pageSize: 100 })
    for (let index = 0; index < 250; index += 1) server.sessions.add(`sensor-1${index}`)
    server.sessions.add('sensor-1/last')
    expect(await enforcerOf({ apiUrl: server.url, ban: false }).silence(target, {})).toBe('gone')
    expect(server.sessions.size).toBe(250)
  })

  it('follows a fleet, and lets the device in again that was enrolled anew', async () => {
    await using fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), enforcers: [enforcerOf()] })
    await fleet.enroll('sensor-1')
    emqx.sessions.add('sensor-1')
    expect(await (await fleet.revoke('sensor-1')).enforced).toEqual({ confirmed: ['emqx'], pending: [], failed: [] })
    expect([emqx.sessions.size, emqx.bans.size]).toEqual([0, 1])
    await fleet.enroll('sensor-1')
    await expect.poll(() => emqx.bans.size, { timeout: 10_000 }).toBe(0)
  })
})

describe('bans of EMQX 4, where one replaces the other', () => {
  const ban = (by: string, until: number) => ({ as: 'clientid', who: 'sensor-1', by, until })

  it('leave an operator’s alone', async () => {
    const theirs = ban('user', inADay + 86_400)
    emqx.bans.set('clientid/sensor-1', theirs)
    const enforcer = enforcerOf()
    await enforcer.silence(target, {})
    await enforcer.readmit!(admission, {})
    expect(emqx.bans.get('clientid/sensor-1')).toEqual(theirs)
  })
  it('take the place of one that has run out, and make ours last', async () => {
    for (const old of [ban('user', now.getTime() / 1000 - 30), ban('fleetcert', inADay - 500)]) {
      emqx.bans.set('clientid/sensor-1', old)
      await enforcerOf().silence(target, {})
      expect(emqx.bans.get('clientid/sensor-1')).toMatchObject({ by: 'fleetcert', until: inADay })
    }
  })
  it('are lifted for all client ids of the device', async () => {
    for (const id of ['sensor-1', 'sensor-1/shell', 'sensor-10']) emqx.sessions.add(id)
    const enforcer = enforcerOf()
    await enforcer.silence(target, {})
    await enforcer.silence({ deviceId: 'sensor-10', clientIds: [] }, {})
    expect(emqx.bans.size).toBe(3)
    await enforcer.readmit!(admission, {})
    expect([...emqx.bans.keys()]).toEqual(['clientid/sensor-10'])
  })
  it('of a user name or an address are nobody’s concern', async () => {
    emqx.bans.set('username/sensor-1', { as: 'username', who: 'sensor-1', by: 'user', until: inADay * 2 })
    await enforcerOf().silence(target, {})
    expect(emqx.bans.get('clientid/sensor-1')).toMatchObject({ by: 'fleetcert' })
  })
  it('are looked at together by devices that are revoked together', async () => {
    const enforcer = enforcerOf()
    const ids = Array.from({ length: 50 }, (_, index) => `d${index}`)
    for (const id of ids) emqx.sessions.add(id)
    await Promise.all(ids.map(deviceId => enforcer.silence({ deviceId, clientIds: [deviceId] }, {})))
    expect([emqx.sessions.size, emqx.bans.size]).toEqual([0, 50])
    expect(emqx.requests.filter(request => request === 'GET /banned').length).toBeLessThan(50)
  })
  it('are found on the last page', async () => {
    for (let index = 0; index < 5001; index += 1) {
      emqx.bans.set(`clientid/d${index}`, { as: 'clientid', who: `d${index}`, by: 'fleetcert', until: inADay })
    }
    emqx.bans.set('clientid/sensor-1', ban('user', inADay * 2))
    await enforcerOf().silence(target, {})
    expect(emqx.bans.get('clientid/sensor-1')).toMatchObject({ by: 'user' })
  })
})

describe('faults of EMQX 4', () => {
  const everyRequest = ['GET /clients', 'GET /banned', 'POST /banned', 'DELETE /clients/sensor-1']
  const faults: readonly Emqx4Fault[] = [
    { status: 500, body: 'Internal Error' },
    { status: 503, body: 'busy' },
    { status: 404, body: 'Not found.' },
    // cowboy, when a node did not answer and nothing could be written.
    { status: 204, body: '' },
    { status: 200, body: '{"code":101,"message":"{badrpc,nodedown}"}' },
    { status: 200, body: '<html>' },
    'destroyed',
    'silent',
  ]

  it.each(everyRequest.flatMap(request => faults.map(fault => [request, fault] as const)))(
    '%s: %j is tried again',
    async (request, fault) => {
      emqx.sessions.add('sensor-1')
      emqx.fault = (name, count) => (name === request && count === 1 ? fault : undefined)
      const enforcer = enforcerOf({ requestSeconds: 0.2 })
      expect(await enforcer.silence(target, { signal: AbortSignal.timeout(10_000) })).toBe('gone')
      expect(emqx.sessions.size).toBe(0)
      expect(emqx.requests.filter(name => name === request).length).toBeGreaterThan(1)
    },
  )

  it('waits for what is slow', async () => {
    emqx.sessions.add('sensor-1')
    emqx.fault = () => 'slow'
    expect(await enforcerOf().silence(target, { signal: AbortSignal.timeout(10_000) })).toBe('gone')
  })

  it.each(everyRequest)('%s: a refused application is not tried again', async request => {
    emqx.fault = name => (name === request ? { status: 401, body: 'UNAUTHORIZED' } : undefined)
    const error = await failureOf(enforcerOf().silence(target, { signal: AbortSignal.timeout(10_000) }))
    expect(error).toMatchObject({ code: 'ERR_PKI_ENFORCER', details: { status: 401 } })
    expect(emqx.requests.filter(name => name === request)).toHaveLength(1)
  })

  it.each<[string, Emqx4Fault]>([
    ['no code', { status: 200, body: '{"data":[]}' }],
    ['a code that is a word', { status: 200, body: '{"code":"0","data":[]}' }],
    ['a failure', { status: 200, body: '{"code":102,"data":[]}' }],
    ['no list', { status: 200, body: '{"code":0,"data":{}}' }],
    ['nothing', { status: 200, body: '' }],
    ['null', { status: 200, body: 'null' }],
    ['no content', { status: 204, body: '' }],
    ['a redirect', { status: 302, body: '{"code":0,"data":[]}' }],
    ['a 404 that looks like success', { status: 404, body: '{"code":0,"data":[]}' }],
  ])('never confirms by %s', async (_, fault) => {
    for (const bind of ['prefix', 'exact'] as const) {
      emqx.fault = name => (name.startsWith('GET /clients') ? fault : undefined)
      const error = await failureOf(enforcerOf({ bind }).silence(target, { signal: AbortSignal.timeout(500) }))
      expect(error).toMatchObject({ code: 'ERR_PKI_ENFORCER', message: expect.stringContaining('GET /clients') })
    }
  })

  it('says what stood in the way when the API is down, and tells its secret nobody', async () => {
    const { url } = emqx
    await emqx[Symbol.asyncDispose]()
    const error = await failureOf(enforcerOf({ apiUrl: url }).silence(target, { signal: AbortSignal.timeout(600) }))
    expect(error).toMatchObject({ code: 'ERR_PKI_ENFORCER', message: expect.stringContaining('ECONNREFUSED') })
    expect(JSON.stringify([String(error), error])).not.toMatch(/the-s3cret|Basic/)
  })
})

describe('an EMQX of the other kind', () => {
  it('is EMQX 5: nothing is confirmed, and the reason says which dialect it wants', async () => {
    await using five = await startEmqxApi()
    const enforcer = enforcerOf({ apiUrl: five.url })
    const error = await failureOf(enforcer.silence(target, { signal: AbortSignal.timeout(500) }))
    expect(error.message).toContain("dialect: 'emqx5'")
    expect(five.bans.size).toBe(0)
  })
  it('is EMQX 4: nothing is confirmed, and the reason says which dialect it wants', async () => {
    emqx.sessions.add('sensor-1')
    const enforcer = enforcerOf({ dialect: 'emqx5' })
    const error = await failureOf(enforcer.silence(target, { signal: AbortSignal.timeout(500) }))
    expect(error.message).toContain("dialect: 'emqx4'")
    expect([...emqx.sessions]).toEqual(['sensor-1'])
  })
  it.each<[Partial<EmqxEnforcerOptions>]>([
    [{ apiUrl: 'http://emqx:8081/api/v5' }],
    [{ dialect: 'emqx5', apiUrl: 'http://emqx:8081/api/v4/' }],
    [{ dialect: 'emqx6' as 'emqx5' }],
    [{ dialect: 'toString' as 'emqx5' }],
  ])('is refused at once where it shows: %j', more => {
    expect(() => enforcerOf(more)).toThrow(TypeError)
  })
})
