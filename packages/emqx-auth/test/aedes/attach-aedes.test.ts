import type { DeviceCredential } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import type { AedesBroker, AedesPublishPacket } from '../../src/aedes/index.ts'
import type { BrokerAuth } from '../../src/broker-auth.ts'
import { closed, inbox, startBroker, type TestBroker, testFleet } from '../support/broker.ts'

const own = 'users/alice/devices/d1'

async function withService(
  test: TestBroker,
): Promise<ReturnType<typeof inbox> & { publish(topic: string): Promise<unknown> }> {
  const service = await test.connect(await test.fleet.enroll('backend', { role: 'service' }))
  await service.subscribeAsync('users/+/devices/+/#', { qos: 1 })
  return { ...inbox(service), publish: topic => service.publishAsync(topic, '', { qos: 1 }) }
}
const enrollDevice = (test: TestBroker): Promise<DeviceCredential> => test.fleet.enroll('d1', { owner: 'alice' })

describe('who connects', () => {
  it('is a device with its certificate and its client id, and it uses its own topics', async () => {
    await using test = await startBroker()
    const service = await withService(test)
    const device = await test.connect(await enrollDevice(test))
    const received = inbox(device)
    await device.subscribeAsync(`${own}/rpc/#`, { qos: 1 })
    await device.publishAsync(`${own}/telemetry`, 'x', { qos: 1 })
    await service.until(`${own}/telemetry`)
    await service.publish(`${own}/rpc/request`)
    await received.until(`${own}/rpc/request`)
    expect(test.denials).toEqual([])
  })

  it.each([
    ['a client id of another device', 'd2', 'clientIdNotBound'],
    ['an empty client id', '', 'clientIdEmpty'],
  ])('is not %s', async (_, clientId, reason) => {
    await using test = await startBroker()
    const credential = await enrollDevice(test)
    await expect(test.connect(credential, { clientId })).rejects.toMatchObject({ code: 5 })
    expect(test.denials).toEqual([
      { reason, action: 'connect', clientId, ...(clientId === '' ? {} : { deviceId: 'd1' }) },
    ])
  })

  it('is nobody without a certificate, or with one of another fleet', async () => {
    await using test = await startBroker({ lenientTls: true })
    await using other = await testFleet()
    await expect(test.connect({ deviceId: 'd1' })).rejects.toMatchObject({ code: 5 })
    await expect(test.connect(await other.enroll('d1'))).rejects.toMatchObject({ code: 5 })
    const server = await test.fleet.issueServer({ hosts: ['d1'] })
    await expect(test.connect({ ...server, deviceId: 'd1' } as never)).rejects.toMatchObject({ code: 5 })
    expect(test.denials.map(denial => denial.reason)).toEqual([
      'noCertificate',
      'certificateUnknown',
      'certificateUnknown',
    ])
  })

  it('is refused by the handshake already where TLS insists on our CA', async () => {
    await using test = await startBroker()
    await using other = await testFleet()
    await expect(test.connect({ deviceId: 'd1' })).rejects.toThrow()
    await expect(test.connect(await other.enroll('d1'))).rejects.toThrow()
    expect(test.denials).toEqual([])
  })

  it('is refused when no decision comes in time, and when it fails', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    await using slow = await startBroker({
      wrap: auth => ({ ...auth, authenticate: never }),
      attach: { deadlineSeconds: 0.05 },
    })
    await expect(slow.connect(await enrollDevice(slow))).rejects.toMatchObject({ code: 5 })
    const fails = (): Promise<never> => Promise.reject(new Error('broken'))
    await using broken = await startBroker({ wrap: auth => ({ ...auth, authenticate: fails }) })
    await expect(broken.connect(await enrollDevice(broken))).rejects.toMatchObject({ code: 5 })
  })
})

describe('topics', () => {
  it('outside what the device may publish to close its connection', async () => {
    await using test = await startBroker()
    const service = await withService(test)
    const device = await test.connect(await enrollDevice(test))
    const isClosed = closed(device)
    device.publish('users/alice/devices/d2/x', 'x')
    await isClosed
    expect(test.denials).toEqual([
      {
        reason: 'topicNotAllowed',
        action: 'publish',
        clientId: 'd1',
        deviceId: 'd1',
        topic: 'users/alice/devices/d2/x',
      },
    ])
    await service.publish(`${own}/end`)
    await service.until(`${own}/end`)
    expect(service.topics).toEqual([`${own}/end`])
  })

  it('outside what it may subscribe to are refused in the SUBACK', async () => {
    await using test = await startBroker()
    const device = await test.connect(await enrollDevice(test))
    for (const filter of ['#', 'users/#', 'users/alice/devices/+/x', '$SYS/#', 'devices/d1/#']) {
      await expect(device.subscribeAsync(filter)).rejects.toThrow()
    }
    expect(await device.subscribeAsync(`${own}/#`)).toMatchObject([{ topic: `${own}/#`, qos: 0 }])
    expect(test.denials).toHaveLength(5)
  })

  it('that were refused are not delivered from a kept session either', async () => {
    await using test = await startBroker()
    const credential = await enrollDevice(test)
    const service = await withService(test)
    const device = await test.connect(credential, { clean: false })
    const foreign = 'users/bob/devices/d2/x'
    await device.subscribeAsync({ [`${own}/#`]: { qos: 1 }, [foreign]: { qos: 1 } }).catch(() => {})
    await device.endAsync(true)
    await service.publish(foreign)
    await service.publish(`${own}/x`)
    const again = await test.connect(credential, { clean: false })
    const received = inbox(again)
    await again.subscribeAsync(`${own}/#`, { qos: 1 })
    await service.publish(foreign)
    await service.publish(`${own}/end`)
    await received.until(`${own}/end`)
    expect(received.topics).not.toContain(foreign)
  })

  it('are asked of the handlers that the broker had, after ours', async () => {
    await using test = await startBroker({ auth: { topics: { service: ['$SYS/#', 'x'] } } })
    const credential = await test.fleet.enroll('backend', { role: 'service' })
    const service = await test.connect(credential)
    await service.publishAsync('x', '', { qos: 1 })
    const isClosed = closed(service)
    // aedes' own handler refuses this.
    service.publish('$SYS/x', '')
    await isClosed
    expect(test.denials).toEqual([])
  })
})

describe('silence', () => {
  it('closes all sessions of a revoked device, publishes no will, and keeps it out', async () => {
    await using test = await startBroker()
    const service = await withService(test)
    const credential = await enrollDevice(test)
    const will = { topic: `${own}/will`, payload: Buffer.from('x'), qos: 1, retain: true } as const
    const sessions = [
      await test.connect(credential, { will }),
      await test.connect(credential, { will, clientId: 'd1/tool' }),
    ]
    const other = await test.connect(await test.fleet.enroll('d2', { owner: 'alice' }))
    const areClosed = Promise.all(sessions.map(closed))
    await test.fleet.revoke('d1')
    expect(await test.enforcer.silence({ deviceId: 'd1', clientIds: ['d1'] }, {})).toBe('gone')
    expect(Object.keys((test.broker as AedesBroker).clients!).sort()).toEqual(['backend', 'd2'])
    await areClosed
    expect(await test.enforcer.silence({ deviceId: 'd1' })).toBe('wasNotConnected')
    await other.publishAsync('users/alice/devices/d2/end', '', { qos: 1 })
    await service.until('users/alice/devices/d2/end')
    expect(service.topics).toEqual(['users/alice/devices/d2/end'])
    const late = await test.connect(await test.fleet.enroll('late', { role: 'service' }))
    const received = inbox(late)
    await late.subscribeAsync('users/+/devices/+/#')
    await late.publishAsync('users/alice/devices/d2/retained', '', { qos: 1 })
    await received.until('users/alice/devices/d2/retained')
    expect(received.topics).not.toContain(will.topic)
    await expect(test.connect(credential)).rejects.toMatchObject({ code: 5 })
    expect(test.denials.at(-1)).toEqual({ reason: 'revoked', action: 'connect', clientId: 'd1', deviceId: 'd1' })
  })

  it('is what a fleet’s revocation ends in', async () => {
    const held: { enforcer?: TestBroker['enforcer'] } = {}
    const { memoryKeyring, memoryStore, openFleet } = await import('@fleetcert/core')
    const fleet = await openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      enforcers: [{ name: 'aedes', silence: (target, options) => held.enforcer!.silence(target, options) }],
    })
    await using test = await startBroker({ fleet })
    held.enforcer = test.enforcer
    const device = await test.connect(await enrollDevice(test))
    const isClosed = closed(device)
    const { enforced } = await fleet.revoke('d1')
    expect(await enforced).toEqual({ confirmed: ['aedes'], pending: [], failed: [] })
    await isClosed
  })

  it('also catches a CONNECT that was allowed before and answered after', async () => {
    const gate = hold()
    await using test = await startBroker({
      wrap: auth => ({
        ...auth,
        authenticate: async input => {
          const decision = await auth.authenticate(input)
          await gate.pass()
          return decision
        },
      }),
    })
    const connecting = test.connect(await enrollDevice(test))
    await gate.reached
    await test.fleet.revoke('d1')
    expect(await test.enforcer.silence({ deviceId: 'd1' })).toBe('wasNotConnected')
    gate.open()
    await expect(connecting).rejects.toMatchObject({ code: 5 })
    expect(test.denials).toEqual([{ reason: 'revoked', action: 'connect', clientId: 'd1', deviceId: 'd1' }])
  })

  it('lets such a CONNECT in if the device is good all the same, and gives up on endless revocations', async () => {
    const calls = { count: 0, silences: 1 }
    const held: { enforcer?: TestBroker['enforcer'] } = {}
    const wrap = (auth: BrokerAuth): BrokerAuth => ({
      ...auth,
      async authenticate(input) {
        const decision = await auth.authenticate(input)
        if (calls.count++ < calls.silences) await held.enforcer!.silence({ deviceId: 'd1' })
        return decision
      },
    })
    await using test = await startBroker({ wrap })
    held.enforcer = test.enforcer
    const credential = await enrollDevice(test)
    const device = await test.connect(credential)
    expect(calls.count).toBe(2)
    await device.endAsync()
    Object.assign(calls, { count: 0, silences: 99 })
    await expect(test.connect(credential)).rejects.toMatchObject({ code: 5 })
    expect(test.denials).toEqual([{ reason: 'silenced', action: 'connect', clientId: 'd1' }])
  })

  it('closes a session that aedes has not registered yet', async () => {
    await using test = await startBroker()
    const { persistence } = test.broker as unknown as {
      persistence: { cleanSubscriptions(client: unknown): Promise<unknown> }
    }
    const clean = persistence.cleanSubscriptions.bind(persistence)
    let silenced: Promise<string> | undefined
    persistence.cleanSubscriptions = async client => {
      silenced = test.enforcer.silence({ deviceId: 'd1' })
      await silenced
      return clean(client)
    }
    await expect(test.connect(await enrollDevice(test))).rejects.toThrow()
    expect(await silenced).toBe('gone')
    await new Promise(resolve => setImmediate(resolve))
    expect(Object.keys((test.broker as AedesBroker).clients!)).toEqual([])
  })

  it('closes what was connected before the broker was attached', async () => {
    await using test = await startBroker()
    const strays = test.broker as unknown as {
      clients: Record<string, { conn: { destroyed: boolean; once: unknown; destroy(): void }; close(): void }>
    }
    const { PassThrough } = await import('node:stream')
    const conn = new PassThrough()
    strays.clients['d1'] = { conn, close: () => {} }
    expect(await test.enforcer.silence({ deviceId: 'd1', clientIds: ['d1', 'nobody'] })).toBe('gone')
    expect(conn.destroyed).toBe(true)
    delete strays.clients['d1']
  })

  it('stops waiting when it is aborted', async () => {
    await using test = await startBroker()
    await expect(
      test.enforcer.silence({ deviceId: 'd1' }, { signal: AbortSignal.abort(new Error('enough')) }),
    ).rejects.toThrow('enough')
    const strays = test.broker as unknown as { clients: Record<string, unknown> }
    const stuck = { destroyed: false, closed: false, once: () => {}, destroy: () => {} }
    strays.clients['d1'] = { conn: stuck, close: () => {} }
    const controller = new AbortController()
    const silence = test.enforcer.silence({ deviceId: 'd1', clientIds: ['d1'] }, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(silence).rejects.toThrow('enough')
    delete strays.clients['d1']
  })
})

describe('wills', () => {
  const will = (topic: string) => ({ topic, payload: Buffer.from('x'), qos: 1, retain: false }) as const
  const breakOff = (client: { stream: { destroy(): void } }): void => client.stream.destroy()
  // A marker behind the will: what has not come by then was not published.
  async function seen(service: Awaited<ReturnType<typeof withService>>, test: TestBroker): Promise<string[]> {
    while (Object.keys((test.broker as AedesBroker).clients!).includes('d1'))
      await new Promise(resolve => setTimeout(resolve, 5))
    await service.publish(`${own}/end`)
    await service.until(`${own}/end`)
    return service.topics.filter(topic => topic !== `${own}/end`)
  }

  it('of a device whose connection breaks are published inside its topics alone', async () => {
    await using test = await startBroker()
    const service = await withService(test)
    const credential = await enrollDevice(test)
    breakOff(await test.connect(credential, { will: will(`${own}/will`) }))
    await service.until(`${own}/will`)
    const outside = 'users/bob/devices/d2/will'
    breakOff(await test.connect(credential, { will: will(outside) }))
    expect(await seen(service, test)).toEqual([`${own}/will`])
    expect(test.denials).toEqual([
      { reason: 'topicNotAllowed', action: 'publish', clientId: 'd1', deviceId: 'd1', topic: outside },
    ])
  })

  it('of a device that was revoked meanwhile are not published', async () => {
    await using test = await startBroker()
    const service = await withService(test)
    const device = await test.connect(await enrollDevice(test), { will: will(`${own}/will`) })
    await test.fleet.revoke('d1')
    breakOff(device)
    expect(await seen(service, test)).toEqual([])
    expect(test.denials).toEqual([
      { reason: 'revoked', action: 'publish', clientId: 'd1', deviceId: 'd1', topic: `${own}/will` },
    ])
  })

  it('of a device that is silenced while its will is judged are not published', async () => {
    const gate = hold()
    await using test = await startBroker({
      wrap: auth => ({
        ...auth,
        authorize: async input => {
          const decision = await auth.authorize(input)
          await gate.pass()
          return decision
        },
      }),
    })
    const service = await withService(test)
    breakOff(await test.connect(await enrollDevice(test), { will: will(`${own}/will`) }))
    await gate.reached
    await test.enforcer.silence({ deviceId: 'd1' })
    gate.open()
    expect(await seen(service, test)).toEqual([])
    expect(test.denials).toMatchObject([{ reason: 'silenced', action: 'publish' }])
  })

  it('of a session that is silenced are not published, whatever the device is worth', async () => {
    await using test = await startBroker()
    const service = await withService(test)
    await test.connect(await enrollDevice(test), { will: will(`${own}/will`) })
    await test.enforcer.silence({ deviceId: 'd1' })
    expect(await seen(service, test)).toEqual([])
    expect(test.denials).toMatchObject([{ reason: 'silenced', action: 'publish' }])
  })

  it('that a broker left behind are judged by what their device is now', async () => {
    await using test = await startBroker()
    await enrollDevice(test)
    const broker = test.broker as AedesBroker
    const judge = async (packet: Partial<AedesPublishPacket>): Promise<string> => {
      const left = {
        topic: `${own}/will`,
        payload: 'x',
        qos: 1,
        retain: true,
        clientId: 'd1/tool',
        brokerId: 'gone',
        ...packet,
      }
      expect(await new Promise(resolve => broker.authorizePublish(null, left, resolve))).toBeNull()
      if (left.topic.startsWith('$SYS/')) expect(left).toMatchObject({ payload: '', qos: 0, retain: false })
      return left.topic
    }
    expect(await judge({})).toBe(`${own}/will`)
    const refused = `$SYS/${broker.id}/refused/wills`
    expect(await judge({ topic: 'users/bob/devices/d2/will' })).toBe(refused)
    expect(await judge({ clientId: 'd2' })).toBe(refused)
    expect(await judge({ clientId: '' })).toBe(refused)
    await test.fleet.revoke('d1')
    expect(await judge({})).toBe(refused)
  })
})

describe('the end of a session', () => {
  it('comes when its time is over', async () => {
    await using test = await startBroker({ auth: { sessionSeconds: 3 } })
    const device = await test.connect(await enrollDevice(test))
    await closed(device)
    expect(test.denials).toEqual([{ reason: 'expired', action: 'session', clientId: 'd1', deviceId: 'd1' }])
  })
})

/** Something to stop at, until it is opened. */
function hold(): { pass(): Promise<void>; open(): void; readonly reached: Promise<void> } {
  const opened = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  return {
    pass() {
      reached.resolve()
      return opened.promise
    },
    open: opened.resolve,
    reached: reached.promise,
  }
}
