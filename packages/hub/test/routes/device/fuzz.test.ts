import { decodePem } from '@fleetcert/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deviceKey } from '../../support/device-key.ts'
import { openTestHub, type TestHub } from '../../support/test-hub.ts'

let hub: TestHub
let own: Uint8Array
let csr: string
beforeAll(async () => {
  hub = await openTestHub({ trustProxy: ['10.0.0.1'] })
  own = decodePem((await hub.fleet.enroll('fuzzed')).certificate)[0]!.der
  csr = await deviceKey().csr()
})
afterAll(() => hub.fleet.close())

const path = fc
  .tuple(
    fc.constantFrom('/api/device', '/api/device/', '/.well-known/est', '/.well-known/est/', '/api/devices/renewals/'),
    fc.array(
      fc.constantFrom(
        'enroll',
        'renew',
        'confirm',
        'renewal-info',
        'cacerts',
        'csrattrs',
        '/',
        '%2F',
        '..',
        'x',
        '?a=b',
        '%',
      ),
      { maxLength: 3 },
    ),
  )
  .map(([start, rest]) => start + rest.join(''))
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS')
const field = fc.constantFrom('deviceId', 'csr', 'token', 'fingerprint', '__proto__', 'to', 'x')

/** Certificates of every sort: its own, its own with an octet changed, cut, or made up. */
const certificate = fc.oneof(
  fc.constant(() => own),
  fc.tuple(fc.nat(1000), fc.nat(255)).map(
    ([at, octet]) =>
      () =>
        own.map((was, index) => (index === at ? octet : was)),
  ),
  fc.nat(1000).map(length => () => own.subarray(0, length)),
  fc.uint8Array({ maxLength: 300 }).map(octets => () => octets),
)
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.dictionary(field, fc.jsonValue(), { maxKeys: 4 }).map(value => JSON.stringify(value)),
  fc.constant(undefined).map(() => JSON.stringify({ csr })),
  fc.json(),
)
const header = fc.oneof(
  fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
  fc.base64String({ maxLength: 60 }).map(text => `:${text}:`),
)

test('whatever comes, over a connection or through a proxy, is answered with a status that the caller can act on', async () => {
  const request = fc.record({
    path,
    method,
    body,
    certificates: fc.array(certificate, { maxLength: 3 }),
    clientCert: fc.option(header),
    clientCertChain: fc.option(header),
    authorization: fc.option(fc.stringMatching(/^[\x21-\x7e][\x20-\x7e]{0,60}$/)),
    isProxy: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(request, async sent => {
      const hasBody = sent.method !== 'GET' && sent.method !== 'HEAD'
      const headers = new Headers({ 'content-type': 'application/json' })
      if (sent.clientCert !== null) headers.set('client-cert', sent.clientCert)
      if (sent.clientCertChain !== null) headers.set('client-cert-chain', sent.clientCertChain)
      if (sent.authorization !== null) headers.set('authorization', sent.authorization)
      const response = await hub.hub(
        new Request(`https://hub.example${sent.path}`, {
          method: sent.method,
          headers,
          ...(hasBody && { body: typeof sent.body === 'string' ? sent.body : new Uint8Array(sent.body) }),
        }),
        {
          peerCertificates: sent.certificates.map(make => new Uint8Array(make())),
          remoteAddress: sent.isProxy ? '10.0.0.1' : '10.0.0.2',
        },
      )
      expect([200, 201, 202, 400, 401, 404, 405, 409, 413, 422, 429]).toContain(response.status)
    }),
    { numRuns: 2000 },
  )
  expect(hub.errors).toEqual([])
})
