import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import { createEmqxHandler } from '../../src/emqx/create-emqx-handler.ts'
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
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  return (await response.json()) as { result: string }
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
})
