import { memoryKeyring, memoryStore, openFleet, PkiError, type Store } from '@fleetcert/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createBrokerAuth } from '../src/broker-auth.ts'
import { createDecisionSlots } from '../src/decision-slots.ts'
import { createEmqxResponder } from '../src/emqx/create-emqx-responder.ts'
import { commonNameAlone } from '../src/unsafe.ts'
import { fakeDer, stubFleet } from './support/stub-fleet.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** A fleet whose store answers nothing about certificates while it is held. */
async function slowFleet() {
  const base = memoryStore()
  let held: PromiseWithResolvers<void> | undefined
  let asked = 0
  const store: Store = {
    ...base,
    async certificate(key, io) {
      asked += 1
      await held?.promise
      return base.certificate(key, io)
    },
  }
  const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
  return {
    fleet,
    hold(): void {
      held = Promise.withResolvers()
    },
    release(): void {
      held?.resolve()
      held = undefined
    },
    get asked() {
      return asked
    },
  }
}

const strangers = Array.from({ length: 20 }, (_, index) => ({
  clientId: `x${index}`,
  certificate: { der: fakeDer(`stranger ${index}`) },
}))

describe('more decisions than may be under way', () => {
  it('are refused at once, and those in memory are still made', async () => {
    const slow = await slowFleet()
    const { fleet } = slow
    const { fingerprint } = await fleet.enroll('d1')
    const auth = createBrokerAuth({ fleet, maxConcurrentDecisions: 5 })
    const known = { clientId: 'd1', certificate: { fingerprint } }
    for (let round = 0; round < 3; round += 1) await auth.authenticate(known)

    slow.hold()
    const before = slow.asked
    const waiting = strangers.slice(0, 5).map(stranger => auth.authenticate(stranger))
    expect(auth.counters().underWay).toBe(5)
    for (const stranger of strangers.slice(5)) {
      expect(await auth.authenticate(stranger)).toEqual({ result: 'deny', reason: 'overloaded' })
    }
    expect(await auth.authenticate(known)).toMatchObject({ result: 'allow' })
    expect(await auth.authorize({ ...known, action: 'publish', topic: 'devices/d1/x' })).toEqual({ result: 'allow' })
    expect(slow.asked - before).toBe(5)

    slow.release()
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => ({ result: 'deny', reason: 'certificateUnknown' })))
    expect(auth.counters()).toMatchObject({
      underWay: 0,
      decisions: { connect: { deny: { overloaded: 15, certificateUnknown: 5 } } },
    })
    expect(await auth.authenticate(strangers[9]!)).toMatchObject({ reason: 'certificateUnknown' })
    await fleet.close()
  })

  it('are refused without a question where the fleet has no memory, and where nothing but a name is known', async () => {
    let asked = 0
    const { promise } = Promise.withResolvers<never>()
    const auth = createBrokerAuth({
      identifyBy: commonNameAlone,
      maxConcurrentDecisions: 1,
      fleet: {
        identify: () => {
          asked += 1
          return promise
        },
        device: () => {
          asked += 1
          return promise
        },
      },
    })
    void auth.authenticate(strangers[0]!)
    const names = { clientId: 'd1', commonName: 'd1', subject: 'CN=d1' }
    const topic = { clientId: 'd1', deviceId: 'd1', action: 'publish', topic: 'devices/d1/x' } as const
    expect(await auth.authenticate(strangers[1]!)).toEqual({ result: 'deny', reason: 'overloaded' })
    expect(await auth.authenticate(names)).toEqual({ result: 'deny', reason: 'overloaded' })
    expect(await auth.authorize(topic)).toEqual({ result: 'deny', reason: 'overloaded' })
    expect(asked).toBe(1)
    // What needs nobody to be asked has its own reason.
    expect(await auth.authenticate({ clientId: '', certificate: { fingerprint: 'AA' } })).toMatchObject({
      reason: 'clientIdEmpty',
    })
  })

  it('is a plain deny to EMQX', async () => {
    const slow = await slowFleet()
    const auth = createBrokerAuth({ fleet: slow.fleet, maxConcurrentDecisions: 1 })
    const denials: unknown[] = []
    const responder = createEmqxResponder(auth, { dialect: 'emqx5', onDeny: denial => denials.push(denial) })
    const ask = (index: number) =>
      responder.authenticate(
        'application/json',
        Buffer.from(
          JSON.stringify({
            clientid: 'x',
            cert_pem: Buffer.from(strangers[index]!.certificate.der).toString('base64'),
          }),
        ),
      )
    slow.hold()
    const first = ask(0)
    expect(await ask(1)).toEqual({ status: 200, contentType: 'application/json', body: '{"result":"deny"}' })
    expect(denials).toEqual([{ reason: 'overloaded', action: 'connect', clientId: 'x' }])
    slow.release()
    await first
    await slow.fleet.close()
  })

  it('need a number', () => {
    const fleet = stubFleet([])
    for (const maxConcurrentDecisions of [0, -1, 1.5, Number.NaN, '10' as never]) {
      expect(() => createBrokerAuth({ fleet, maxConcurrentDecisions })).toThrow(RangeError)
    }
  })
})

describe('a place', () => {
  it('is given back', () => {
    const slots = createDecisionSlots(2)
    const [one, two] = [slots.take()!, slots.take()!]
    expect(slots.take()).toBeUndefined()
    slots.release(one)
    slots.release(one)
    expect(slots.taken).toBe(1)
    expect(slots.take()).toBeDefined()
    expect(slots.take()).toBeUndefined()
    slots.release(two)
  })

  it('is not lost for good to a store that never answers', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const slots = createDecisionSlots(2)
    slots.take()
    vi.advanceTimersByTime(30_000)
    slots.take()
    vi.advanceTimersByTime(29_999)
    expect(slots.take()).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(slots.take()).toBeDefined()
    expect(slots.take()).toBeUndefined()
    expect(slots.taken).toBe(2)
  })
})

it('a fleet that says it is busy is one', async () => {
  const busy = new PkiError('ERR_PKI_BUSY', { retryAfterSeconds: 1 })
  const fail = (): Promise<never> => Promise.reject(busy)
  const auth = createBrokerAuth({ fleet: { identify: fail, device: fail } })
  expect(await auth.authenticate(strangers[0]!)).toEqual({ result: 'deny', reason: 'overloaded' })
})
