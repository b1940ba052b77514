import { PkiError } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../src/broker-auth.ts'
import { denyReasonSentences } from '../src/deny-reason.ts'
import { anyClientId } from '../src/unsafe.ts'
import { brokenFleet, fakeDer, type StubDevice, stubFleet } from './support/stub-fleet.ts'

const clock = (): Date => new Date('2026-06-01T00:00:00.500Z')
const der = fakeDer('device d1')
const authOf = (device: Partial<StubDevice> = {}, options: object = {}) =>
  createBrokerAuth({ fleet: stubFleet([{ deviceId: 'd1', der, owner: 'alice', ...device }]), clock, ...options })
const connect = { clientId: 'd1', certificate: { der } }

describe('authenticate', () => {
  it('allows an active certificate with its client id, and says who it is', async () => {
    const decision = await authOf().authenticate(connect)
    expect(decision).toEqual({
      result: 'allow',
      deviceId: 'd1',
      role: 'device',
      owner: 'alice',
      fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
      serialNumber: '0a1b',
      expiresAt: new Date('2027-01-01T00:00:00Z'),
      acl: [
        { permission: 'allow', action: 'all', topics: ['users/alice/devices/d1/#'] },
        { permission: 'deny', action: 'all', topics: ['#', '$SYS/#'] },
      ],
    })
    const { fingerprint } = decision as Extract<typeof decision, { result: 'allow' }>
    expect(await authOf().authenticate({ clientId: 'd1', certificate: { fingerprint } })).toEqual(decision)
  })

  it.each(['revoked', 'held', 'superseded', 'expired', 'notYetValid'] as const)('denies what is %s', async status => {
    expect(await authOf({ status }).authenticate(connect)).toEqual({ result: 'deny', reason: status, deviceId: 'd1' })
  })

  it.each([
    ['no certificate', { clientId: 'd1' }, 'noCertificate'],
    ['an unknown certificate', { clientId: 'd1', certificate: { der: fakeDer('other') } }, 'certificateUnknown'],
    ['no DER', { clientId: 'd1', certificate: { der: Buffer.from('text') } }, 'certificateUnparsable'],
    ['empty DER', { clientId: 'd1', certificate: { der: new Uint8Array() } }, 'certificateUnparsable'],
    [
      'octets behind the DER',
      { clientId: 'd1', certificate: { der: Buffer.concat([der, Buffer.from([0])]) } },
      'certificateUnparsable',
    ],
    ['truncated DER', { clientId: 'd1', certificate: { der: der.subarray(0, -1) } }, 'certificateUnparsable'],
    [
      'an indefinite length',
      { clientId: 'd1', certificate: { der: Buffer.from([0x30, 0x80, 0, 0]) } },
      'certificateUnparsable',
    ],
    ['70 KB', { clientId: 'd1', certificate: { der: Buffer.alloc(70_000, 0x30) } }, 'certificateUnparsable'],
    ['a malformed fingerprint', { clientId: 'd1', certificate: { fingerprint: 'AA:BB' } }, 'certificateUnparsable'],
    ['evidence of another kind', { clientId: 'd1', certificate: 'MII' }, 'malformedRequest'],
    ['an empty client id', { clientId: '', certificate: { der } }, 'clientIdEmpty'],
    ['a client id of another device', { clientId: 'd2', certificate: { der } }, 'clientIdNotBound'],
    ['a numeric client id', { clientId: 1, certificate: { der } }, 'malformedRequest'],
    ['nothing', undefined, 'malformedRequest'],
    ['null', null, 'malformedRequest'],
    ['another common name', { ...connect, commonName: 'd2' }, 'commonNameMismatch'],
    ['no common name', { ...connect, commonName: '' }, 'commonNameMismatch'],
    ['two common names', { ...connect, commonName: 'd1,d2' }, 'commonNameMismatch'],
  ])('denies %s', async (_, input, reason) => {
    expect(await authOf().authenticate(input as never)).toMatchObject({ result: 'deny', reason })
  })

  it('denies certificates of the fleet that are nobody’s identity', async () => {
    for (const certificateRole of ['server', 'issuingCa', 'root', 'ocspResponder', 'custom', 'service'] as const) {
      expect(await authOf({ certificateRole }).authenticate(connect)).toEqual({
        result: 'deny',
        reason: 'certificateUnknown',
      })
    }
    expect(await authOf({ role: 'admin' as never }).authenticate(connect)).toEqual({
      result: 'deny',
      reason: 'certificateUnknown',
    })
  })

  it('compares the common name with the device id, and of a pinned certificate with its own, see identity/pinned.test.ts', async () => {
    expect(await authOf().authenticate({ ...connect, commonName: 'd1' })).toMatchObject({ result: 'allow' })
    expect(await authOf({ state: 'pinned' }).authenticate(connect)).toMatchObject({ result: 'allow' })
    expect(await authOf({ state: 'pinned' }).authenticate({ ...connect, commonName: 'd1' })).toMatchObject({
      ...{ result: 'deny', reason: 'commonNameMismatch' },
    })
  })

  it.each([
    ['the certificate', {}, {}, '2027-01-01T00:00:00Z'],
    ['the session', {}, { sessionSeconds: 60 }, '2026-06-01T00:01:00Z'],
    [
      'the certificate, before the session',
      { notAfter: new Date('2026-06-01T00:00:10Z') },
      { sessionSeconds: 60 },
      '2026-06-01T00:00:10Z',
    ],
    [
      'the overlap with a renewed certificate',
      { supersededAt: new Date('2026-06-02T00:00:00.900Z') },
      {},
      '2026-06-02T00:00:00Z',
    ],
  ])('ends with %s', async (_, device, options, expiresAt) => {
    expect(await authOf(device, options).authenticate(connect)).toMatchObject({
      result: 'allow',
      expiresAt: new Date(expiresAt),
    })
  })

  it('denies when no whole second is left', async () => {
    const auth = authOf({ notAfter: new Date('2026-06-01T00:00:00Z') })
    expect(await auth.authenticate(connect)).toEqual({ result: 'deny', reason: 'expired', deviceId: 'd1' })
  })
})

describe('client ids', () => {
  const longest = `d1/${'x'.repeat(60_000)}`
  it.each([
    ['prefix', 'd1', undefined],
    ['prefix', 'd1/tool', undefined],
    ['prefix', 'd1/a/b', undefined],
    ['prefix', longest, undefined],
    ['prefix', 'd1/', 'clientIdNotBound'],
    ['prefix', 'd10', 'clientIdNotBound'],
    ['prefix', 'd10/x', 'clientIdNotBound'],
    ['prefix', 'D1', 'clientIdNotBound'],
    ['prefix', ' d1', 'clientIdNotBound'],
    ['prefix', '/d1', 'clientIdNotBound'],
    ['prefix', 'd1/\n', 'clientIdNotBound'],
    ['prefix', 'd1/\ud800', 'clientIdNotBound'],
    ['prefix', 'd1\0', 'clientIdNotBound'],
    ['prefix', '', 'clientIdEmpty'],
    ['exact', 'd1', undefined],
    ['exact', 'd1/tool', 'clientIdNotBound'],
    ['exact', '', 'clientIdEmpty'],
    [anyClientId, 'd2', undefined],
    [anyClientId, '', undefined],
  ] as const)('%s: %#', async (bind, clientId, reason) => {
    const auth = authOf({}, { bind })
    const expected = reason === undefined ? { result: 'allow' } : { result: 'deny', reason }
    expect(await auth.authenticate({ clientId, certificate: { der } })).toMatchObject(expected)
    const topic = 'users/alice/devices/d1/x'
    const ask = { clientId, deviceId: 'd1', action: 'publish', topic } as const
    expect(await auth.authorize({ ...ask, certificate: { der } })).toEqual(expected)
    // Any client id goes with any certificate there, so it names nobody.
    const byName = bind === anyClientId ? { result: 'deny', reason: 'nameAlone' } : expected
    expect(await auth.authorize(ask)).toEqual(byName)
  })
})

describe('authorize', () => {
  const topic = 'users/alice/devices/d1/telemetry'
  const ask = { clientId: 'd1', deviceId: 'd1', action: 'publish', topic } as const

  it('allows a device its own topics, by common name or certificate', async () => {
    const auth = authOf()
    expect(await auth.authorize(ask)).toEqual({ result: 'allow' })
    const { deviceId: _, ...byCertificate } = { ...ask, certificate: { der } }
    expect(await auth.authorize(byCertificate)).toEqual({ result: 'allow' })
    expect(await auth.authorize({ ...ask, action: 'subscribe', topic: '$share/g/users/alice/devices/d1/#' })).toEqual({
      result: 'allow',
    })
  })

  it('allows a service the topics of all devices', async () => {
    const auth = authOf({ role: 'service' })
    for (const topic of ['users/+/devices/+/#', 'users/bob/devices/d9/rpc/response', 'devices/+/#']) {
      expect(await auth.authorize({ ...ask, action: 'subscribe', topic })).toEqual({ result: 'allow' })
    }
    for (const topic of ['#', 'users/#', '$SYS/#', 'other']) {
      expect(await auth.authorize({ ...ask, action: 'subscribe', topic })).toEqual({
        result: 'deny',
        reason: 'topicNotAllowed',
      })
    }
  })

  it.each([
    ['another topic', { topic: 'users/alice/devices/d2/x' }, 'topicNotAllowed'],
    ['a wildcard', { topic: 'users/alice/devices/d1/#' }, 'topicInvalid'],
    ['no topic', { topic: '' }, 'topicInvalid'],
    ['a topic that is no text', { topic: 7 }, 'malformedRequest'],
    ['another action', { action: 'delete' }, 'malformedRequest'],
    ['another client id', { clientId: 'd2' }, 'clientIdNotBound'],
    ['an empty client id', { clientId: '' }, 'clientIdEmpty'],
    ['no identity', { deviceId: '' }, 'noCertificate'],
    ['an unknown device', { deviceId: 'd2', clientId: 'd2' }, 'deviceUnknown'],
    ['another common name than the certificate’s', { deviceId: 'd2', certificate: { der } }, 'commonNameMismatch'],
    ['an unknown certificate', { certificate: { der: fakeDer('x') } }, 'certificateUnknown'],
  ])('denies %s', async (_, change, reason) => {
    expect(await authOf().authorize({ ...ask, ...change } as never)).toEqual({ result: 'deny', reason })
  })

  it.each(['revoked', 'held', 'superseded', 'expired', 'notYetValid'] as const)(
    'denies a device that is %s',
    async status => {
      expect(await authOf({ status }).authorize(ask)).toEqual({ result: 'deny', reason: status })
      expect(await authOf({ status }).authorize({ ...ask, certificate: { der } })).toEqual({
        result: 'deny',
        reason: status,
      })
    },
  )
})

describe('a fleet that cannot answer', () => {
  it.each([
    [new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'locked' }), 'storeUnavailable'],
    [new Error('anything'), 'storeUnavailable'],
    [undefined, 'storeUnavailable'],
    [new PkiError('ERR_PKI_CLOCK', {}), 'clockOff'],
    [new PkiError('ERR_PKI_CLOSED', {}), 'storeUnavailable'],
  ])('denies: %s', async (error, reason) => {
    const auth = createBrokerAuth({ fleet: brokenFleet(error) })
    expect(await auth.authenticate(connect)).toEqual({ result: 'deny', reason })
    expect(await auth.authorize({ clientId: 'd1', deviceId: 'd1', action: 'publish', topic: 'a' })).toEqual({
      result: 'deny',
      reason,
    })
  })
  it('denies when it throws instead of rejecting', async () => {
    const fleet = {
      identify: () => {
        throw new Error('sync')
      },
      device: () => {
        throw new Error('sync')
      },
    }
    const auth = createBrokerAuth({ fleet })
    expect(await auth.authenticate(connect)).toEqual({ result: 'deny', reason: 'storeUnavailable' })
    expect(await auth.authorize({ clientId: 'd1', deviceId: 'd1', action: 'publish', topic: 'a' })).toMatchObject({
      result: 'deny',
    })
  })
  it('denies an id that the fleet calls illegal as unknown', async () => {
    const auth = createBrokerAuth({ fleet: brokenFleet(new PkiError('ERR_PKI_DEVICE_ID', { field: 'deviceId' })) })
    expect(await auth.authorize({ clientId: 'a,b', deviceId: 'a,b', action: 'publish', topic: 'a' })).toEqual({
      result: 'deny',
      reason: 'deviceUnknown',
    })
  })
})

describe('options', () => {
  const fleet = stubFleet([])
  it('a misspelt option is a TypeError, not its default', () => {
    const make = (): unknown => createBrokerAuth({ fleet, topcs: {} } as never)
    expect(make).toThrow(TypeError)
    expect(make).toThrow('createBrokerAuth: there is no "topcs"')
  })

  it.each([0, -1, 1.5, Number.NaN, '60'])('sessionSeconds %s is a RangeError', sessionSeconds => {
    expect(() => createBrokerAuth({ fleet, sessionSeconds: sessionSeconds as number })).toThrow(RangeError)
  })
  it('refuses an unknown binding, a bad template, and what is no fleet', () => {
    expect(() => createBrokerAuth({ fleet, bind: 'any' as never })).toThrow(TypeError)
    expect(() => createBrokerAuth({ fleet, topics: { device: ['a/#/b'] } })).toThrow(TypeError)
    expect(() => createBrokerAuth({ fleet: {} as never })).toThrow(TypeError)
    expect(() => createBrokerAuth({} as never)).toThrow(TypeError)
  })
})

it('has a sentence for every reason, and tells how to give a client id', () => {
  for (const sentence of Object.values(denyReasonSentences)) expect(sentence).toMatch(/^[A-Z].*\.$/)
  expect(denyReasonSentences.clientIdEmpty).toContain('-i <device id>/')
})
