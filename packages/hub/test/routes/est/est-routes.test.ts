import {
  type CreateTokenRequest,
  decodePem,
  type Fleet,
  memoryKeyring,
  memoryStore,
  openFleet,
  PkiError,
  parseCertificationRequest,
} from '@fleetcert/core'
import type { DeviceOptions, FactoryCandidate, FactoryGrant } from '@fleetcert/hub'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { deviceSettings } from '../../../src/device/device-options.ts'
import { enrollByFactory } from '../../../src/device/enroll-by-factory.ts'
import { type DeviceHub, openDeviceHub } from '../../support/device-hub.ts'
import { type DeviceKey, deviceKey } from '../../support/device-key.ts'
import { type ForeignCa, type ForeignIdentity, openForeignCa } from '../../support/strangers.ts'
import { openTestHub, type Reply } from '../../support/test-hub.ts'
import { waitingStore } from '../../support/waiting-store.ts'

const est = '/.well-known/est'
const certsOnly = 'application/pkcs7-mime; smime-type=certs-only'

const base64Of = async (key: DeviceKey, name = ''): Promise<string> =>
  Buffer.from(await key.csrDer(name)).toString('base64')

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

describe('what EST answers', () => {
  let hub: DeviceHub
  beforeAll(async () => {
    hub = await openDeviceHub({ device: { labels: { gateway: { profile: 'gateway', key: 'P-384' } } } })
  })
  afterAll(() => hub.close())

  test.each(['', '/gateway'])('%s/cacerts and csrattrs: base64, and no Content-Transfer-Encoding', async label => {
    for (const [operation, type] of [
      ['cacerts', certsOnly],
      ['csrattrs', 'application/csrattrs'],
    ]) {
      const reply = await hub.ask('GET', `${est}${label}/${operation}`)
      expect(reply.status).toBe(200)
      expect(reply.headers.get('content-type')).toBe(type)
      expect(reply.headers.has('content-transfer-encoding')).toBe(false)
      expect(reply.text).toMatch(/^([A-Za-z0-9+/=]{1,64}\n)+$/)
    }
  })

  test.each([
    '/x/cacerts',
    '/gateway/x/cacerts',
    '/GATEWAY/cacerts',
    '/gateway/',
    '/',
    '/fullcmc',
    '/serverkeygen',
    '/%67ateway/cacerts',
  ])('%s is not found', async path => {
    expect((await hub.ask('GET', est + path)).status).toBe(404)
  })

  test('a method that an operation does not have is 405', async () => {
    const reply = await hub.ask('GET', `${est}/simpleenroll`)
    expect(reply.status).toBe(405)
    expect(reply.headers.get('allow')).toBe('POST')
  })

  test('a device id with colons is a user name all the same', async () => {
    const { token } = await hub.fleet.createToken({ deviceId: 'aa:bb:cc' })
    const reply = await hub.ask('POST', `${est}/simpleenroll`, {
      headers: { authorization: basic('aa:bb:cc', token), 'content-type': 'application/pkcs10' },
      body: await base64Of(deviceKey()),
    })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe(certsOnly)
    const { fingerprint } = (await hub.fleet.device('aa:bb:cc'))!
    const { certificate } = (await hub.fleet.identify({ fingerprint }, { withDer: true })) as never as {
      certificate: { der: Uint8Array }
    }
    expect(Buffer.from(reply.text, 'base64').includes(Buffer.from(certificate.der))).toBe(true)
  })

  test.each<[string, string, RegExp]>([
    ['in one line', '', /^[A-Za-z0-9+/=]+\n$/],
    ['in lines', '\n', /^([A-Za-z0-9+/=]{64}\n)+[A-Za-z0-9+/=]{1,64}\n$/],
  ])('a request %s is answered so', async (_, end, lines) => {
    const deviceId = `lines-${end.length}`
    const { token } = await hub.fleet.createToken({ deviceId })
    const reply = await hub.ask('POST', `${est}/simpleenroll`, {
      headers: { authorization: basic(deviceId, token), 'content-type': 'application/pkcs10' },
      body: (await base64Of(deviceKey())) + end,
    })
    expect(reply.text).toMatch(lines)
  })

  test.each<[string, Record<string, string>, number, RegExp]>([
    ['no proof', {}, 401, /ERR_PKI_FORBIDDEN/],
    ['Basic without a colon', { authorization: 'Basic YQ==' }, 401, /ERR_PKI_FORBIDDEN/],
    ['Basic that is no base64', { authorization: 'Basic a:b' }, 401, /ERR_PKI_FORBIDDEN/],
    [
      'Basic that is no UTF-8',
      { authorization: `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString('base64')}` },
      401,
      /ERR_PKI_FORBIDDEN/,
    ],
    ['a scheme that is unknown', { authorization: 'Digest a' }, 401, /ERR_PKI_FORBIDDEN/],
    ['no device id', { authorization: basic('+', 'fct_x') }, 401, /ERR_PKI_TOKEN/],
  ])('an enrolment with %s', async (_, headers, status, text) => {
    const reply = await hub.ask('POST', `${est}/simpleenroll`, {
      headers: { 'content-type': 'application/pkcs10', ...headers },
      body: await base64Of(deviceKey()),
    })
    expect(reply.status).toBe(status)
    expect(reply.text).toMatch(text)
    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(reply.headers.get('www-authenticate')).toBe('Basic realm="fleetcert"')
  })

  test.each<[string, Record<string, string>]>([
    ['none', {}],
    ['another', { 'content-type': 'application/octet-stream' }],
    ['compressed', { 'content-type': 'application/pkcs10', 'content-encoding': 'gzip' }],
  ])('a content type: %s', async (_, headers) => {
    const { token } = await hub.fleet.createToken({ deviceId: 'types' })
    const reply = await hub.ask('POST', `${est}/simpleenroll`, {
      headers: { authorization: basic('types', token), ...headers },
      body: await base64Of(deviceKey()),
    })
    expect(reply.status).toBe(400)
  })

  test('a Content-Transfer-Encoding is not looked at', async () => {
    const { token } = await hub.fleet.createToken({ deviceId: 'transfer' })
    const reply = await hub.ask('POST', `${est}/simpleenroll`, {
      headers: {
        ...{ authorization: basic('transfer', token), 'content-type': 'application/pkcs10; charset=us-ascii' },
        'content-transfer-encoding': 'binary',
      },
      body: await base64Of(deviceKey()),
    })
    expect(reply.status).toBe(200)
  })

  test('what is busy is a 202, with a time to come back', async () => {
    const { store, wait, letGo } = waitingStore()
    const busy = await openDeviceHub({ device: { maximumConcurrent: 1 }, open: { store } })
    const { privateKey, certificate, chain } = await busy.fleet.enroll('busy')
    const identity = { cert: certificate + chain, key: privateKey! }
    const ask = async (): Promise<Reply> =>
      busy.ask('POST', `${est}/simplereenroll`, {
        identity,
        headers: { 'content-type': 'application/pkcs10' },
        body: await base64Of(deviceKey()),
      })
    wait()
    const asked = [ask(), ask()]
    const refused = await Promise.race(asked)
    letGo()
    expect((await Promise.all(asked)).map(({ status }) => status).sort()).toEqual([200, 202])
    expect(refused.status).toBe(202)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(5)
    expect(refused.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    await busy.close()
  })

  test('the store down: 503, and the reason stays inside', async () => {
    const { token } = await hub.fleet.createToken({ deviceId: 'down' })
    hub.breakStore(true)
    const reply = await hub.ask('POST', `${est}/simpleenroll`, {
      headers: { authorization: basic('down', token), 'content-type': 'application/pkcs10' },
      body: await base64Of(deviceKey()),
    })
    hub.breakStore(false)
    expect(reply.status).toBe(503)
    expect(reply.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(reply.text).toBe('The store cannot be reached, is locked, or is full. ERR_PKI_STORE_UNAVAILABLE\n')
    expect(String(hub.errors.at(-1))).toContain('secret-host')
  })

  test('whatever comes is answered in words', async () => {
    const web = await openTestHub()
    const { certificate, privateKey } = await web.fleet.enroll('fuzzed')
    expect(privateKey).toBeDefined()
    const peerCertificates = [decodePem(certificate)[0]!.der]
    const valid = await base64Of(deviceKey(), 'fuzzed')
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.base64String({ maxLength: 400 }),
      fc
        .tuple(fc.nat(valid.length), fc.string({ maxLength: 3 }))
        .map(([at, text]) => valid.slice(0, at) + text + valid.slice(at + 1)),
    )
    const authorization = fc.oneof(
      fc.constant(undefined),
      fc.string({ maxLength: 40 }).map(text => `Basic ${Buffer.from(text).toString('base64')}`),
      fc.stringMatching(/^[\x21-\x7e]{0,40}$/),
    )
    const operation = fc.constantFrom('simpleenroll', 'simplereenroll')
    await fc.assert(
      fc.asyncProperty(operation, authorization, body, fc.boolean(), async (name, sent, octets, isKnown) => {
        const response = await web.hub(
          new Request(`https://hub.example${est}/${name}`, {
            method: 'POST',
            headers: { 'content-type': 'application/pkcs10', ...(sent === undefined ? {} : { authorization: sent }) },
            body: typeof octets === 'string' ? octets : new Uint8Array(octets),
          }),
          isKnown ? { peerCertificates } : {},
        )
        expect([200, 202, 400, 401, 409, 413, 422, 429]).toContain(response.status)
        if (response.status !== 200) expect(await response.text()).toMatch(/ ERR_PKI_[A-Z_]+\n$/)
      }),
      { numRuns: 500 },
    )
    expect(web.errors).toEqual([])
    await web.fleet.close()
  })
})

describe('factory certificates', () => {
  let manufacturer: ForeignCa
  let stranger: ForeignCa
  let hub: DeviceHub | undefined
  beforeAll(async () => {
    manufacturer = await openForeignCa({ organization: 'Manufacturer' })
    stranger = await openForeignCa({ organization: 'Manufacturer' })
  })
  afterEach(async () => {
    await hub?.close()
    hub = undefined
  })
  afterAll(async () => {
    await manufacturer.fleet.close()
    await stranger.fleet.close()
  })

  async function open(
    enroll: (candidate: FactoryCandidate) => FactoryGrant | undefined | Promise<FactoryGrant | undefined>,
    more: Partial<NonNullable<DeviceOptions['factory']>> = {},
  ): Promise<DeviceHub> {
    hub = await openDeviceHub({
      device: {
        factory: { trustAnchors: manufacturer.trustAnchors, enroll, ...more },
        labels: { gateway: { profile: 'gateway' } },
      },
      open: { profiles: { gateway: { validitySeconds: 3 * 86_400 } } },
    })
    return hub
  }

  const named = ({ certificate }: FactoryCandidate): FactoryGrant => ({
    deviceId: certificate.subject.flat().find(({ type }) => type === 'CN')!.value,
    owner: 'acme',
  })

  async function ask(
    to: DeviceHub,
    identity: ForeignIdentity | undefined,
    key = deviceKey(),
    label = '',
  ): Promise<Reply> {
    return to.ask('POST', `${est}${label}/simpleenroll`, {
      identity,
      headers: { 'content-type': 'application/pkcs10' },
      body: await base64Of(key),
    })
  }

  test('enrol a device once, as what the callback says', async () => {
    const to = await open(candidate => ({ ...named(candidate), attributes: { site: 'north' } }))
    const identity = await manufacturer.identity('f-1')
    const key = deviceKey()
    const first = await ask(to, identity, key)
    expect(first.status).toBe(200)
    expect(await to.fleet.device('f-1')).toMatchObject({
      owner: 'acme',
      attributes: { site: 'north' },
      status: 'active',
    })
    // The answer was lost; or somebody has the device in his hands.
    expect((await ask(to, identity, key)).text).toBe(first.text)
    expect((await ask(to, identity)).text).toMatch(/ERR_PKI_DEVICE_EXISTS/)
  })

  test('at once, with one key: one certificate', async () => {
    const to = await open(named)
    const identity = await manufacturer.identity('f-2')
    const key = deviceKey()
    const replies = await Promise.all([ask(to, identity, key), ask(to, identity, key), ask(to, identity, key)])
    const answered = replies.filter(({ status }) => status === 200)
    expect(answered.length).toBeGreaterThan(0)
    expect(new Set(answered.map(({ text }) => text)).size).toBe(1)
    for (const reply of replies) expect([200, 202, 409]).toContain(reply.status)
  })

  test('a label gives a profile', async () => {
    const to = await open(named)
    expect((await ask(to, await manufacturer.identity('f-3'), deviceKey(), '/gateway')).status).toBe(200)
    const { notBefore, notAfter } = (await to.fleet.device('f-3'))!
    expect(notAfter.getTime() - notBefore.getTime()).toBeLessThan(4 * 86_400_000)
  })

  test('no revocation is undone by whoever has the device', async () => {
    const to = await open(named)
    const identity = await manufacturer.identity('f-4')
    const key = deviceKey()
    expect((await ask(to, identity, key)).status).toBe(200)
    await to.fleet.revoke('f-4')
    for (const again of [key, deviceKey()]) {
      const reply = await ask(to, identity, again)
      expect(`${reply.status} ${reply.text}`).toMatch(/^403 .*ERR_PKI_CLIENT_REVOKED/)
    }
    expect((await to.fleet.device('f-4'))?.status).toBe('revoked')
  })

  test('nor one that comes between the look and the certificate', async () => {
    const to = await open(named)
    await to.fleet.enroll('f-5')
    // Nobody sees the device, and it is revoked as soon as there is a token: the last moment there is.
    const revoking: Fleet = Object.assign(Object.create(to.fleet), {
      device: async () => undefined,
      createToken: async (request: CreateTokenRequest) => {
        const made = await to.fleet.createToken(request)
        await to.fleet.revoke('f-5')
        return made
      },
    })
    const services = {
      fleet: revoking,
      clock: () => new Date(),
      settings: deviceSettings({ factory: { trustAnchors: manufacturer.trustAnchors, enroll: named } }),
    }
    const csr = parseCertificationRequest(await deviceKey().csrDer())
    const peerCertificates = decodePem((await manufacturer.identity('f-5')).cert).map(({ der }) => der)
    const caller = { peerCertificates, label: undefined, report: () => {} }
    await expect(enrollByFactory(services, csr, caller)).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_CLOSED' })
  })

  test('of another CA of the same name, of the fleet itself, or none at all', async () => {
    let isAsked = false
    const to = await open(candidate => {
      isAsked = true
      return named(candidate)
    })
    const own = await to.fleet.enroll('own')
    const asOwn = { cert: own.certificate + own.chain, certificate: own.certificate, key: own.privateKey! }
    for (const identity of [await stranger.identity('f-6'), asOwn]) {
      expect((await ask(to, identity)).text).toMatch(/ERR_PKI_CLIENT_UNTRUSTED/)
    }
    expect((await ask(to, undefined)).status).toBe(401)
    expect(isAsked).toBe(false)
  })

  test('the fleet’s own certificates are none, though its root be named as a manufacturer’s', async () => {
    const store = memoryStore()
    const keyring = memoryKeyring()
    const first = await openFleet({ store, keyring, background: false })
    const own = await first.enroll('own')
    const services = {
      fleet: first,
      clock: () => new Date(),
      settings: deviceSettings({ factory: { trustAnchors: first.trustAnchors, enroll: named } }),
    }
    const csr = parseCertificationRequest(await deviceKey().csrDer())
    const peerCertificates = decodePem(own.certificate + own.chain).map(({ der }) => der)
    const caller = { peerCertificates, label: undefined, report: () => {} }
    await expect(enrollByFactory(services, csr, caller)).rejects.toMatchObject({
      details: { reason: 'it is no factory certificate' },
    })
    await first.close()
  })

  test('not without the option', async () => {
    hub = await openDeviceHub()
    expect((await ask(hub, await manufacturer.identity('f-7'))).status).toBe(401)
  })

  test.each<[string, () => never | undefined | Promise<never>]>([
    ['undefined', () => undefined],
    [
      'a throw',
      () => {
        throw new Error('no list')
      },
    ],
    ['a rejection', () => Promise.reject(new Error('no list'))],
    ['no device id', () => ({ deviceId: 7 }) as never],
  ])('a callback that answers %s lets nobody in', async (_, answer) => {
    const to = await open(answer)
    const reply = await ask(to, await manufacturer.identity(`f-8-${Math.random().toString(36).slice(2)}`))
    expect(reply.status).toBe(401)
    expect(reply.text).not.toContain('no list')
  })

  test.each<[string, FactoryGrant]>([
    ['a device id', { deviceId: '+' }],
    ['an owner', { deviceId: 'f-9', owner: '+' }],
    ['a profile', { deviceId: 'f-9', profile: 'nobody-has-it' }],
  ])('%s that is none is the operator’s to hear of', async (_, grant) => {
    const to = await open(() => grant)
    expect((await ask(to, await manufacturer.identity(`f-9-${Math.random().toString(36).slice(2)}`))).status).toBe(400)
    expect(to.errors).toHaveLength(1)
    expect(await to.fleet.device('f-9')).toBeUndefined()
  })

  test('the CAs between may be known, where a proxy passes on the end entity alone', async () => {
    const without = await open(named)
    const identity = await manufacturer.identity('f-10')
    const alone = { ...identity, cert: identity.certificate }
    expect((await ask(without, alone)).status).toBe(401)
    await without.close()
    const to = await open(named, { intermediates: [manufacturer.intermediate] })
    expect((await ask(to, alone)).status).toBe(200)
  })

  test('revoked by the manufacturer', async () => {
    const identity = await manufacturer.identity('f-11')
    await manufacturer.fleet.revoke('f-11')
    const crl = await manufacturer.fleet.crl()
    const to = await open(named, { revocation: 'checkEndEntity', crls: () => [crl.der] })
    expect((await ask(to, identity)).text).toMatch(/ERR_PKI_CLIENT_REVOKED/)
    expect((await ask(to, await manufacturer.identity('f-12'))).status).toBe(200)
  })

  test('CRLs that never come are waited for, but not for ever', async () => {
    const to = await open(named)
    const crls = vi.fn(() => new Promise<never>(() => {}))
    const services = {
      fleet: to.fleet,
      clock: () => new Date(),
      settings: deviceSettings({
        factory: { trustAnchors: manufacturer.trustAnchors, enroll: named, revocation: 'checkEndEntity', crls },
      }),
    }
    const csr = parseCertificationRequest(await deviceKey().csrDer())
    const peerCertificates = decodePem((await manufacturer.identity('f-14')).cert).map(({ der }) => der)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const caller = { peerCertificates, label: undefined, report: () => {} }
      const refused = expect(enrollByFactory(services, csr, caller)).rejects.toMatchObject({ code: 'ERR_PKI_INTERNAL' })
      await vi.waitUntil(() => crls.mock.calls.length > 0)
      await vi.advanceTimersByTimeAsync(60_000)
      await refused
    } finally {
      vi.useRealTimers()
    }
  })

  test('a callback that never answers is waited for, but not for ever, and the operator hears of it', async () => {
    const to = await open(named)
    const enroll = vi.fn((_: FactoryCandidate, __: { readonly signal: AbortSignal }) => new Promise<never>(() => {}))
    const services = {
      fleet: to.fleet,
      clock: () => new Date(),
      settings: deviceSettings({ factory: { trustAnchors: manufacturer.trustAnchors, enroll } }),
    }
    const csr = parseCertificationRequest(await deviceKey().csrDer())
    const peerCertificates = decodePem((await manufacturer.identity('f-16')).cert).map(({ der }) => der)
    const report = vi.fn()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const asked = enrollByFactory(services, csr, { peerCertificates, label: undefined, report })
      const refused = expect(asked).rejects.toMatchObject({ code: 'ERR_PKI_CLIENT_UNTRUSTED' })
      await vi.waitUntil(() => enroll.mock.calls.length > 0)
      await vi.advanceTimersByTimeAsync(10_000)
      await refused
    } finally {
      vi.useRealTimers()
    }
    expect(report).toHaveBeenCalledTimes(1)
    expect(await to.fleet.device('f-16')).toBeUndefined()
  })

  test('CRLs that cannot be had let nobody in, and are no fault of the device', async () => {
    const to = await open(named, {
      revocation: 'checkEndEntity',
      crls: () => Promise.reject(new PkiError('ERR_PKI_FETCH', { url: 'http://secret-host/', reason: 'down' })),
    })
    const reply = await ask(to, await manufacturer.identity('f-13'))
    expect(reply.status).toBe(500)
    expect(reply.text).not.toContain('secret-host')
  })

  test.each<[string, () => never]>([
    [
      'a throw',
      () => {
        throw new Error('secret-host')
      },
    ],
    [
      'an error that means something else to a device',
      () => {
        throw new PkiError('ERR_PKI_CRL', { reason: 'secret-host' })
      },
    ],
  ])('%s in place of CRLs is none of the device’s business', async (_, crls) => {
    const to = await open(named, { revocation: 'checkEndEntity', crls })
    const reply = await ask(to, await manufacturer.identity(`f-15-${Math.random().toString(36).slice(2)}`))
    expect(`${reply.status} ${reply.text}`).toMatch(/^500 .*ERR_PKI_INTERNAL/)
    expect(reply.text).not.toContain('secret-host')
    expect(to.errors).toHaveLength(1)
  })
})
