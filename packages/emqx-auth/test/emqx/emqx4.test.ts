import { decodePem, type Fleet } from '@fleetcert/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import type { Denial } from '../../src/deny-reason.ts'
import { createEmqxHandler } from '../../src/emqx/create-emqx-handler.ts'
import { emqxConfig } from '../../src/emqx/emqx-config.ts'
import { commonNameAlone } from '../../src/unsafe.ts'
import { testFleet } from '../support/broker.ts'
import { emqx4Connect, emqx4Topic } from '../support/emqx-model.ts'

const form = 'application/x-www-form-urlencoded'
let fleet: Fleet
let certificates: { d1: string; d2: string }
beforeEach(async () => {
  fleet = await testFleet()
  const enroll = async (deviceId: string) =>
    Buffer.from(decodePem((await fleet.enroll(deviceId)).certificate)[0]!.der).toString('base64')
  certificates = { d1: await enroll('d1'), d2: await enroll('d2') }
  return () => fleet.close()
})

type Way = 'POST form' | 'POST JSON' | 'GET'
function setUp(options: object = {}) {
  const denials: Denial[] = []
  const handler = createEmqxHandler(createBrokerAuth({ fleet, ...options }), {
    dialect: 'emqx4',
    authorizeCaller: () => true,
    onDeny: denial => denials.push(denial),
  })
  const ask = async (route: string, fields: object, way: Way = 'POST form') => {
    const query = new URLSearchParams(fields as Record<string, string>).toString()
    const url = `http://hub/${route}${way === 'GET' ? `?${query}` : ''}`
    const type = way === 'POST JSON' ? 'application/json' : form
    const body = way === 'POST JSON' ? JSON.stringify(fields) : query
    const post = { method: 'POST', headers: { 'content-type': type }, body }
    const response = await handler(new Request(url, way === 'GET' ? {} : post))
    return { status: response.status, body: await response.text(), contentType: response.headers.get('content-type')! }
  }
  return {
    denials,
    ask,
    connect: async (fields: object, way?: Way) => emqx4Connect(await ask('validate', fields, way)).connack,
    topic: async (fields: object, way?: Way) => emqx4Topic(await ask('authorize', fields, way)),
  }
}
/** `clientid=%c,ipaddr=%a,certificate=%u,common_name=%C,subject=%d`, with peer_cert_as_username = pem. */
const login = (change: object = {}) => ({
  ...{ clientid: 'd1', ipaddr: '10.0.0.1', certificate: certificates.d1, common_name: 'd1', subject: 'CN=d1' },
  ...change,
})
const publish = { clientid: 'd1', common_name: 'd1', access: '2', topic: 'devices/d1/x' }

describe('EMQX 4', () => {
  it.each(['POST form', 'POST JSON', 'GET'] as const)(
    'lets a device in until it is revoked, asked by %s',
    async way => {
      const { connect, topic, denials } = setUp()
      expect(await connect(login(), way)).toBe('success')
      expect(await topic(publish, way)).toBe('allow')
      expect(await topic({ ...publish, access: '1', topic: 'devices/d1/#' }, way)).toBe('allow')
      expect(await topic({ ...publish, topic: 'devices/d2/x' }, way)).toBe('deny')
      expect(await topic({ ...publish, certificate: certificates.d1 }, way)).toBe('allow')
      await fleet.revoke('d1')
      expect(await connect(login(), way)).toBe('notAuthorized')
      expect(await topic(publish, way)).toBe('deny')
      expect(denials.map(({ reason }) => reason)).toEqual(['topicNotAllowed', 'revoked', 'revoked'])
      expect(denials[1]).toMatchObject({ action: 'connect', clientId: 'd1', peerAddress: '10.0.0.1', deviceId: 'd1' })
    },
  )

  it.each([
    ['nothing', { certificate: 'undefined', common_name: 'undefined', subject: 'undefined' }, 'noCertificate'],
    ['null, as words', { certificate: 'null', common_name: 'null' }, 'noCertificate'],
    [
      'somebody else’s certificate as user name, on a listener without TLS',
      { common_name: 'undefined' },
      'commonNameMismatch',
    ],
    [
      'somebody else’s certificate as user name, beside its own',
      { common_name: 'd2', clientid: 'd1' },
      'commonNameMismatch',
    ],
    ['a user name', { certificate: 'alice' }, 'certificateUnparsable'],
    ['several common names', { common_name: 'd1,d2' }, 'commonNameMismatch'],
    ['no client id', { clientid: 'undefined' }, 'malformedRequest'],
    ['another client id', { clientid: 'd2' }, 'clientIdNotBound'],
    ['a user name about which EMQX 4 asks no topics', { username: '$d1' }, 'usernameNotBound'],
  ])('lets nobody in who has %s', async (_, change, reason) => {
    const { connect, denials } = setUp()
    expect(await connect(login(change))).toBe('notAuthorized')
    expect(denials.map(denial => denial.reason)).toEqual([reason])
  })

  it('takes JSON null for nothing', async () => {
    const { connect, denials } = setUp()
    expect(await connect(login({ certificate: null, common_name: null, subject: null }), 'POST JSON')).toBe(
      'notAuthorized',
    )
    expect(await connect(login({ subject: null, username: null }), 'POST JSON')).toBe('success')
    expect(denials.map(({ reason }) => reason)).toEqual(['noCertificate'])
  })

  it.each([
    ['publish', 'malformedRequest'],
    ['3', 'malformedRequest'],
    ['%A', 'malformedRequest'],
  ])('decides no topic for the access %s', async (access, reason) => {
    const { topic, denials } = setUp()
    expect(await topic({ ...publish, access })).toBe('deny')
    expect(denials.map(denial => denial.reason)).toEqual([reason])
  })

  it('lets in by names alone where that is said, with the subject, and not behind a proxy', async () => {
    const { connect, denials } = setUp({ identifyBy: commonNameAlone })
    const names = { clientid: 'd1', common_name: 'd1', subject: 'CN=d1' }
    expect(await connect(names)).toBe('success')
    expect(await connect({ ...names, subject: 'undefined' })).toBe('notAuthorized')
    expect(await connect({ ...names, subject: 'd1' })).toBe('notAuthorized')
    expect(await connect({ ...names, subject: 'CN=d2,CN=d1' })).toBe('notAuthorized')
    expect(denials.map(({ reason }) => reason)).toEqual(['malformedRequest', 'proxiedName', 'nameAmbiguous'])
    expect(await setUp().connect(names)).toBe('notAuthorized')
  })

  it('is asked as emqxConfig has it asked', async () => {
    const file = 'x.pem'
    const urls = { authUrl: 'http://hub/validate', authorizeUrl: 'http://hub/authorize' }
    const listener = { caFile: file, certFile: file, keyFile: file }
    const { pluginConf, emqxConf } = emqxConfig({ version: '4.4', ...urls, listener })
    const values: Record<string, string> = {
      ...{
        '%c': 'd1',
        '%a': '10.0.0.1',
        '%u': certificates.d1,
        '%C': 'd1',
        '%d': 'CN=d1',
        '%A': '2',
        '%t': 'devices/d1/x',
      },
    }
    const fieldsOf = (request: string): Record<string, string> => {
      const params = new RegExp(`^auth\\.http\\.${request}\\.params = (.*)$`, 'm').exec(pluginConf)?.[1] ?? ''
      return Object.fromEntries(
        params
          .split(',')
          .map(pair => pair.split('='))
          .map(([key, value]) => [key, values[value!] ?? value]),
      )
    }
    expect(emqxConf).toContain('peer_cert_as_username = pem')
    expect(pluginConf).not.toContain('super_req')
    const { connect, topic } = setUp()
    expect(await connect(fieldsOf('auth_req'))).toBe('success')
    expect(await topic(fieldsOf('acl_req'))).toBe('allow')
    await fleet.revoke('d1')
    expect(await connect(fieldsOf('auth_req'))).toBe('notAuthorized')
    expect(await topic(fieldsOf('acl_req'))).toBe('deny')
  })

  it('denies whatever is no question', async () => {
    const { ask } = setUp()
    const deny = { status: 403, body: '{"result":"deny"}', contentType: 'application/json' }
    for (const [route, fields] of [
      ['validate', {}],
      ['authorize', {}],
      ['superuser', login()],
      ['', login()],
    ] as const) {
      expect(await ask(route, fields)).toEqual(deny)
    }
    expect(await ask('validate', login())).toEqual({ status: 200, body: 'allow', contentType: 'text/plain' })
  })
})
