import { anyOf, bearerToken, type HubAction, type HubAuthorize, sharedSecret } from '@fleetcert/hub'
import { describe, expect, test } from 'vitest'

const ask = (
  authorize: HubAuthorize,
  headers: Readonly<Record<string, string>> | [string, string][],
  type: HubAction['type'],
) => authorize(new Request('http://hub.example/', { headers }), { type }, {})

const operator = ['enroll', 'renew', 'revoke', 'read', 'list'] as const
const broker = ['authenticate', 'authorize'] as const

describe('bearerToken', () => {
  test('lets operators do what operators do, and nothing of a broker', () => {
    const check = bearerToken('abc')
    for (const type of operator) expect(ask(check, { authorization: 'Bearer abc' }, type)).toBe(true)
    for (const type of broker) expect(ask(check, { authorization: 'Bearer abc' }, type)).toBe(false)
  })

  test.each(['bearer abc', 'BEARER  abc'])('takes the scheme in any case: %s', authorization => {
    expect(ask(bearerToken('abc'), { authorization }, 'read')).toBe(true)
  })

  test.each([
    '',
    'abc',
    'Bearer',
    'Bearer ',
    'Bearer ab',
    'Bearer abcd',
    'Bearer ABC',
    'Basic abc',
    'Bearer abc abc',
    'xBearer abc',
  ])('refuses %j', authorization => {
    expect(ask(bearerToken('abc'), { authorization }, 'read')).toBe(false)
  })

  test('refuses a header that is given twice', () => {
    const headers: [string, string][] = [
      ['authorization', 'Bearer abc'],
      ['authorization', 'Bearer abc'],
    ]
    expect(ask(bearerToken('abc'), headers, 'read')).toBe(false)
    expect(ask(bearerToken('abc'), {}, 'read')).toBe(false)
  })

  test('takes each of several tokens', () => {
    const check = bearerToken(['old', 'new'])
    expect(ask(check, { authorization: 'Bearer old' }, 'read')).toBe(true)
    expect(ask(check, { authorization: 'Bearer new' }, 'read')).toBe(true)
    expect(ask(check, { authorization: 'Bearer other' }, 'read')).toBe(false)
  })

  test('can be narrowed to actions', () => {
    const check = bearerToken('abc', { actions: ['read', 'list'] })
    expect(ask(check, { authorization: 'Bearer abc' }, 'list')).toBe(true)
    expect(ask(check, { authorization: 'Bearer abc' }, 'revoke')).toBe(false)
  })
})

describe('sharedSecret', () => {
  test('lets the broker ask, and do nothing of an operator', () => {
    const check = sharedSecret({ header: 'X-Broker-Secret', secret: 'abc' })
    for (const type of broker) expect(ask(check, { 'x-broker-secret': 'abc' }, type)).toBe(true)
    for (const type of operator) expect(ask(check, { 'x-broker-secret': 'abc' }, type)).toBe(false)
  })

  test('refuses another value, another header, a header given twice', () => {
    const check = sharedSecret({ header: 'x-broker-secret', secret: ['abc', 'def'] })
    expect(ask(check, { 'x-broker-secret': 'def' }, 'authorize')).toBe(true)
    expect(ask(check, { 'x-broker-secret': 'ab' }, 'authorize')).toBe(false)
    expect(ask(check, { 'x-broker-secret': '' }, 'authorize')).toBe(false)
    expect(ask(check, { 'x-secret': 'abc' }, 'authorize')).toBe(false)
    const twice: [string, string][] = [
      ['x-broker-secret', 'abc'],
      ['x-broker-secret', 'abc'],
    ]
    expect(ask(check, twice, 'authorize')).toBe(false)
  })

  test('can cover other actions', () => {
    const check = sharedSecret({ header: 'x-key', secret: 'abc', actions: ['enroll'] })
    expect(ask(check, { 'x-key': 'abc' }, 'enroll')).toBe(true)
    expect(ask(check, { 'x-key': 'abc' }, 'authorize')).toBe(false)
  })
})

describe('anyOf', () => {
  const both = anyOf(bearerToken('op'), sharedSecret({ header: 'x-broker-secret', secret: 'br' }))

  test('lets in whom one lets in, for what that one covers', () => {
    expect(ask(both, { authorization: 'Bearer op' }, 'revoke')).toBe(true)
    expect(ask(both, { 'x-broker-secret': 'br' }, 'authenticate')).toBe(true)
    expect(ask(both, { authorization: 'Bearer op' }, 'authenticate')).toBe(false)
    expect(ask(both, { 'x-broker-secret': 'br' }, 'revoke')).toBe(false)
    expect(ask(both, { authorization: 'Bearer br', 'x-broker-secret': 'op' }, 'revoke')).toBe(false)
  })

  test('works with functions, each of which may read the body', async () => {
    const reads: HubAuthorize = async request => (await request.text()) === 'nobody'
    const readsToo: HubAuthorize = async request => (await request.text()) === 'somebody'
    const check = anyOf(bearerToken('op'), reads, readsToo)
    const request = () => new Request('http://hub.example/', { method: 'POST', body: 'somebody' })
    expect(await check(request(), { type: 'read' }, {})).toBe(true)
    expect(await anyOf(reads)(request(), { type: 'read' }, {})).toBe(false)
  })

  test('only true counts', async () => {
    const truthy = (() => 1) as unknown as HubAuthorize
    expect(await anyOf(truthy, bearerToken('op'))(new Request('http://hub.example/'), { type: 'read' }, {})).toBe(false)
  })

  test('a check that throws lets nobody in, and is heard if nobody else does', async () => {
    const failure = new Error('down')
    const fails: HubAuthorize = () => {
      throw failure
    }
    const request = new Request('http://hub.example/', { headers: { authorization: 'Bearer op' } })
    expect(await anyOf(fails, bearerToken('op'))(request, { type: 'read' }, {})).toBe(true)
    await expect(anyOf(fails, bearerToken('other'))(request, { type: 'read' }, {})).rejects.toBe(failure)
  })
})

describe('what cannot protect anything is a TypeError', () => {
  test.each<[string, () => unknown]>([
    ['an empty token', () => bearerToken('')],
    ['no tokens', () => bearerToken([])],
    ['an empty token among others', () => bearerToken(['abc', ''])],
    ['an unset variable', () => bearerToken(process.env['FLEETCERT_NOT_SET'] as string)],
    ['a token with a space', () => bearerToken('a b')],
    ['a token with a line end', () => bearerToken('abc\n')],
    ['a token no header can carry', () => bearerToken('pässword')],
    ['no actions', () => bearerToken('abc', { actions: [] })],
    ['an unknown action', () => bearerToken('abc', { actions: ['enrol' as 'enroll'] })],
    ['an empty secret', () => sharedSecret({ header: 'x-key', secret: '' })],
    ['an unset secret', () => sharedSecret({ header: 'x-key', secret: undefined as unknown as string })],
    ['no header name', () => sharedSecret({ header: '', secret: 'abc' })],
    ['an illegal header name', () => sharedSecret({ header: 'x key', secret: 'abc' })],
    ['no checks', () => anyOf()],
    ['a check that is none', () => anyOf(true as unknown as HubAuthorize)],
  ])('%s', (_name, make) => {
    expect(make).toThrow(TypeError)
  })

  test('and an unset variable is called that', () => {
    const unset = undefined as unknown as string
    const message = 'is undefined (environment variable not set?)'
    expect(() => bearerToken(unset)).toThrow(`bearerToken ${message}`)
    expect(() => bearerToken(['abc', unset])).toThrow(`bearerToken ${message}`)
    expect(() => sharedSecret({ header: 'x-key', secret: unset })).toThrow(`sharedSecret: secret ${message}`)
  })

  test('and the secret is not in the message', () => {
    expect(() => bearerToken('my secret')).toThrow(/^(?!.*my secret)/)
  })
})
