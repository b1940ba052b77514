import { certificateFingerprint } from '@fleetcert/core'
import { describe, expect, it, vi } from 'vitest'
import { type BrokerAuth, createBrokerAuth } from '../../src/broker-auth.ts'
import type { Denial } from '../../src/deny-reason.ts'
import { createEmqxResponder } from '../../src/emqx/create-emqx-responder.ts'
import { fakeDer, stubFleet } from '../support/stub-fleet.ts'

const clock = (): Date => new Date('2026-06-01T00:00:00Z')
const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
// A length at which base64 needs `+`, `/` and `=`.
const der = fakeDer('ûÿ¾ d1!')
const cert_pem = Buffer.from(der).toString('base64')
const pem = `-----BEGIN CERTIFICATE-----\n${cert_pem.match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`
const fingerprint = certificateFingerprint(der)
const fleet = stubFleet([{ deviceId: 'd1', der, owner: 'alice' }])
const connect = {
  clientid: 'd1',
  username: '',
  peerhost: '10.0.0.1',
  cert_pem,
  cert_common_name: 'd1',
  cert_subject: 'CN=d1',
}
const publish = {
  clientid: 'd1',
  username: '',
  cert_common_name: 'd1',
  action: 'publish',
  topic: 'users/alice/devices/d1/t',
  qos: '1',
  retain: 'false',
}

function setUp(options: object = {}, auth: BrokerAuth = createBrokerAuth({ fleet, clock })) {
  const denials: Denial[] = []
  const responder = createEmqxResponder(auth, { dialect: 'emqx5', onDeny: denial => denials.push(denial), ...options })
  return { responder, denials }
}
const octets = (body: unknown): Uint8Array => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))

describe('the authenticator', () => {
  it('answers an allow that EMQX understands', async () => {
    const { responder, denials } = setUp()
    const answer = await responder.authenticate(json, octets(connect))
    expect(answer).toMatchObject({ status: 200, contentType: 'application/json' })
    expect(JSON.parse(answer.body)).toEqual({
      result: 'allow',
      is_superuser: false,
      expire_at: 1_798_761_600,
      client_attrs: {
        device_id: 'd1',
        owner: 'alice',
        serial: '0a1b',
        fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
        role: 'device',
      },
      acl: [
        { permission: 'allow', action: 'all', topics: ['users/alice/devices/d1/#'] },
        { permission: 'deny', action: 'publish', topics: ['$delayed/#'] },
        { permission: 'deny', action: 'all', topics: ['#', '$SYS/#'] },
      ],
    })
    expect(denials).toEqual([])
  })

  it('gives no owner where there is none, and a session limit', async () => {
    const auth = createBrokerAuth({ fleet: stubFleet([{ deviceId: 'd1', der }]), clock, sessionSeconds: 90 })
    const { body } = await setUp({}, auth).responder.authenticate(json, octets(connect))
    const { client_attrs, expire_at } = JSON.parse(body)
    expect(Object.keys(client_attrs)).toEqual(['device_id', 'serial', 'fingerprint', 'role'])
    expect(expire_at).toBe(clock().getTime() / 1000 + 90)
  })

  it.each([
    ['JSON', json, octets(connect)],
    ['JSON with a charset', 'application/json; charset=utf-8', octets(connect)],
    ['JSON, quoted charset and capitals', 'Application/JSON;charset="UTF-8"', octets(connect)],
    ['a form', form, octets(new URLSearchParams(connect).toString())],
    ['PEM', json, octets({ ...connect, cert_pem: pem })],
    ['a key of the operator', json, octets({ ...connect, password: 'x', __proto__x: '' })],
    ['a fingerprint', json, octets({ clientid: 'd1', fingerprint })],
    [
      'a fingerprint without colons, in lower case',
      json,
      octets({ clientid: 'd1', cert_pem: '', fingerprint: fingerprint.replaceAll(':', '').toLowerCase() }),
    ],
    ['a certificate and its fingerprint', json, octets({ ...connect, fingerprint })],
    ['the least', json, octets({ clientid: 'd1', cert_pem })],
    ['escaped text', json, octets(JSON.stringify({ ...connect, note: '\\"\\\\"' }).replace('d1', '\\u0064\\u0031'))],
  ])('reads %s', async (_, type, body) => {
    const { responder, denials } = setUp()
    expect(JSON.parse((await responder.authenticate(type, body)).body).result).toBe('allow')
    expect(denials).toEqual([])
  })

  const without = (key: keyof typeof connect): object =>
    Object.fromEntries(Object.entries(connect).filter(([name]) => name !== key))
  const text = JSON.stringify(connect)
  it.each([
    ['no content type', undefined, octets(connect), 'malformedRequest'],
    ['an empty content type', '', octets(connect), 'malformedRequest'],
    ['text', 'text/plain', octets(connect), 'malformedRequest'],
    ['another charset', 'application/json; charset=latin1', octets(connect), 'malformedRequest'],
    ['a type that begins so', 'application/jsonx', octets(connect), 'malformedRequest'],
    ['a form called JSON', json, octets(new URLSearchParams(connect).toString()), 'malformedRequest'],
    ['nothing', json, octets(''), 'malformedRequest'],
    ['an empty form', form, octets(''), 'malformedRequest'],
    ['an array', json, octets([connect]), 'malformedRequest'],
    ['null', json, octets('null'), 'malformedRequest'],
    ['a string', json, octets('"d1"'), 'malformedRequest'],
    ['half of it', json, octets(text.slice(0, -1)), 'malformedRequest'],
    ['text behind it', json, octets(`${text}x`), 'malformedRequest'],
    ['a byte order mark', json, octets(`\ufeff${text}`), 'malformedRequest'],
    ['no UTF-8', json, Buffer.from(text.replace('d1', 'd\u00ff'), 'latin1'), 'malformedRequest'],
    ['a form with octets that are no UTF-8', form, octets(`clientid=%ff&cert_pem=`), 'malformedRequest'],
    ['a form with a stray %', form, octets(`clientid=d1%&cert_pem=`), 'malformedRequest'],
    ['a form without =', form, octets(`clientid&cert_pem=`), 'malformedRequest'],
    ['a form with a key twice', form, octets(`${new URLSearchParams(connect)}&clientid=d1`), 'malformedRequest'],
    ['JSON with a key twice', json, octets(text.replace('{', '{"clientid":"d2",')), 'malformedRequest'],
    [
      'JSON with a key twice, once escaped',
      json,
      octets(text.replace('{', '{"client\\u0069d":"d1",')),
      'malformedRequest',
    ],
    ['JSON with a foreign key twice', json, octets(text.replace('{', '{"p":"1","p":"2",')), 'malformedRequest'],
    ['a number as client id', json, octets({ ...connect, clientid: 1 }), 'malformedRequest'],
    ['a null certificate', json, octets({ ...connect, cert_pem: null }), 'malformedRequest'],
    ['an array as certificate', json, octets({ ...connect, cert_pem: [cert_pem] }), 'malformedRequest'],
    ['a number among the rest', json, octets({ ...connect, port: 1883 }), 'malformedRequest'],
    ['no client id', json, octets(without('clientid')), 'malformedRequest'],
    ['no certificate key', json, octets(without('cert_pem')), 'noCertificate'],
    ['names alone, without the subject', json, octets({ clientid: 'd1', cert_common_name: 'd1' }), 'malformedRequest'],
    [
      'a fingerprint that is not the certificate’s',
      json,
      octets({ ...connect, fingerprint: 'ab'.repeat(32) }),
      'fingerprintMismatch',
    ],
    [
      'a fingerprint of another length',
      json,
      octets({ clientid: 'd1', fingerprint: 'AA:BB' }),
      'certificateUnparsable',
    ],
    ['an unknown fingerprint', json, octets({ clientid: 'd1', fingerprint: 'ab'.repeat(32) }), 'certificateUnknown'],
    ['64 KiB and an octet', json, octets(text.padEnd(65_537)), 'malformedRequest'],
    ['an empty certificate', json, octets({ ...connect, cert_pem: '' }), 'noCertificate'],
    ['text as certificate', json, octets({ ...connect, cert_pem: 'undefined' }), 'certificateUnparsable'],
    ['a placeholder as certificate', json, octets({ ...connect, cert_pem: '${cert_pem}' }), 'certificateUnparsable'],
    [
      'base64 without padding',
      json,
      octets({ ...connect, cert_pem: cert_pem.replace(/=+$/, '') }),
      'certificateUnparsable',
    ],
    [
      'base64url',
      json,
      octets({ ...connect, cert_pem: cert_pem.replaceAll('+', '-').replaceAll('/', '_') }),
      'certificateUnparsable',
    ],
    ['base64 with a line end', json, octets({ ...connect, cert_pem: `${cert_pem}\n` }), 'certificateUnparsable'],
    [
      'base64 in two lines',
      json,
      octets({ ...connect, cert_pem: `${cert_pem.slice(0, 8)}\n${cert_pem.slice(8)}` }),
      'certificateUnparsable',
    ],
    [
      'PEM of a key',
      json,
      octets({ ...connect, cert_pem: pem.replaceAll('CERTIFICATE', 'PRIVATE KEY') }),
      'certificateUnparsable',
    ],
    ['PEM twice', json, octets({ ...connect, cert_pem: pem + pem }), 'certificateUnparsable'],
    ['PEM without an end', json, octets({ ...connect, cert_pem: pem.slice(0, -30) }), 'certificateUnparsable'],
    ['base64 of something else', json, octets({ ...connect, cert_pem: 'aGVsbG8=' }), 'certificateUnparsable'],
    [
      'an unknown certificate',
      json,
      octets({ ...connect, cert_pem: Buffer.from(fakeDer('x')).toString('base64') }),
      'certificateUnknown',
    ],
    ['another client id', json, octets({ ...connect, clientid: 'd2' }), 'clientIdNotBound'],
    ['an empty client id', json, octets({ ...connect, clientid: '' }), 'clientIdEmpty'],
    ['another common name', json, octets({ ...connect, cert_common_name: 'd2' }), 'commonNameMismatch'],
  ] as const)('denies %s', async (_, type, body, reason) => {
    const { responder, denials } = setUp()
    expect(await responder.authenticate(type, body)).toBe(responder.deny)
    expect(denials).toEqual([expect.objectContaining({ reason, action: 'connect' })])
  })

  it('denies a body that is no octets', async () => {
    const { responder } = setUp()
    for (const body of [text, connect, undefined])
      expect(await responder.authenticate(json, body as never)).toBe(responder.deny)
  })

  it('tells the reason to the log alone', async () => {
    const { responder, denials } = setUp()
    const { body } = await responder.authenticate(json, octets({ ...connect, clientid: 'd2' }))
    expect(body).toBe('{"result":"deny"}')
    expect(denials).toEqual([
      { reason: 'clientIdNotBound', action: 'connect', clientId: 'd2', deviceId: 'd1', peerAddress: '10.0.0.1' },
    ])
  })
})

describe('the authorizer', () => {
  it.each([
    ['as it is', {}],
    ['without what decides nothing', { username: undefined, qos: undefined, retain: undefined }],
    ['from an EMQX that does not know qos and retain', { qos: '${qos}', retain: '${retain}' }],
    ['for a filter', { action: 'subscribe', topic: 'users/alice/devices/d1/+/x', qos: '0' }],
    ['by the fingerprint alone', { cert_common_name: undefined, fingerprint }],
    ['where EMQX has no fingerprint', { fingerprint: '' }],
    ['for a tool beside the device', { clientid: 'd1/tool' }],
  ])('allows what the device may, %s', async (_, change) => {
    const { responder } = setUp()
    const answer = await responder.authorize(json, octets({ ...publish, ...change }))
    expect(answer).toEqual({ status: 200, contentType: 'application/json', body: '{"result":"allow"}' })
  })

  it.each([
    ['another topic', { topic: 'users/alice/devices/d2/t' }, 'topicNotAllowed'],
    ['$SYS', { action: 'subscribe', topic: '$SYS/#' }, 'topicNotAllowed'],
    ['a delayed message', { topic: '$delayed/5/users/alice/devices/d1/t' }, 'topicNotAllowed'],
    ['a wildcard', { topic: 'users/alice/devices/d1/#' }, 'topicInvalid'],
    ['no topic', { topic: '' }, 'topicInvalid'],
    ['no topic key', { topic: undefined }, 'malformedRequest'],
    ['EMQX 4’s action', { action: '2' }, 'malformedRequest'],
    ['a numeric qos', { qos: 1 }, 'malformedRequest'],
    ['qos 3', { qos: '3' }, 'malformedRequest'],
    ['a boolean retain', { retain: false }, 'malformedRequest'],
    ['another retain', { retain: '1' }, 'malformedRequest'],
    ['an empty common name', { cert_common_name: '' }, 'noCertificate'],
    ['no common name', { cert_common_name: undefined }, 'malformedRequest'],
    ['several common names', { cert_common_name: 'd1,d2' }, 'deviceUnknown'],
    ['another client id', { clientid: 'd2' }, 'clientIdNotBound'],
    ['no client id', { clientid: undefined }, 'malformedRequest'],
    ['another fingerprint', { fingerprint: 'ab'.repeat(32) }, 'certificateUnknown'],
  ])('denies %s', async (_, change, reason) => {
    const { responder, denials } = setUp()
    expect(await responder.authorize(json, octets({ ...publish, ...change }))).toBe(responder.deny)
    expect(denials).toEqual([expect.objectContaining({ reason })])
  })

  it('denies what was asked for another version in the way of both', async () => {
    const { responder, denials } = setUp()
    const answer = await responder.authorize(json, octets({ ...publish, action: undefined, access: '2' }))
    expect(answer).toEqual({ status: 403, contentType: 'application/json', body: '{"result":"deny"}' })
    expect(denials).toEqual([expect.objectContaining({ reason: 'dialectMismatch' })])
  })

  it('denies a device that was revoked since', async () => {
    const auth = createBrokerAuth({
      fleet: stubFleet([{ deviceId: 'd1', der, owner: 'alice', status: 'revoked' }]),
      clock,
    })
    const { responder, denials } = setUp({}, auth)
    expect(await responder.authorize(json, octets(publish))).toBe(responder.deny)
    expect(denials).toEqual([
      { reason: 'revoked', action: 'publish', clientId: 'd1', deviceId: 'd1', topic: publish.topic },
    ])
  })
})

describe('time and failure', () => {
  const never = (): Promise<never> => new Promise(() => {})
  it('denies before EMQX gives up waiting', async () => {
    vi.useFakeTimers()
    try {
      const { responder, denials } = setUp({}, { authenticate: never, authorize: never })
      const answers = Promise.all([
        responder.authenticate(json, octets(connect)),
        responder.authorize(json, octets(publish)),
      ])
      await vi.advanceTimersByTimeAsync(3999)
      expect(denials).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(await answers).toEqual([responder.deny, responder.deny])
      expect(denials.map(denial => denial.reason)).toEqual(['deadlineExceeded', 'deadlineExceeded'])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
  it('denies when a decision is broken', async () => {
    const broken = (): never => {
      throw new Error('broken')
    }
    const rejects = (): Promise<never> => Promise.reject(new Error('broken'))
    for (const auth of [
      { authenticate: broken, authorize: broken },
      { authenticate: rejects, authorize: rejects },
    ]) {
      const { responder } = setUp({}, auth)
      expect(await responder.authenticate(json, octets(connect))).toBe(responder.deny)
      expect(await responder.authorize(json, octets(publish))).toBe(responder.deny)
    }
  })
  it('answers although the log fails', async () => {
    for (const onDeny of [
      () => {
        throw new Error('log')
      },
      () => Promise.reject(new Error('log')),
    ]) {
      const { responder } = setUp({ onDeny })
      expect(await responder.authenticate(json, octets({ ...connect, clientid: 'd2' }))).toBe(responder.deny)
    }
  })
})

describe('options', () => {
  const auth = createBrokerAuth({ fleet, clock })
  it('knows two dialects', () => {
    for (const dialect of ['emqx6', 'emqx', undefined, null, 'toString']) {
      expect(() => createEmqxResponder(auth, { dialect: dialect as never })).toThrow(TypeError)
    }
  })
  it.each([
    { cert: 'x' },
    { clientid: '' },
    { clientid: 7 },
    { clientid: 'a b' },
    { clientid: 'username' },
    { cert_pem: 'c', cert_subject: 'c' },
  ])('refuses the keys %j', bodyKeys => {
    expect(() => createEmqxResponder(auth, { dialect: 'emqx5', bodyKeys: bodyKeys as never })).toThrow(TypeError)
  })
  it('reads renamed keys, and those alone', async () => {
    const { responder } = setUp({ bodyKeys: { clientid: 'id', cert_pem: 'cert' } })
    expect((await responder.authenticate(json, octets({ id: 'd1', cert: cert_pem }))).body).toContain('"allow"')
    expect(await responder.authenticate(json, octets(connect))).toBe(responder.deny)
  })
  it.each([0, -1, 61, Number.NaN])('refuses a deadline of %s s', deadlineSeconds => {
    expect(() => createEmqxResponder(auth, { dialect: 'emqx5', deadlineSeconds })).toThrow(RangeError)
  })
})
