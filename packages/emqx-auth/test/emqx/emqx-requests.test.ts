import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import type { Denial } from '../../src/deny-reason.ts'
import { createEmqxHandler, type EmqxHandlerOptions } from '../../src/emqx/create-emqx-handler.ts'
import { fakeDer, stubFleet } from '../support/stub-fleet.ts'

// The requests of EMQX's own test suites, as their servers see them (A: authenticator, Z: authorizer). None of theirs carries a certificate that anybody knows, so as they stand we deny; with one we allow.

const der = fakeDer('clienta')
const known = Buffer.from(der).toString('base64')
const fixture = Buffer.from('fake_raw_cert_to_be_base64_encoded').toString('base64')
const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const routes = { authenticate: '/auth', authorize: '/authz/users/' }

async function send(
  request: {
    readonly method: string
    readonly target: string
    readonly type?: string
    readonly body?: string
    readonly headers?: Record<string, string>
  },
  options: Partial<EmqxHandlerOptions> = {},
) {
  const denials: Denial[] = []
  const fleet = stubFleet([{ deviceId: 'clienta', der }])
  const auth = createBrokerAuth({ fleet, clock: () => new Date('2026-06-01T00:00:00Z') })
  const handler = createEmqxHandler(auth, {
    ...{ dialect: 'emqx5', authorizeCaller: () => true, routes },
    onDeny: denial => denials.push(denial),
    ...options,
  })
  const { method, target, type, body, headers } = request
  const response = await handler(
    new Request(`http://127.0.0.1:32333${target}`, {
      method,
      headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    }),
  )
  const { result } = (await response.json()) as { result: string }
  return { status: response.status, result, reason: denials[0]?.reason, denials }
}

const plain = { username: 'plain', password: 'plain' }
const everything = {
  username: 'plain',
  clientid: 'clienta',
  password: 'plain',
  peerhost: '127.0.0.1',
  peerport: '12345',
  listener: 'tcp:default',
  cert_subject: 'cert_subject_data',
  cert_common_name: 'cert_common_name_data',
  cert_pem: fixture,
  the_group: 'g1',
}
const topic = {
  username: 'user name',
  clientid: 'client id',
  peerhost: '127.0.0.1',
  proto_name: 'MQTT',
  mountpoint: 'MOUNTPOINT',
  topic: 't/1',
  action: 'publish',
  access: '2',
  qos: '1',
  retain: 'false',
}
const query = (fields: Record<string, string>): string => new URLSearchParams(fields).toString()
/** The same, from a device that we know, of a broker that says who it is. */
const asDevice = { clientid: 'clienta', cert_pem: known, cert_common_name: 'clienta', cert_subject: 'CN=clienta' }

describe('the authenticator reads', () => {
  it.each([
    ['A1 A4 A5 A13–A20: GET', { method: 'GET', target: `/auth?${query(plain)}` }, 403, 'dialectMismatch'],
    [
      'A3: GET, a password of octets FF',
      { method: 'GET', target: '/auth?username=plain&password=%FF%FF%FF' },
      200,
      'malformedRequest',
    ],
    [
      'A6 A7: JSON',
      { method: 'POST', target: '/auth', type: json, body: JSON.stringify(plain) },
      403,
      'dialectMismatch',
    ],
    ['A8: a form', { method: 'POST', target: '/auth', type: form, body: query(plain) }, 403, 'dialectMismatch'],
    [
      'A9: every placeholder',
      { method: 'POST', target: '/auth', type: json, body: JSON.stringify(everything), headers: { the_group: 'g1' } },
      200,
      'certificateUnparsable',
    ],
    [
      'A11: a form, a password of octets FF',
      { method: 'POST', target: '/auth', type: form, body: 'username=plain&password=%FF%FF%FF' },
      200,
      'malformedRequest',
    ],
    [
      'A12: a header of the operator',
      { method: 'GET', target: `/auth?${query(plain)}`, headers: { 'x-test-header': 'Test Value' } },
      403,
      'dialectMismatch',
    ],
    [
      'A21: a path with what a client calls itself',
      { method: 'GET', target: '/auth/p%20ath//us+er/auth//?username=us+er' },
      200,
      'unknownRoute',
    ],
    [
      'A22: a client without a certificate',
      {
        method: 'POST',
        target: '/auth',
        type: json,
        body: JSON.stringify({ clientid: 'clienta', cert_subject: '', cert_common_name: '', cert_pem: '' }),
      },
      200,
      'noCertificate',
    ],
    [
      'A23: a placeholder that is none',
      { method: 'POST', target: '/auth', type: json, body: JSON.stringify({ this: '${whatisthis}' }) },
      403,
      'dialectMismatch',
    ],
    [
      'A23: a placeholder that EMQX before 5.7.1 does not know',
      { method: 'POST', target: '/auth', type: json, body: JSON.stringify({ ...asDevice, cert_pem: '${cert_pem}' }) },
      200,
      'certificateUnparsable',
    ],
  ] as [string, Parameters<typeof send>[0], number, string][])('%s, and denies', async (_, request, status, reason) => {
    expect(await send(request)).toMatchObject({ status, result: 'deny', reason })
  })

  it.each([
    ['A1: GET', { method: 'GET', target: `/auth?${query({ ...plain, ...asDevice })}` }],
    ['A6: JSON', { method: 'POST', target: '/auth', type: json, body: JSON.stringify({ ...plain, ...asDevice }) }],
    ['A8: a form', { method: 'POST', target: '/auth', type: form, body: query({ ...plain, ...asDevice }) }],
    [
      'A9: every placeholder',
      { method: 'POST', target: '/auth', type: json, body: JSON.stringify({ ...everything, ...asDevice }) },
    ],
    [
      'A12: a header of the operator',
      {
        method: 'POST',
        target: '/auth',
        type: json,
        body: JSON.stringify(asDevice),
        headers: { 'x-test-header': 'Test Value' },
      },
    ],
    [
      'A21: a path that ends as ours',
      { method: 'POST', target: '/p%20ath//us+er/auth', type: json, body: JSON.stringify(asDevice) },
    ],
    [
      'A22: what has no value is empty',
      {
        method: 'POST',
        target: '/auth',
        type: json,
        body: JSON.stringify({ ...asDevice, username: '', password: '' }),
      },
    ],
    [
      'A23: a placeholder that is none, where it decides nothing',
      { method: 'POST', target: '/auth', type: json, body: JSON.stringify({ ...asDevice, this: '${whatisthis}' }) },
    ],
  ] as [string, Parameters<typeof send>[0]][])('%s, and allows a device', async (_, request) => {
    expect(await send(request)).toEqual({ status: 200, result: 'allow', reason: undefined, denials: [] })
  })

  it('A35 A41: the same question twice, and answers the same', async () => {
    const request = { method: 'POST', target: '/auth', type: json, body: JSON.stringify(asDevice) }
    expect(await send(request)).toEqual(await send(request))
  })

  it.each([
    [
      'G10: several CNs',
      { cert_common_name: 'clienta,clientb', cert_subject: 'CN=clientb,CN=clienta' },
      'commonNameMismatch',
    ],
    ['G11: a CN with a comma', { cert_common_name: 'clienta,x', cert_subject: 'CN=clienta\\,x' }, 'commonNameMismatch'],
    [
      'G11: a CN that is not ASCII',
      { cert_common_name: 'clientä', cert_subject: 'CN=client\\C3\\A4' },
      'commonNameMismatch',
    ],
    ['G11: no CN', { cert_common_name: '', cert_subject: 'O=x' }, 'commonNameMismatch'],
    ['G12: PROXY v2, the certificate lost', { cert_pem: '', cert_subject: 'clienta' }, 'noCertificate'],
  ])('%s, and denies', async (_, names, reason) => {
    const body = JSON.stringify({ ...asDevice, ...names })
    expect(await send({ method: 'POST', target: '/auth', type: json, body })).toMatchObject({
      status: 200,
      result: 'deny',
      reason,
    })
  })
})

describe('the authorizer reads', () => {
  const own = { clientid: 'clienta', cert_common_name: 'clienta', topic: 'devices/clienta/x' }
  it.each([
    [
      'Z1–Z4: GET',
      { method: 'GET', target: `/authz/users/?${query({ topic: 't', action: 'publish' })}` },
      'malformedRequest',
    ],
    ['Z6: GET, every placeholder', { method: 'GET', target: `/authz/users/?${query(topic)}` }, 'malformedRequest'],
    [
      'Z7: a path with everything',
      { method: 'GET', target: '/authz/use+rs/user+name/client+id/127.0.0.1/MQTT/MOUNTPOINT/t%2F1/publish/2/1/false' },
      'unknownRoute',
    ],
    [
      'Z12: no mountpoint',
      { method: 'POST', target: '/authz/users/', type: json, body: JSON.stringify({ ...topic, mountpoint: '[]' }) },
      'malformedRequest',
    ],
    [
      'Z13: a name that is missing',
      {
        method: 'POST',
        target: '/authz/users/',
        type: json,
        body: JSON.stringify({ ...topic, ...own, cert_common_name: '', username: '${usertypo}' }),
      },
      'noCertificate',
    ],
    ['Z14: a path that was not filled', { method: 'GET', target: '/authz/use+rs/$%7Btypo%7D' }, 'unknownRoute'],
  ] as [string, Parameters<typeof send>[0], string][])('%s, and denies', async (_, request, reason) => {
    expect(await send(request)).toMatchObject({ status: 200, result: 'deny', reason })
  })

  it.each([
    ['Z6: GET, every placeholder', { method: 'GET', target: `/authz/users/?${query({ ...topic, ...own })}` }, {}],
    [
      'Z8: JSON, a key renamed',
      {
        method: 'POST',
        target: '/authz/users/',
        type: json,
        body: JSON.stringify({ ...topic, ...own, CLIENT: 'clienta', clientid: undefined }),
      },
      { clientid: 'CLIENT' },
    ],
    [
      'Z9: a form, keys renamed',
      {
        method: 'POST',
        target: '/authz/users/',
        type: form,
        body: query({ ...topic, ...own, CN: 'clienta', CS: 'CN=clienta', listener_id: 'tcp:default', the_group: 'g1' }),
        headers: { the_group: 'g1' },
      },
      { cert_common_name: 'CN', cert_subject: 'CS' },
    ],
    [
      'Z13: a placeholder that is none, where it decides nothing',
      {
        method: 'POST',
        target: '/authz/users/',
        type: json,
        body: JSON.stringify({ ...topic, ...own, username: '${usertypo}' }),
      },
      {},
    ],
  ] as [string, Parameters<typeof send>[0], object][])(
    '%s, and allows a device its topic',
    async (_, request, bodyKeys) => {
      expect(await send(request, { bodyKeys })).toEqual({
        status: 200,
        result: 'allow',
        reason: undefined,
        denials: [],
      })
    },
  )
})

/** What happens between EMQX and itself, or before it asks. */
const elsewhere: Readonly<Record<string, string>> = {
  A2: 'only what an answer means',
  A10: 'EMQX sends nothing',
  A24: 'EMQX sends nothing',
  A32: 'a precondition: EMQX does not ask',
  A33: 'a precondition: EMQX does not ask',
  A34: 'a precondition: EMQX does not ask',
  A36: 'clientid_override: never in our answers, see emqx-answers.test.ts',
  A37: 'zone_override: never in our answers, see emqx-answers.test.ts',
  A38: 'a configuration that EMQX refuses',
  A39: 'the address of 6.3, rendered by EMQX',
  A40: 'the address of 6.3, rendered by EMQX',
  A42: 'the bearer token is checked by authorizeCaller',
  H1: 'TLS between EMQX and the server',
  H2: 'TLS between EMQX and the server',
  H3: 'TLS between EMQX and the server',
  H4: 'TLS between EMQX and the server',
  H5: 'TLS between EMQX and the server',
  Z15: 'the cache of EMQX: the same question, the same answer, see A35',
  Z16: 'the address of 6.3, rendered by EMQX',
}

it('has every vector of the suites, or a reason why it is not ours', () => {
  const tests = ['emqx-requests', 'emqx-vectors']
    .map(name => readFileSync(new URL(`./${name}.test.ts`, import.meta.url), 'utf8'))
    .join('')
  const seen = new Set(Object.keys(elsewhere))
  for (const [, letter, from, to] of tests.matchAll(/\b([AHZ])(\d+)(?:–\1?(\d+))?(?=[\s:,abc'`])/g)) {
    for (let number = Number(from); number <= Number(to ?? from); number++) seen.add(`${letter}${number}`)
  }
  const all = Object.entries({ A: 42, H: 5, Z: 16 }).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  )
  expect(all.filter(name => !seen.has(name))).toEqual([])
})
