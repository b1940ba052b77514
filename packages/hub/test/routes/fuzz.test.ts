import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asBroker, asOperator, certificates, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await openTestHub()
})
afterAll(() => hub.fleet.close())

const piece = fc.constantFrom(
  ...[
    'a',
    'Z',
    '0',
    '/',
    '//',
    '%2F',
    '%252F',
    '%',
    '%zz',
    '%00',
    '%C3%A9',
    '.',
    '..',
    '%2e%2e',
    '+',
    '#',
    '?',
    '&',
    '=',
  ],
  ...[
    'ca',
    'certificate',
    'validate',
    'authorize',
    'renew',
    'limit',
    'after',
    ':',
    '@',
    '\\',
    ';',
    '~',
    'é',
    ' ',
    'x'.repeat(70),
  ],
)
const path = fc
  .tuple(
    fc.constantFrom(
      '',
      '/',
      '/api',
      '/api/',
      certificates,
      `${certificates}/`,
      '/crl/',
      '/ca/',
      '/ocsp',
      '/ocsp/',
      '/api/health',
    ),
    fc.array(piece, { maxLength: 6 }),
  )
  .map(([start, rest]) => `/${start}${rest.join('')}`.replace(/^\/+/, '/'))
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'X')
const contentType = fc.constantFrom(
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  '',
)
const field = fc.constantFrom(
  'csr',
  'owner',
  'validityDays',
  'overlapSeconds',
  'reason',
  'clientid',
  'cert_pem',
  '__proto__',
  'x',
)
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.dictionary(field, fc.jsonValue(), { maxKeys: 4 }).map(value => JSON.stringify(value)),
  fc.json(),
)

test('whatever comes is answered with a status and a code that the caller can act on', async () => {
  await fc.assert(
    fc.asyncProperty(path, method, contentType, body, async (path, method, contentType, body) => {
      const hasBody = method !== 'GET' && method !== 'HEAD'
      const reply = await hub.call(method, path, {
        headers: { ...asOperator, ...asBroker, 'content-type': contentType },
        ...(hasBody && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
      })
      expect([200, 201, 400, 404, 405, 409, 413, 422]).toContain(reply.status)
      if (reply.status >= 400 && method !== 'HEAD') {
        expect(reply.json).toEqual({ error: { code: expect.stringMatching(/^ERR_PKI_/), message: expect.any(String) } })
      }
    }),
    { numRuns: 2000 },
  )
  expect(hub.errors).toEqual([])
})

test('the broker is answered with a denial, whatever is made up, and by 403 where it speaks another dialect', async () => {
  const hook = fc.constantFrom('validate', 'authorize')
  await fc.assert(
    fc.asyncProperty(hook, method, contentType, body, async (hook, method, contentType, body) => {
      const hasBody = method !== 'GET' && method !== 'HEAD'
      const reply = await hub.call(method, `${certificates}/${hook}`, {
        headers: { ...asBroker, 'content-type': contentType },
        ...(hasBody && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
      })
      // A body without any key of this dialect may be one of EMQX 4's, to whom 200 would mean allow.
      expect([200, 403]).toContain(reply.status)
      expect(reply.text).toBe(method === 'HEAD' ? '' : '{"result":"deny"}')
    }),
    { numRuns: 1000 },
  )
})
