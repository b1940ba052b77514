import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { asBroker, asOperator, certificates, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
let certPem: string
beforeEach(async () => {
  hub = await openTestHub()
  const { json } = await hub.call('POST', `${certificates}/dev-1`, { body: { owner: 'alice' } })
  const [endEntity] = (json.clientCert as string).split('-----END CERTIFICATE-----')
  certPem = endEntity!.replace('-----BEGIN CERTIFICATE-----', '').replaceAll('\n', '')
})
afterEach(() => hub.fleet.close())

const hooks = ['validate', 'authorize'] as const

const question = (hook: (typeof hooks)[number]): Record<string, string> =>
  hook === 'validate'
    ? {
        clientid: 'dev-1',
        username: '',
        peerhost: '127.0.0.1',
        cert_pem: certPem,
        cert_common_name: 'dev-1',
        cert_subject: 'CN=dev-1',
      }
    : {
        clientid: 'dev-1',
        username: '',
        cert_common_name: 'dev-1',
        action: 'publish',
        topic: 'users/alice/devices/dev-1/telemetry',
        qos: '1',
        retain: 'false',
      }

const denied = { status: 200, text: '{"result":"deny"}' }

describe.each(hooks)('%s', hook => {
  const path = `${certificates}/${hook}`

  test('allows what is allowed', async () => {
    const reply = await hub.call('POST', path, { headers: asBroker, body: question(hook) })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(reply.headers.get('cache-control')).toBe('no-store')
    expect(reply.json.result).toBe('allow')
  })

  test('takes a form', async () => {
    const headers = { ...asBroker, 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(question(hook)).toString()
    expect((await hub.call('POST', path, { headers, body })).json.result).toBe('allow')
  })

  test('takes a GET', async () => {
    const query = new URLSearchParams(question(hook)).toString()
    expect((await hub.call('GET', `${path}?${query}`, { headers: asBroker })).json.result).toBe('allow')
    expect(await hub.call('GET', `${path}?${query}`, { headers: {} })).toMatchObject(denied)
  })

  test('denies a question of EMQX 4 in the way of both, whoever asks', async () => {
    const body = new URLSearchParams({
      clientid: 'dev-1',
      username: 'u',
      password: 'p',
      access: '2',
      topic: 't',
    }).toString()
    for (const headers of [asBroker, { 'x-broker-secret': 'wrong' }]) {
      const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
      expect(await hub.call('POST', path, { headers: form, body })).toMatchObject({ ...denied, status: 403 })
    }
    expect(hub.denials.map(({ reason }) => reason)).toEqual(['dialectMismatch', 'callerRefused'])
  })

  test('denies a revoked device', async () => {
    await hub.call('DELETE', `${certificates}/dev-1`)
    expect(await hub.call('POST', path, { headers: asBroker, body: question(hook) })).toMatchObject(denied)
  })

  test('denies a caller that is not the broker, and says so inside', async () => {
    for (const headers of [{}, { 'x-broker-secret': 'wrong' }, asOperator, { 'x-broker-secret': '' }]) {
      const reply = await hub.call('POST', path, { headers, body: question(hook) })
      expect(reply).toMatchObject(denied)
      expect(hub.denials.at(-1)).toMatchObject({ reason: 'callerRefused' })
    }
  })

  test.each([
    ['application/json', '{'],
    ['application/json', ''],
    ['application/json', '[]'],
    ['application/json', 'null'],
    ['text/plain', '{}'],
    ['application/json', '{"clientid":1}'],
    ['application/x-www-form-urlencoded', '%'],
  ])('denies a body of %s %j', async (type, body) => {
    const headers = { ...asBroker, 'content-type': type }
    expect(await hub.call('POST', path, { headers, body })).toMatchObject(denied)
  })

  test('denies the right body under the wrong type', async () => {
    const headers = { ...asBroker, 'content-type': 'text/plain' }
    expect(await hub.call('POST', path, { headers, body: JSON.stringify(question(hook)) })).toMatchObject(denied)
  })

  test('denies a body of more than 64 KiB', async () => {
    const body = { ...question(hook), username: 'x'.repeat(70_000) }
    expect(await hub.call('POST', path, { headers: asBroker, body })).toMatchObject(denied)
    expect(hub.denials.at(-1)).toMatchObject({ reason: 'malformedRequest' })
    expect(hub.errors).toEqual([])
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('denies a %s', async method => {
    expect(await hub.call(method, path, { headers: asBroker })).toMatchObject(denied)
  })

  test('answers HEAD with the status alone', async () => {
    expect(await hub.call('HEAD', path, { headers: asBroker })).toMatchObject({ status: 200, text: '' })
  })

  test('denies when the store is down', async () => {
    hub.breakStore(true)
    expect(await hub.call('POST', path, { headers: asBroker, body: question(hook) })).toMatchObject(denied)
    expect(hub.denials.at(-1)).toMatchObject({ reason: 'storeUnavailable' })
  })

  test('denies when the caller check throws, and reports what it threw', async () => {
    const failure = new Error('no database')
    const other = await openTestHub({ authorize: () => Promise.reject(failure) })
    expect(await other.call('POST', path, { headers: asBroker, body: question(hook) })).toMatchObject(denied)
    expect(other.errors).toEqual([failure])
    await other.fleet.close()
  })

  test('denies when the answer does not come in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const other = await openTestHub({ authorize: () => new Promise(() => {}) })
      const reply = other.call('POST', path, { headers: asBroker, body: question(hook) })
      await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0))
      await vi.advanceTimersByTimeAsync(4000)
      expect(await reply).toMatchObject(denied)
      expect(other.denials).toMatchObject([{ reason: 'deadlineExceeded' }])
      await other.fleet.close()
    } finally {
      vi.useRealTimers()
    }
  })

  test('tells the authorize callback which question it is', async () => {
    const actions: unknown[] = []
    const other = await openTestHub({
      authorize: (_request, action) => {
        actions.push(action)
        return true
      },
    })
    await other.call('POST', path, { body: question(hook) })
    expect(actions).toEqual([{ type: hook === 'validate' ? 'authenticate' : 'authorize' }])
    await other.fleet.close()
  })
})

test('takes other names for the keys of the body', async () => {
  const other = await openTestHub({ emqxBodyKeys: { cert_pem: 'pem', cert_common_name: 'cn', cert_subject: 'dn' } })
  const { json } = await other.call('POST', `${certificates}/dev-1`)
  const [pem] = (json.clientCert as string).split('-----END')
  const body = {
    clientid: 'dev-1',
    pem: pem!.replace('-----BEGIN CERTIFICATE-----', '').replaceAll('\n', ''),
    cn: 'dev-1',
  }
  const reply = await other.call('POST', `${certificates}/validate`, { headers: asBroker, body })
  expect(reply.json.result).toBe('allow')
  await other.fleet.close()
})

test('speaks EMQX 4', async () => {
  const other = await openTestHub({ dialect: 'emqx4' })
  const { json } = await other.call('POST', `${certificates}/dev-1`, { body: { owner: 'alice' } })
  const [pem] = (json.clientCert as string).split('-----END')
  const certificate = pem!.replace('-----BEGIN CERTIFICATE-----', '').replaceAll('\n', '')
  const headers = { ...asBroker, 'content-type': 'application/x-www-form-urlencoded' }
  const ask = (hook: string, fields: Record<string, string>) =>
    other.call('POST', `${certificates}/${hook}`, { headers, body: new URLSearchParams(fields).toString() })
  const connect = { clientid: 'dev-1', ipaddr: '10.0.0.1', certificate, common_name: 'dev-1', subject: 'CN=dev-1' }
  const publish = { clientid: 'dev-1', common_name: 'dev-1', access: '2', topic: 'users/alice/devices/dev-1/x' }
  for (const reply of [await ask('validate', connect), await ask('authorize', publish)]) {
    expect(reply).toMatchObject({ status: 200, text: 'allow' })
    expect(reply.headers.get('content-type')).toBe('text/plain')
  }
  await other.fleet.revoke('dev-1')
  for (const reply of [await ask('validate', connect), await ask('authorize', publish)]) {
    expect(reply).toMatchObject({ ...denied, status: 403 })
  }
  await other.fleet.close()
})

test('denies topics of others', async () => {
  const body = { ...question('authorize'), topic: 'users/bob/devices/dev-2/telemetry' }
  expect(await hub.call('POST', `${certificates}/authorize`, { headers: asBroker, body })).toMatchObject(denied)
})
