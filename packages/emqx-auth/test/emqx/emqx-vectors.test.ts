import { describe, expect, it } from 'vitest'
import {
  type Emqx5,
  type EmqxRule,
  emqx4Connect,
  emqx4Topic,
  emqx5Connect,
  emqx5Topic,
  emqxRules,
  type ServerAnswer,
  type Session,
} from '../support/emqx-model.ts'

// The test suites of EMQX (A: authenticator, Z: authorizer, H: https), what was seen of EMQX 5.8.9 on the wire (O), what neither covers (G), and the sources of EMQX 4.4 (F). They judge the model by which
// `emqx-answers.test.ts` judges our answers. What EMQX sends is in `emqx-requests.test.ts`.

const now = new Date('2026-06-01T00:00:00Z')
const seconds = now.getTime() / 1000
const json = (body: unknown, contentType = 'application/json'): ServerAnswer => ({
  ...{ status: 200, contentType, body: typeof body === 'string' ? body : JSON.stringify(body) },
})
const form = (body: string, contentType = 'application/x-www-form-urlencoded'): ServerAnswer => ({
  status: 200,
  contentType,
  body,
})
const status = (code: number, body = ''): ServerAnswer => ({ status: code, contentType: 'application/json', body })
const allow = { result: 'allow' }
const acl: EmqxRule[] = [
  { permission: 'allow', action: 'pub', topics: ['http-authn-acl/1'] },
  { permission: 'allow', action: 'sub', topics: ['eq http-authn-acl/#'] },
  { permission: 'deny', action: 'all', topics: ['#'] },
]
const user: Session = { connack: 'success', superuser: false }
const superuser: Session = { connack: 'success', superuser: true }
const refused: Session = { connack: 'notAuthorized' }
const badPassword: Session = { connack: 'badUsernameOrPassword' }
const permissive: Emqx5 = { next: 'permissive' }
const hardened: Emqx5 = { next: 'permissive', profile: 'hardened' }

const connects: [string, ServerAnswer, Session, Emqx5?][] = [
  ['A1', json({ result: 'allow', is_superuser: false }), { ...user, attributes: {} }],
  [
    'A2',
    json({ result: 'allow', is_superuser: true, client_attrs: { fid: 'n11', '#_bad_key': 'v' } }),
    { ...superuser, attributes: { fid: 'n11' } },
  ],
  ['A3', json({ result: 'allow', is_superuser: true, client_attrs: {} }), { ...superuser, attributes: {} }],
  ['A4', form('is_superuser=true&result=allow'), superuser],
  ['A5', form('is_superuser=true', 'test/plain'), refused],
  ['A12', { status: 200 }, refused],
  ['A13', status(204), user],
  ['A14', status(400), refused],
  ['A15', status(500), refused],
  ['A16', 'closed', refused],
  ['A17', status(500), user, permissive],
  ['A18', json('not-json'), user, permissive],
  ['A19', json({ result: 'unexpected' }), user, permissive],
  ['A20a', status(500), refused, hardened],
  ['A20b', json('not-json'), refused, hardened],
  ['A20c', json({ result: 'unexpected' }), refused, hardened],
  ...(['1', 1, 123, 'true', true] as const).map((value, index): [string, ServerAnswer, Session] => [
    `A25 yes ${index}`,
    json({ result: 'allow', is_superuser: value }, 'application/json; charset=utf-8'),
    superuser,
  ]),
  ...['', '0', 0, null, 'undefined', 'false', false, 'val'].map((value, index): [string, ServerAnswer, Session] => [
    `A25 no ${index}`,
    json({ result: 'allow', is_superuser: value }, 'application/json; charset=utf-8'),
    user,
  ]),
  ...['1', '123', 'true'].map((value): [string, ServerAnswer, Session] => [
    `A26 yes ${value}`,
    form(`result=allow&is_superuser=${value}`, 'application/x-www-form-urlencoded; charset=utf-8'),
    superuser,
  ]),
  ...['', '0', 'undefined', 'false', 'val'].map((value): [string, ServerAnswer, Session] => [
    `A26 no ${value}`,
    form(`result=allow&is_superuser=${value}`, 'application/x-www-form-urlencoded; charset=utf-8'),
    user,
  ]),
  ['A27 ignore', json({ result: 'ignore' }), refused],
  ['A27 allow', json({ result: 'allow', is_superuser: true }), superuser],
  ['A27 deny', json({ result: 'deny', is_superuser: true }), refused],
  ['A27 deny ends the chain', json({ result: 'deny' }), refused, permissive],
  ['A28', json({ ...allow, acl }), { ...user, acl }],
  ['A29', json({ ...allow, acl, expire_at: seconds + 3 }), { ...user, acl, expireAt: seconds + 3 }],
  ['A30', json({ ...allow, expire_at: seconds - 1 }), badPassword],
  ['A31', json({ ...allow, expire_at: now.getTime() + 3000 }), badPassword],
  ['O1', json(allow, 'application/json; charset=utf-8'), user],
  ['O2', form('result=allow'), user],
  ['O3', status(204), user],
  ['O4', json({ ...allow, is_superuser: true }), superuser],
  ['O5 a bad rule', json({ ...allow, acl: [{ permission: 'maybe', topics: ['a'] }] }), badPassword],
  ['O6', json({ ...allow, expire_at: seconds + 60 }), { ...user, expireAt: seconds + 60 }],
  ...[seconds - 1, now.getTime(), String(seconds + 60), seconds + 60.5].map(
    (expire_at, index): [string, ServerAnswer, Session] => [`O7 ${index}`, json({ ...allow, expire_at }), badPassword],
  ),
  ['O8', json({ result: 'deny' }), refused, permissive],
  ...(
    [
      json({ result: 'ignore' }),
      json({}),
      json({ result: 'other' }),
      json('[]'),
      json('{'),
      json(''),
      { status: 200, body: '{"result":"allow"}' },
      json(allow, 'text/plain'),
      json(allow, 'Application/JSON'),
    ] as const
  ).flatMap((answer, index): [string, ServerAnswer, Session, Emqx5][] => [
    [`O9 ${index}`, answer, refused, {}],
    [`O9 ${index}, somebody else asked`, answer, user, permissive],
  ]),
  ...[201, 302, 400, 401, 403, 404, 429, 500, 503].flatMap((code): [string, ServerAnswer, Session, Emqx5][] => [
    [`O10 G1 ${code}`, status(code, '{"result":"allow"}'), refused, {}],
    [`O10 G1 ${code}, somebody else asked`, status(code, '{"result":"deny"}'), user, permissive],
  ]),
  ['O11 G4', 'closed', refused],
  ['O12 G2', 'timeout', refused],
  ['O14', 'refused', refused],
  ['O14, somebody else asked', 'refused', user, permissive],
  ['G5', json({ ...allow, client_attrs: { level: 3 } }), refused],
  ['G6', json({ ...allow, acl: { pub: ['a'] } }), refused],
  ['G7 text', json({ ...allow, expire_at: String(seconds + 60) }), badPassword],
  ['G7 float', json({ ...allow, expire_at: seconds + 0.5 }), badPassword],
]

const topics: [string, ServerAnswer, 'allow' | 'deny', Emqx5?][] = [
  ['Z1', json(allow), 'allow'],
  ['Z2', { status: 200 }, 'deny'],
  ['Z3', status(204), 'allow'],
  ['Z4a', status(400), 'deny'],
  ['Z4b', { status: 400, contentType: 'text/plain', body: 'Response body' }, 'deny'],
  ['Z5', 'refused', 'deny'],
  ['Z10', { status: 200, contentType: 'text/csv', body: 'hi' }, 'deny'],
  ['Z10, no_match allow, legacy', { status: 200, contentType: 'text/csv', body: 'hi' }, 'allow', { noMatch: 'allow' }],
  [
    'Z10, no_match allow, hardened',
    { status: 200, contentType: 'text/csv', body: 'hi' },
    'deny',
    { noMatch: 'allow', profile: 'hardened' },
  ],
  ['Z11', status(400, '{"error":true}'), 'deny'],
  ['O20', form('result=allow'), 'allow', { noMatch: 'deny' }],
  ['O21, taken as JSON', { status: 200, body: '{"result":"allow"}' }, 'allow'],
  ['O22', json({ result: 'deny' }), 'deny', { noMatch: 'allow' }],
  ...[
    json({ result: 'ignore' }),
    json({}),
    json('{'),
    json(''),
    json(allow, 'text/plain'),
    status(401),
    status(403),
    status(404),
    status(500),
    'closed',
    'timeout',
    'refused',
  ].flatMap((answer, index): [string, ServerAnswer, 'allow' | 'deny', Emqx5][] => [
    [`O23 ${index}`, answer as ServerAnswer, 'deny', {}],
    [`O24 ${index}, the default no_match`, answer as ServerAnswer, 'allow', { noMatch: 'allow' }],
  ]),
]

describe('EMQX 5, the authenticator', () => {
  it.each(connects)('%s', (_, answer, expected, options = {}) => {
    expect(emqx5Connect(answer, { now, ...options })).toMatchObject(expected)
    if (expected.attributes !== undefined) {
      expect(emqx5Connect(answer, { now, ...options }).attributes).toEqual(expected.attributes)
    }
  })
  it('A13: 204 says nothing of attributes', () => {
    expect(emqx5Connect(status(204))).not.toHaveProperty('attributes')
  })
  it.each([
    ['http-authn-acl/#', 'allow'],
    ['http-authn-acl/1', 'deny'],
    ['t/#', 'deny'],
  ])('A28: SUBSCRIBE %s: %s', (topic, expected) => {
    expect(emqxRules(acl, 'subscribe', topic, false)).toBe(expected)
  })
})

describe('EMQX 5, the authorizer', () => {
  it.each(topics)('%s', (_, answer, expected, options = {}) => {
    expect(emqx5Topic(answer, options)).toBe(expected)
  })
})

describe('EMQX 4', () => {
  it.each([
    ['F1', status(200, 'anything'), 'success'],
    ['F2, the body that is a deny to EMQX 5', json({ result: 'deny' }), 'success'],
    ['F3, nobody else asked', status(200, 'ignore'), 'notAuthorized'],
    ['F4', status(400), 'badUsernameOrPassword'],
    ['F4', status(401), 'badUsernameOrPassword'],
    ['F5', status(403), 'notAuthorized'],
    ['F6', status(429), 'banned'],
    ['F7', status(503), 'serverUnavailable'],
    ['F8', status(504), 'serverBusy'],
    ['F9', status(204), 'serverUnavailable'],
    ['F9', status(500), 'serverUnavailable'],
    ['F10', 'timeout', 'serverUnavailable'],
    ['F10', 'refused', 'serverUnavailable'],
  ] as [string, ServerAnswer, string][])('%s', (_, answer, connack) => {
    expect(emqx4Connect(answer, { anonymous: false }).connack).toBe(connack)
  })
  it('F11: anonymous clients are let in by what nobody decided, which is the default', () => {
    expect(emqx4Connect(status(200, 'ignore')).connack).toBe('success')
  })
  it('F12: a superuser is whom super_req answers 200', () => {
    expect(emqx4Connect(status(200), { superuser: status(200) }).superuser).toBe(true)
    expect(emqx4Connect(status(200), { superuser: status(403) }).superuser).toBe(false)
  })
  it.each([
    ['F13', status(200), 'allow', {}],
    ['F14', status(200, 'ignore'), 'allow', {}],
    ['F15', status(403), 'deny', {}],
    ['F15', status(500), 'deny', {}],
    ['F16', 'timeout', 'allow', {}],
    ['F16', 'timeout', 'deny', { noMatch: 'deny' }],
    ['F17', status(403), 'allow', { username: '$sys' }],
  ] as [string, ServerAnswer, string, object][])('%s: a topic', (_, answer, expected, options) => {
    expect(emqx4Topic(answer, options)).toBe(expected)
  })
})
