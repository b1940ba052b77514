import { readFileSync } from 'node:fs'
import { parseCertificate } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import { createEmqxHandler } from '../../src/emqx/create-emqx-handler.ts'
import { resolveBodyKeys } from '../../src/emqx/emqx-body.ts'
import { formContentType, readEmqxBody } from '../../src/emqx/read-emqx-body.ts'
import { bearsNames, commonNamesOf } from '../../src/subject-name.ts'
import { type StubDevice, stubFleet } from '../support/stub-fleet.ts'

interface Recording {
  readonly requestLine: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** Requests of EMQX 5.8.9 as they came over the wire. */
const recordings: Recording[] = readFileSync(new URL('../fixtures/emqx-recordings.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))
// The names in the configuration that they were recorded with.
const bodyKeys = { cert_pem: 'pem', cert_common_name: 'cn', cert_subject: 'dn' }
const clock = (): Date => new Date('2026-12-01T00:00:00Z')

function toRequest({ requestLine, headers, body }: Recording): Request {
  const [method = '', target = ''] = requestLine.split(' ')
  return new Request(new URL(target, 'http://127.0.0.1'), {
    method,
    headers: headers.filter(([name]) => name !== 'host' && name !== 'connection').map(([name, value]) => [name, value]),
    ...(method === 'GET' ? {} : { body }),
  })
}

function handlerOf(devices: readonly StubDevice[]): (request: Request) => Promise<Response> {
  const auth = createBrokerAuth({ fleet: stubFleet(devices), clock })
  const routes = { authenticate: '/authn', authorize: '/authz' }
  return createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: () => true, routes, bodyKeys })
}

async function replay(recording: Recording, devices: readonly StubDevice[]): Promise<{ result: string }> {
  const response = await handlerOf(devices)(toRequest(recording))
  // A broker that is not told to say anything of certificates could as well be an EMQX 4, which lets in on any 200.
  expect(response.status).toBe(saysWho(recording) ? 200 : 403)
  expect(response.headers.get('content-type')).toBe('application/json')
  return (await response.json()) as { result: string }
}

function saysWho(recording: Recording): boolean {
  return !recording.requestLine.startsWith('POST /authn') && !recording.requestLine.startsWith('GET /authn?')
    ? true
    : 'pem' in fieldsOf(recording)
}

function fieldsOf({ headers, body }: Recording): Record<string, string> {
  if (body === '') return {}
  const isForm = headers.some(([name, value]) => name === 'content-type' && value.includes('form'))
  return isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body)
}
const withCertificate = recordings.filter(one => one.requestLine.startsWith('POST /authn') && fieldsOf(one)['pem'])
const topicQuestions = recordings.filter(one => one.requestLine.startsWith('POST /authz'))

describe('recorded requests of EMQX 5.8.9', () => {
  it('are all here', () => {
    expect(recordings).toHaveLength(24)
    expect(withCertificate).toHaveLength(7)
    expect(topicQuestions).toHaveLength(11)
    expect(withCertificate.filter(recording => 'dn' in fieldsOf(recording))).toHaveLength(5)
  })

  it.each(recordings.map((recording, index) => [index, recording.requestLine, recording] as const))(
    '%i %s is denied by a fleet that does not know the certificate',
    async (_index, _line, recording) => {
      expect(await replay(recording, [])).toEqual({ result: 'deny' })
    },
  )

  it.each(withCertificate.map((recording, index) => [index, recording] as const))(
    'connect %i is allowed once its certificate is pinned for the device of its client id',
    async (_index, recording) => {
      const { pem = '', clientid = '' } = fieldsOf(recording)
      const der = Buffer.from(pem, 'base64')
      const device = { deviceId: clientid, der, state: 'pinned', notAfter: new Date('2026-12-21T21:13:05Z') } as const
      const { result, ...more } = await replay(recording, [device])
      expect(result).toBe('allow')
      expect(more).toMatchObject({ is_superuser: false, expire_at: 1_797_887_585 })
      // Nothing but the one certificate: another one under the same client id stays out.
      expect(await replay(recording, [{ ...device, der: Buffer.concat([der, Buffer.from([0])]) }])).toEqual({
        result: 'deny',
      })
    },
  )

  it.each(topicQuestions.map((recording, index) => [index, recording] as const))(
    'topic question %i is allowed for a service that is connected by its own name, and for nobody else',
    async (_index, recording) => {
      const { cn = '', topic = '' } = fieldsOf(recording)
      const devices = [{ deviceId: cn || 'x', der: new Uint8Array(), role: 'service' }] as const
      const auth = createBrokerAuth({ fleet: stubFleet(devices), clock, topics: { service: [topic] } })
      const routes = { authenticate: '/authn', authorize: '/authz' }
      const handler = createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: () => true, routes, bodyKeys })
      const asked = async (body: string): Promise<unknown> => (await handler(toRequest({ ...recording, body }))).json()
      // As recorded, the client id was never that of the certificate.
      expect(await asked(recording.body)).toEqual({ result: 'deny' })
      const bound = JSON.stringify({ ...JSON.parse(recording.body), clientid: `${cn || 'x'}/tool` })
      expect(await asked(bound)).toEqual({ result: cn === '' ? 'deny' : 'allow' })
    },
  )

  const withNames = withCertificate.filter(recording => 'dn' in fieldsOf(recording))
  it.each(withNames.map((recording, index) => [index, recording] as const))(
    'connect %i reports the names of the certificate as we read them',
    (_index, recording) => {
      const { pem = '', cn = '', dn = '' } = fieldsOf(recording)
      const der = Buffer.from(pem, 'base64')
      expect(bearsNames(der, { commonName: cn, subject: dn })).toBe(true)
      expect(bearsNames(der, { commonName: '', subject: '' })).toBe(false)
      expect(bearsNames(der, { commonName: 'device-0009', subject: dn })).toBe(false)
      expect(commonNamesOf(dn)).toEqual(cn === '' ? [] : [cn])
      // The end entity alone, on one line, without a label.
      expect(pem).toMatch(/^[A-Za-z0-9+/]+=*$/)
      expect(parseCertificate(der).basicConstraints?.cA ?? false).toBe(false)
    },
  )

  it.each([
    [
      0,
      { clientid: 'dev-1', username: 'user1', cert_subject: 'CN=device-0001,OU=Devices,O=Acme\\, Inc.' },
      'a comma in the subject',
    ],
    [1, { action: 'publish', topic: 'a/b', qos: '1', retain: 'false' }, 'numbers and booleans as text'],
    [2, { cert_common_name: '', cert_subject: 'O=Only Org' }, 'a certificate without a CN'],
    [
      4,
      { cert_pem: '', cert_common_name: '', cert_subject: '', clientid: 'plain' },
      'a listener without TLS: empty, and not absent',
    ],
    [5, { username: 'u"1é' }, 'quotes and UTF-8'],
    [6, { clientid: 'dé"v\\x', topic: 'a/é"', retain: 'true', qos: '2' }, 'the same in a topic'],
    [7, { action: 'subscribe', retain: 'false' }, 'a SUBSCRIBE'],
    [9, { action: 'publish', topic: 'will/t', retain: 'true', qos: '1' }, 'a will'],
    [16, { clientid: 'g é&=', username: 'u+1' }, 'a GET: the query is a form'],
    [17, { clientid: 'form é' }, 'a form: + / = of base64 are encoded'],
    [20, { cert_subject: 'CN=leaf-1,SERIALNUMBER=SN42' }, 'a serialNumber in the subject'],
    [21, { cert_pem: '', action: 'publish' }, 'the authorizer, which has no certificate'],
    [22, { topic: 'b/+', action: 'subscribe', qos: '2' }, 'a shared subscription, asked about as its filter'],
  ] as [number, object, string][])('recording %i reads as %o: %s', (index, fields) => {
    const recording = recordings[index]!
    const [method, target = ''] = recording.requestLine.split(' ')
    const isGet = method === 'GET'
    const type = isGet ? formContentType : recording.headers.find(([name]) => name === 'content-type')![1]
    const body = isGet ? new URL(target, 'http://hub').search.slice(1) : recording.body
    expect(readEmqxBody(type, Buffer.from(body), resolveBodyKeys(bodyKeys), 'emqx5')?.fields).toMatchObject(fields)
  })
})
