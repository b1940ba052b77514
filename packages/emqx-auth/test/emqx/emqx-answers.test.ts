import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BrokerAuth, ConnectDecision } from '../../src/broker-auth.ts'
import { createEmqxResponder, type EmqxResponder } from '../../src/emqx/create-emqx-responder.ts'
import { emqxAcl } from '../../src/emqx/emqx-acl.ts'
import type { EmqxAnswer } from '../../src/emqx/emqx-answer.ts'
import { compileAcl } from '../../src/topics/compile-acl.ts'
import { compileTopicTemplates } from '../../src/topics/topic-templates.ts'
import { emqx4Connect, emqx4Topic, emqx5Connect, emqx5Topic, emqxRules } from '../support/emqx-model.ts'

const now = new Date('2026-06-01T00:00:00Z')
const decision: Extract<ConnectDecision, { result: 'allow' }> = {
  ...{ result: 'allow', deviceId: 'd1', role: 'device', owner: 'alice', fingerprint: 'AA:BB', serialNumber: '0a1b' },
  expiresAt: new Date('2026-06-01T01:00:00Z'),
  acl: compileTopicTemplates()({ deviceId: 'd1', role: 'device', owner: 'alice', attributes: {} }),
}
const yes: BrokerAuth = { authenticate: async () => decision, authorize: async () => ({ result: 'allow' }) }
const no: BrokerAuth = {
  authenticate: async () => ({ result: 'deny', reason: 'revoked' }),
  authorize: async () => ({ result: 'deny', reason: 'topicNotAllowed' }),
}
const fingerprint = 'ab'.repeat(32)
const made = {
  emqx5: {
    authenticate: { clientid: 'd1', cert_pem: '', fingerprint },
    authorize: { clientid: 'd1', cert_common_name: 'd1', action: 'publish', topic: 't' },
  },
  emqx4: {
    authenticate: { clientid: 'd1', certificate: 'undefined', fingerprint, common_name: 'd1' },
    authorize: { clientid: 'd1', common_name: 'd1', access: '2', topic: 't' },
  },
} as const
const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value))
const ask = (responder: EmqxResponder, question: 'authenticate' | 'authorize', body: object): Promise<EmqxAnswer> =>
  responder[question]('application/json', json(body))
const dialects = ['emqx4', 'emqx5'] as const
const questions = ['authenticate', 'authorize'] as const

describe('what we answer, to a broker of the dialect', () => {
  it('lets in, never as a superuser, with attributes, rules and an end', async () => {
    const five = await ask(createEmqxResponder(yes, { dialect: 'emqx5' }), 'authenticate', made.emqx5.authenticate)
    for (const profile of ['legacy', 'hardened'] as const) {
      expect(emqx5Connect(five, { now, profile })).toEqual({
        ...{ connack: 'success', superuser: false, expireAt: now.getTime() / 1000 + 3600 },
        attributes: { device_id: 'd1', owner: 'alice', serial: '0a1b', fingerprint: 'AA:BB', role: 'device' },
        acl: JSON.parse(five.body).acl,
      })
    }
    // A36, A37, mountpoint of 4.4: nothing that moves a client elsewhere.
    expect(Object.keys(JSON.parse(five.body))).toEqual(['result', 'is_superuser', 'expire_at', 'client_attrs', 'acl'])
    const four = await ask(createEmqxResponder(yes, { dialect: 'emqx4' }), 'authenticate', made.emqx4.authenticate)
    expect(emqx4Connect(four, { anonymous: false })).toEqual({ connack: 'success', superuser: false })
    expect(() => JSON.parse(four.body)).toThrow()
  })

  it('refuses, whoever else would be asked', async () => {
    const five = createEmqxResponder(no, { dialect: 'emqx5' })
    for (const answer of [await ask(five, 'authenticate', made.emqx5.authenticate), five.deny]) {
      for (const next of ['nobody', 'permissive'] as const) {
        expect(emqx5Connect(answer, { now, next }).connack).toBe('notAuthorized')
      }
    }
    const four = createEmqxResponder(no, { dialect: 'emqx4' })
    for (const answer of [await ask(four, 'authenticate', made.emqx4.authenticate), four.deny]) {
      expect(emqx4Connect(answer, { anonymous: true }).connack).toBe('notAuthorized')
    }
  })

  it('decides topics, whatever matches no rule', async () => {
    for (const noMatch of ['allow', 'deny'] as const) {
      for (const [auth, expected] of [
        [yes, 'allow'],
        [no, 'deny'],
      ] as const) {
        const five = await ask(createEmqxResponder(auth, { dialect: 'emqx5' }), 'authorize', made.emqx5.authorize)
        expect(emqx5Topic(five, { noMatch })).toBe(expected)
        const four = await ask(createEmqxResponder(auth, { dialect: 'emqx4' }), 'authorize', made.emqx4.authorize)
        expect(emqx4Topic(four, { noMatch })).toBe(expected)
      }
    }
  })

  it('never makes a superuser of somebody whom EMQX 4 asks about by super_req', async () => {
    const responder = createEmqxResponder(yes, { dialect: 'emqx4' })
    // What super_req sends of itself: no certificate.
    const superuser = await ask(responder, 'authenticate', { clientid: 'd1', username: 'u' })
    const login = await ask(responder, 'authenticate', made.emqx4.authenticate)
    expect(emqx4Connect(login, { superuser })).toEqual({ connack: 'success', superuser: false })
  })
})

describe('dialects that are mixed up', () => {
  it.each(questions)(
    'let nobody in by %s: the broker speaks one, we the other, and we would say yes',
    async question => {
      for (const dialect of dialects) {
        const other = dialect === 'emqx4' ? 'emqx5' : 'emqx4'
        for (const auth of [yes, no]) {
          const responder = createEmqxResponder(auth, { dialect })
          const answers = [
            await ask(responder, question, made[other][question]),
            responder.denyFor(question, 'application/json', json(made[other][question])),
          ]
          for (const answer of answers) {
            expect(answer).toEqual({ status: 403, contentType: 'application/json', body: '{"result":"deny"}' })
            // A deny in both, as far as there is one: hard in 4 and in a hardened 5, and never an allow in 5.
            expect(emqx4Connect(answer).connack).toBe('notAuthorized')
            expect(emqx4Topic(answer)).toBe('deny')
            expect(emqx5Connect(answer, { now }).connack).toBe('notAuthorized')
            expect(emqx5Connect(answer, { now, next: 'permissive', profile: 'hardened' }).connack).toBe('notAuthorized')
            expect(emqx5Topic(answer)).toBe('deny')
          }
        }
      }
    },
  )

  it('let nobody in where EMQX 4 has the parameters that it comes with', async () => {
    const bodies = {
      authenticate: 'clientid=d1&username=d1&password=undefined',
      authorize: 'access=2&username=d1&clientid=d1&ipaddr=10.0.0.1&topic=t&mountpoint=undefined',
    }
    for (const dialect of dialects) {
      const responder = createEmqxResponder(yes, { dialect })
      const answer = await responder.authenticate('application/x-www-form-urlencoded', Buffer.from(bodies.authenticate))
      expect(emqx4Connect(answer).connack).toBe('notAuthorized')
    }
    const five = createEmqxResponder(yes, { dialect: 'emqx5' })
    expect(emqx4Topic(await five.authorize('application/x-www-form-urlencoded', Buffer.from(bodies.authorize)))).toBe(
      'deny',
    )
  })

  it('of an answer: what EMQX 4 takes for yes is nothing to EMQX 5', async () => {
    const responder = createEmqxResponder(yes, { dialect: 'emqx4' })
    for (const question of questions) {
      const answer = await ask(responder, question, made.emqx4[question])
      expect(emqx5Connect(answer, { now }).connack).toBe('notAuthorized')
      expect(emqx5Topic(answer)).toBe('deny')
    }
  })

  it('are told by the keys alone: no value that a client chooses softens a deny', async () => {
    const responder = createEmqxResponder(no, { dialect: 'emqx5' })
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (clientid, username) => {
        for (const value of [username, 'undefined', 'null', '%u', '"access":"2"', 'certificate']) {
          const connect = { ...made.emqx5.authenticate, clientid, username: value, cert_common_name: value }
          expect(await ask(responder, 'authenticate', connect)).toBe(responder.deny)
          const topic = { ...made.emqx5.authorize, clientid, username: value, topic: value }
          expect(await ask(responder, 'authorize', topic)).toBe(responder.deny)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('the rules that EMQX is given', () => {
  const level = fc.constantFrom('a', 'b', '+', '$SYS', '')
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
    .filter(text => text !== '')
  // Filters with one `+`, or with one before a last `+`, are told apart below.
  const isExact = (text: string): boolean => {
    const levels = text.split('/').filter(one => one !== '#')
    return levels.at(-1) !== '+' || !levels.slice(0, -1).includes('+')
  }
  const subject = { deviceId: 'd1', role: 'device', attributes: {} } as const

  it('allow nothing that MQTT’s own matching would not, in any version', () => {
    fc.assert(
      fc.property(fc.array(filter.filter(isExact), { maxLength: 3 }), filter, fc.boolean(), (device, asked, dollar) => {
        const acl = compileTopicTemplates({ device })(subject)
        const check = compileAcl(acl)
        for (const action of ['publish', 'subscribe'] as const) {
          if (action === 'publish' && /[+#]/.test(asked)) continue
          const verdict = emqxRules(emqxAcl(acl), action, asked, dollar)
          if (verdict === 'allow') expect([asked, device, check(action, asked)]).toEqual([asked, device, undefined])
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('allow what the templates say', () => {
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 3 }), fc.boolean(), (device, dollar) => {
        const acl = emqxAcl(compileTopicTemplates({ device })(subject))
        for (const topic of device) {
          expect([topic, emqxRules(acl, 'subscribe', topic, dollar)]).toEqual([topic, 'allow'])
          const name = topic.replaceAll('+', 'x').replace('#', 'y')
          if (!/^[+#]/.test(topic) || !dollar) {
            expect([name, emqxRules(acl, 'publish', name, dollar)]).toEqual([name, 'allow'])
          }
        }
      }),
    )
  })

  it('deny the wider filter that EMQX finds in a last +', () => {
    const acl = emqxAcl(
      compileTopicTemplates({ device: { subscribe: ['down/${deviceId}/+'], publish: ['up/+'] } })(subject),
    )
    expect(acl[0]).toEqual({ permission: 'deny', action: 'subscribe', topics: ['eq down/d1/#'] })
    expect(emqxRules(acl, 'subscribe', 'down/d1/#', true)).toBe('deny')
    expect(emqxRules(acl, 'subscribe', 'down/d1/+', true)).toBe('allow')
    expect(emqxRules(acl, 'subscribe', 'down/d1/x', true)).toBe('allow')
    const service = emqxAcl(compileTopicTemplates()({ ...subject, role: 'service' }))
    expect(emqxRules(service, 'subscribe', 'devices/#', true)).toBe('deny')
    expect(emqxRules(service, 'subscribe', 'users/+/devices/+/#', true)).toBe('allow')
  })

  it.each([true, false])('keep $SYS and delayed messages from a service that may all else', dollar => {
    const acl = emqxAcl(compileTopicTemplates({ service: ['#', '$SYS/brokers'] })({ ...subject, role: 'service' }))
    expect(emqxRules(acl, 'subscribe', '#', dollar)).toBe('allow')
    expect(emqxRules(acl, 'subscribe', '$SYS/#', dollar)).toBe('deny')
    expect(emqxRules(acl, 'subscribe', '$SYS/brokers', dollar)).toBe('allow')
    expect(emqxRules(acl, 'publish', '$delayed/5/a', dollar)).toBe('deny')
    expect(emqxRules(acl, 'publish', 'a/b', dollar)).toBe('allow')
  })

  it.each([true, false])('deny everything else, $SYS included', dollar => {
    const acl = emqxAcl(decision.acl)
    for (const topic of ['#', '+/#', 'users/#', 'users/alice/devices/+/x', 'users/alice/devices/d2/x', 'x']) {
      expect(emqxRules(acl, 'subscribe', topic, dollar)).toBe('deny')
    }
    expect(emqxRules(acl, 'subscribe', '$SYS/brokers/#', dollar)).toBe('deny')
    expect(emqxRules(acl, 'publish', 'users/alice/devices/d1/x', dollar)).toBe('allow')
  })
})
