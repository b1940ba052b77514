import { decodePem, memoryKeyring, memoryStore, openFleet, PkiError, type Store } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CountingBrokerAuth, createBrokerAuth } from '../../src/broker-auth.ts'
import type { DenyReason } from '../../src/deny-reason.ts'
import { createEmqxHandler } from '../../src/emqx/create-emqx-handler.ts'
import { createEmqxResponder } from '../../src/emqx/create-emqx-responder.ts'
import type { EmqxDialect } from '../../src/emqx/emqx-dialect.ts'

const start = new Date('2026-06-01T00:00:00Z').getTime()
const json = 'application/json'
const day = 86_400_000

/** A fleet with one device, whose store and clock may go wrong, and EMQX in front of it. */
async function setUp() {
  const state = { now: start, fault: async (): Promise<void> => {} }
  const clock = (): Date => new Date(state.now)
  const base = memoryStore()
  const store = new Proxy(base, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'close') return value
      return async (...args: unknown[]) => {
        await state.fault()
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  }) as Store
  const fleet = await openFleet({ store, keyring: memoryKeyring(), clock, background: false })
  const other = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), clock, background: false })
  const pemOf = (certificate: string): string => Buffer.from(decodePem(certificate)[0]!.der).toString('base64')
  return {
    state,
    fleet,
    auth: createBrokerAuth({ fleet, clock }),
    own: pemOf((await fleet.enroll('d1')).certificate),
    strange: pemOf((await other.enroll('d1')).certificate),
    async close() {
      await fleet.close()
      await other.close()
    },
  }
}

let test: Awaited<ReturnType<typeof setUp>>
beforeEach(async () => {
  test = await setUp()
})
afterEach(() => test.close())

/** A body of either dialect, with the certificate under its key. */
const fieldsOf = (dialect: EmqxDialect, pem: string): Record<string, unknown> =>
  dialect === 'emqx5'
    ? { clientid: 'd1', username: '', cert_pem: pem, cert_common_name: 'd1', cert_subject: 'CN=d1' }
    : { clientid: 'd1', username: '', certificate: pem, common_name: 'd1', subject: 'CN=d1' }

interface Bad {
  readonly contentType?: string
  /** What is sent; by default the fields as JSON. */
  readonly body?: (fields: Record<string, unknown>) => string | Uint8Array
  readonly prepare?: () => unknown
  readonly pem?: () => string
  readonly reason: DenyReason
  readonly inEmqx4?: DenyReason
}

const text = (fields: object): string => JSON.stringify(fields)
const bad: Readonly<Record<string, Bad>> = {
  'a text': { contentType: 'text/plain', reason: 'malformedRequest' },
  'no type': { contentType: '', reason: 'malformedRequest' },
  // All of it is one key, and none of the dialect's.
  'a form that is JSON': { contentType: 'application/x-www-form-urlencoded', reason: 'dialectMismatch' },
  'another charset': { contentType: 'application/json; charset=utf-16', reason: 'malformedRequest' },
  'octets that are no UTF-8': { body: () => Buffer.from([0x7b, 0xff, 0x7d]), reason: 'malformedRequest' },
  'UTF-16': { body: fields => Buffer.from(text(fields), 'utf16le'), reason: 'malformedRequest' },
  '70 KB': { body: fields => text({ ...fields, username: 'x'.repeat(70_000) }), reason: 'malformedRequest' },
  nothing: { body: () => '', reason: 'malformedRequest' },
  'a list': { body: fields => text([fields]), reason: 'malformedRequest' },
  'half of it': { body: fields => text(fields).slice(0, -20), reason: 'malformedRequest' },
  'no client id': {
    body: ({ clientid: _, ...others }) => text(others),
    reason: 'malformedRequest',
  },
  'a key twice': { body: fields => `{"clientid":"d2",${text(fields).slice(1)}`, reason: 'malformedRequest' },
  'a key twice, once escaped': {
    body: fields => `{"client\\u0069d":"d2",${text(fields).slice(1)}`,
    reason: 'malformedRequest',
  },
  'a number for a text': { body: fields => text({ ...fields, clientid: 1 }), reason: 'malformedRequest' },
  'true for a text': { body: fields => text({ ...fields, username: true }), reason: 'malformedRequest' },
  'an object for a text': { body: fields => text({ ...fields, username: {} }), reason: 'malformedRequest' },
  'base64 that is not canonical': { pem: () => `${test.own} `, reason: 'certificateUnparsable' },
  'half a certificate': {
    pem: () => Buffer.from(test.own, 'base64').subarray(0, 200).toString('base64'),
    reason: 'certificateUnparsable',
    // There the common name is looked for in it first.
    inEmqx4: 'commonNameMismatch',
  },
  'a certificate of another CA with the same name': { pem: () => test.strange, reason: 'certificateUnknown' },
  'an expired certificate': {
    prepare: () => {
      test.state.now += 400 * day
    },
    reason: 'expired',
  },
  'a revoked certificate': { prepare: () => test.fleet.revoke('d1'), reason: 'revoked' },
  'a clock that is behind': {
    prepare: () => {
      test.state.now -= day
    },
    reason: 'clockOff',
  },
  'a store that is down': {
    prepare: () => {
      test.state.fault = () => Promise.reject(new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'down' }))
    },
    reason: 'storeUnavailable',
  },
  'a store that fails in its own way': {
    prepare: () => {
      test.state.fault = () => Promise.reject(new Error('socket hang up'))
    },
    reason: 'storeUnavailable',
  },
  'a store that does not answer in time': {
    prepare: () => {
      test.state.fault = () => new Promise(() => {})
    },
    reason: 'deadlineExceeded',
  },
}

describe.each(['emqx4', 'emqx5'] as const)('%s is denied, with a reason in log and metrics:', dialect => {
  const denied = dialect === 'emqx5' ? 200 : 403

  it('nobody who is well', async () => {
    const responder = createEmqxResponder(test.auth, { dialect })
    const { status, body } = await responder.authenticate(json, Buffer.from(text(fieldsOf(dialect, test.own))))
    expect([status, body.includes('allow')]).toEqual([200, true])
  })

  it.each(Object.entries(bad))(
    '%s',
    async (_, { contentType = json, body = text, prepare, pem, inEmqx4, ...others }) => {
      const reason = (dialect === 'emqx4' ? inEmqx4 : undefined) ?? others.reason
      const sent = Buffer.from(body(fieldsOf(dialect, pem?.() ?? test.own)) as string)
      await prepare?.()
      const keep = setInterval(() => {}, 1000)
      const reasons: string[] = []
      const options = {
        dialect,
        deadlineSeconds: reason === 'deadlineExceeded' ? 0.05 : 4,
        onDeny: (denial: { readonly reason: string }) => void reasons.push(denial.reason),
      } as const
      const handler = createEmqxHandler(test.auth, { ...options, authorizeCaller: () => true })
      const answers = [
        await createEmqxResponder(test.auth, options).authenticate(contentType, sent),
        await handler(
          new Request('http://hub/validate', { method: 'POST', headers: { 'content-type': contentType }, body: sent }),
        ).then(async response => ({ status: response.status, body: await response.text() })),
      ]
      clearInterval(keep)
      for (const answer of answers) {
        // 403 is no allow to either, where it is not sure which of the two asks.
        expect(answer.status).toBe(reason === 'dialectMismatch' ? 403 : denied)
        expect(answer.body).toBe('{"result":"deny"}')
      }
      expect(reasons).toEqual([reason, reason])
      expect(countOf(test.auth, reason)).toBe(2)
      expect(test.auth.counters().decisions.connect.allow).toBe(0)
    },
  )
})

function countOf(auth: CountingBrokerAuth, reason: DenyReason): number {
  return Object.values(auth.counters().decisions).reduce((sum, { deny }) => sum + deny[reason], 0)
}
