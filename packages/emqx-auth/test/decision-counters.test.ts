import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { type CountingBrokerAuth, createBrokerAuth } from '../src/broker-auth.ts'
import type { CountedAction } from '../src/decision-counters.ts'
import { type DenyReason, denyReasonSentences } from '../src/deny-reason.ts'
import { createEmqxHandler } from '../src/emqx/create-emqx-handler.ts'
import { createEmqxResponder } from '../src/emqx/create-emqx-responder.ts'
import { fakeDer, stubFleet } from './support/stub-fleet.ts'

const der = fakeDer('device d1')
const authOf = (): CountingBrokerAuth =>
  createBrokerAuth({
    fleet: stubFleet([{ deviceId: 'd1', der, notAfter: new Date(Date.now() + 86_400_000) }]),
  })
const connect = { clientId: 'd1', certificate: { der } }
/** What is not zero: `connect allow`, `publish topicNotAllowed` and the like. */
function counted(auth: CountingBrokerAuth): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [action, { allow, deny }] of Object.entries(auth.counters().decisions)) {
    for (const [reason, count] of Object.entries({ allow, ...deny }))
      if (count > 0) found[`${action} ${reason}`] = count
  }
  return found
}

describe('counters', () => {
  it('are there for every action and reason from the start', () => {
    const { decisions, underWay } = authOf().counters()
    expect(Object.keys(decisions)).toEqual(['connect', 'publish', 'subscribe', 'session', 'request'])
    const none = Object.fromEntries(Object.keys(denyReasonSentences).map(reason => [reason, 0]))
    for (const counters of Object.values(decisions)) expect(counters).toEqual({ allow: 0, deny: none })
    expect(underWay).toBe(0)
  })

  it('count what is decided, by action and reason', async () => {
    const auth = authOf()
    await auth.authenticate(connect)
    await auth.authenticate(connect)
    await auth.authenticate({ clientId: 'd1' })
    await auth.authenticate({ ...connect, clientId: 'd2' })
    await auth.authenticate(null as never)
    const ask = { clientId: 'd1', certificate: { der }, topic: 'devices/d1/x' }
    await auth.authorize({ ...ask, action: 'publish' })
    await auth.authorize({ ...ask, action: 'subscribe', topic: '#' })
    await auth.authorize({ ...ask, action: 'delete' as never })
    await auth.authorize(undefined as never)
    expect(counted(auth)).toEqual({
      'connect allow': 2,
      'connect noCertificate': 1,
      'connect clientIdNotBound': 1,
      'connect malformedRequest': 1,
      'publish allow': 1,
      'subscribe topicNotAllowed': 1,
      'request malformedRequest': 2,
    })
    expect(auth.counters().underWay).toBe(0)
  })

  it('are the caller’s own', async () => {
    const auth = authOf()
    const before = auth.counters()
    await auth.authenticate(connect)
    expect(before.decisions.connect.allow).toBe(0)
    Object.assign(auth.counters().decisions.connect.deny, { revoked: 7 })
    expect(auth.counters().decisions.connect.deny.revoked).toBe(0)
  })

  it('take what a face refuses, and no reason that is none', () => {
    const auth = authOf()
    auth.count({ action: 'session', reason: 'expired' })
    auth.count({ action: 'connect', reason: 'because' as never })
    expect(counted(auth)).toEqual({ 'session expired': 1 })
    expect(Object.keys(auth.counters().decisions.connect.deny)).not.toContain('because')
  })

  it('hold how the fleet came to know', async () => {
    const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const { fingerprint } = await fleet.enroll('d1')
    const auth = createBrokerAuth({ fleet })
    for (let round = 0; round < 5; round += 1) {
      expect(await auth.authenticate({ clientId: 'd1', certificate: { fingerprint } })).toMatchObject({
        result: 'allow',
      })
    }
    const { identity } = auth.counters()
    expect(identity).toMatchObject({ entries: 1, unknown: 0, failed: 0 })
    expect(identity!.hits + identity!.misses).toBe(5)
    expect(identity!.hits).toBeGreaterThan(0)
    expect(authOf().counters().identity).toBeUndefined()
    await fleet.close()
  })
})

describe('each refusal of an EMQX face is counted once, whoever refused', () => {
  const json = 'application/json'
  const body = (fields: object): Buffer => Buffer.from(JSON.stringify(fields))
  const pem = Buffer.from(der).toString('base64')
  const cases: readonly (readonly [string, object, CountedAction, DenyReason | 'allow'])[] = [
    ['nobody', { clientid: 'd1', cert_pem: '' }, 'connect', 'noCertificate'],
    ['no certificate', { clientid: 'd1', cert_pem: 'MII' }, 'connect', 'certificateUnparsable'],
    [
      'a stranger',
      { clientid: 'd1', cert_pem: Buffer.from(fakeDer('x')).toString('base64') },
      'connect',
      'certificateUnknown',
    ],
    ['another dialect', { clientid: 'd1', certificate: pem }, 'connect', 'dialectMismatch'],
    ['a number', { clientid: 1, cert_pem: pem }, 'connect', 'malformedRequest'],
    ['a device', { clientid: 'd1', cert_pem: pem }, 'connect', 'allow'],
  ]
  it.each(cases)('%s', async (_, fields, action, reason) => {
    const auth = authOf()
    await createEmqxResponder(auth, { dialect: 'emqx5' }).authenticate(json, body(fields))
    expect(counted(auth)).toEqual({ [`${action} ${reason}`]: 1 })

    const other = authOf()
    const handler = createEmqxHandler(other, { dialect: 'emqx5', authorizeCaller: () => true })
    const post = { method: 'POST', headers: { 'content-type': json }, body: body(fields) }
    await handler(new Request('http://hub/validate', post))
    expect(counted(other)).toEqual({ [`${action} ${reason}`]: 1 })
  })

  it('callers who are nobody, unknown addresses, and what comes too late', async () => {
    const auth = authOf()
    const refusing = createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: () => false })
    await refusing(new Request('http://hub/validate', { method: 'POST', body: '{}' }))
    const handler = createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: () => true })
    await handler(new Request('http://hub/elsewhere', { method: 'POST', body: '{}' }))
    const never = { ...auth, authenticate: () => new Promise<never>(() => {}), authorize: auth.authorize }
    const late = createEmqxResponder(never, { dialect: 'emqx5', deadlineSeconds: 0.01 })
    const keep = setInterval(() => {}, 1000)
    await late.authenticate(json, body({ clientid: 'd1', cert_pem: pem }))
    clearInterval(keep)
    expect(counted(auth)).toEqual({
      'request callerRefused': 1,
      'request unknownRoute': 1,
      'request deadlineExceeded': 1,
    })
  })

  it('a BrokerAuth that does not count is answered for, too', async () => {
    const { authenticate, authorize } = authOf()
    const responder = createEmqxResponder({ authenticate, authorize }, { dialect: 'emqx5' })
    expect((await responder.authenticate(json, body({ clientid: 1 }))).body).toBe('{"result":"deny"}')
  })
})
