import {
  type CopyProgress,
  copyFleet,
  memoryKeyring,
  memoryStore,
  openFleet,
  parseCrl,
  type Store,
} from '@fleetcert/core'
import { expect, it } from 'vitest'
import { Fixture } from '../../src/testing/store/fixture.ts'
import { encodings, exportAll, makeMovingFleet, observations } from '../../src/testing/store/moving-fleet.ts'
import { seededRandom } from '../crash/random.ts'
import { createChurn } from './churn.ts'

/** A store whose methods may be looked at, or do something else. It outlives who closes it. */
function wrapped(store: Store, changes: Partial<Store>): Store {
  return { ...store, close: async () => {}, [Symbol.asyncDispose]: async () => {}, ...changes }
}

const died = new Error('the process died')

/** Dies at the n-th call of the copy to either store: before it, or after it was done. */
function dyingPair(from: Store, to: Store, calls: number, isAfter: boolean): readonly [Store, Store, () => number] {
  let count = 0
  const names = ['importRecords', 'exportRecords', 'changeState', 'state', 'ledger', 'certificates'] as const
  const dying = (store: Store): Store => {
    const changes = names.map(name => [
      name,
      async (...args: readonly unknown[]) => {
        count += 1
        if (count > calls && !isAfter) throw died
        const result = await (store[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args)
        if (count > calls) throw died
        return result
      },
    ])
    return wrapped(store, Object.fromEntries(changes))
  }
  return [dying(from), dying(to), () => count]
}

async function expectSame(from: Store, to: Store): Promise<void> {
  expect(encodings(await exportAll(to, 100))).toEqual(encodings(await exportAll(from, 100)))
}

it('copies all that a fleet may have, and moves it when it is told to', async () => {
  const from = memoryStore()
  const to = memoryStore()
  const fleet = await makeMovingFleet(new Fixture(from))
  const before = await observations(from, fleet)

  const progress: CopyProgress[] = []
  const copied = await copyFleet(from, to, { onProgress: each => progress.push(each) })
  expect(copied.moved).toBe(false)
  expect(copied.records).toBeGreaterThan(30)
  expect(progress.at(-1)?.records).toBe(copied.records)
  expect(new Set(progress.map(({ phase }) => phase))).toEqual(new Set(['certificates', 'changes', 'rest']))
  expect((await to.state()).state).toBe('receiving')
  expect((await from.state()).state).toBe('open')
  await expectSame(from, to)

  await from.commit(fleet.reserved.id, new Uint8Array([1, 2]), [
    { type: 'issued', at: new Date(0), certificate: fleet.reserved.id },
  ])
  const after = await observations(from, fleet)
  expect(after).not.toEqual(before)
  const moved = await copyFleet(from, to, { seal: true })
  expect(moved.moved).toBe(true)
  expect(moved.records, 'what was there is not written again').toBeLessThan(15)
  expect(await from.state()).toEqual({ ...(await to.state()), state: 'sealed' })
  expect(await observations(to, fleet)).toEqual(after)
  await expectSame(from, to)
  expect(await copyFleet(from, to, { seal: true }), 'asked again').toEqual({ moved: true, records: 0 })
})

it('goes on wherever it was interrupted', { timeout: 60_000 }, async () => {
  const from = memoryStore()
  const fleet = await makeMovingFleet(new Fixture(from))
  const before = await observations(from, fleet)
  const [all, target, countOf] = dyingPair(from, memoryStore(), Number.POSITIVE_INFINITY, false)
  await copyFleet(all, target, { seal: true })
  const total = countOf()
  expect(total).toBeGreaterThan(50)
  expect(await from.changeState('sealed', 'open')).toBe(true)
  for (const isAfter of [false, true]) {
    for (let calls = 0; calls < total; calls++) {
      const to = memoryStore()
      const [dyingFrom, dyingTo] = dyingPair(from, to, calls, isAfter)
      await expect(copyFleet(dyingFrom, dyingTo, { seal: true })).rejects.toBe(died)
      // A source is never at work beside a target that is.
      const states = [(await from.state()).state, (await to.state()).state]
      expect(states).not.toEqual(['open', 'open'])
      expect((await copyFleet(from, to, { seal: true })).moved).toBe(true)
      expect(await observations(to, fleet)).toEqual(before)
      await expectSame(from, to)
      await from.changeState('sealed', 'open')
    }
  }
})

it('does not begin again when it goes on', async () => {
  const from = memoryStore()
  const fixture = new Fixture(from)
  for (let count = 0; count < 1200; count++) {
    await from.reserve(fixture.reservation({ deviceId: `device-${count}` }), [fixture.event('issuing')])
  }
  const to = memoryStore()
  const stop = new AbortController()
  const stopped = copyFleet(from, to, {
    signal: stop.signal,
    onProgress: ({ ordinal }) => ordinal >= 500 && stop.abort(new Error('enough')),
  })
  await expect(stopped).rejects.toThrow('enough')
  const ordinals: number[] = []
  await copyFleet(from, to, { onProgress: ({ phase, ordinal }) => phase === 'certificates' && ordinals.push(ordinal) })
  // One page that was written and perhaps not compared is written again.
  expect(ordinals.length).toBeLessThanOrEqual(3)
  await expectSame(from, to)
})

it.each([1, 2, 3, 4, 5, 6])('a fleet at work, by chance %i: nothing is missing, nothing is old', async seed => {
  const from = memoryStore()
  const keyring = memoryKeyring()
  const fleet = await openFleet({
    store: wrapped(from, {}),
    keyring,
    background: false,
    publish: { baseUrl: 'http://pki.example' },
  })
  const churn = createChurn(fleet, seed)
  for (let count = 0; count < 40; count++) await churn()
  const to = memoryStore()
  await expect(openFleet({ store: wrapped(to, {}), keyring, background: false })).rejects.toMatchObject({
    code: 'ERR_PKI_STORE_LOST',
  })

  const random = seededRandom(seed)
  const calls: (keyof Store)[] = ['exportRecords', 'importRecords', 'state']
  let done = 0
  /** Between any two calls of the copy, something happens. */
  const busy = (store: Store): Store =>
    wrapped(
      store,
      Object.fromEntries(
        calls.map(name => [
          name,
          async (...args: unknown[]) => {
            if (random.once(2) && (await from.state()).state === 'open' && done++ < 200) await churn()
            return (store[name] as (...args: unknown[]) => Promise<unknown>)(...args)
          },
        ]),
      ),
    )
  await copyFleet(busy(from), busy(to))
  await expect(openFleet({ store: wrapped(to, {}), keyring, background: false })).rejects.toMatchObject({
    code: 'ERR_PKI_STORE_INCOMPLETE',
  })
  await copyFleet(busy(from), busy(to), { seal: true })
  expect(done).toBeGreaterThan(20)
  await expectSame(from, to)

  // Who was at work there is told, and answers still.
  await expect(fleet.enroll('late')).rejects.toMatchObject({ code: 'ERR_PKI_STORE_MOVED' })
  await expect(openFleet({ store: wrapped(from, {}), keyring, background: false })).rejects.toMatchObject({
    code: 'ERR_PKI_STORE_MOVED',
  })
  const moved = await openFleet({
    store: wrapped(to, {}),
    keyring,
    background: false,
    publish: { baseUrl: 'http://pki.example' },
  })
  expect(moved.trustAnchors).toBe(fleet.trustAnchors)
  for await (const { deviceId } of fleet.devices()) {
    const records = (await from.certificates({ list: 'device', deviceId }, { limit: 100 })).items
    for (const { der } of records) {
      if (der === undefined) continue
      expect((await moved.identify({ der })).status).toBe((await fleet.identify({ der })).status)
    }
  }
  const numberOf = async (of: typeof fleet): Promise<bigint> => parseCrl((await of.crl()).der).crlNumber!
  const former = await numberOf(fleet)
  const { fingerprint } = await moved.enroll('after')
  await moved.renew('after')
  await moved.revoke({ fingerprint })
  expect((await moved.identify({ fingerprint })).status).toBe('revoked')
  expect(await numberOf(moved)).toBeGreaterThan(former)
  await moved.close()
  await fleet.close()
})

it('gives a source back that was sealed', async () => {
  const from = memoryStore()
  const keyring = memoryKeyring()
  const fleet = await openFleet({ store: wrapped(from, {}), keyring, background: false })
  await copyFleet(from, memoryStore(), { seal: true })
  await expect(fleet.enroll('device')).rejects.toMatchObject({ code: 'ERR_PKI_STORE_MOVED' })
  expect(await from.changeState('sealed', 'open')).toBe(true)
  await fleet.enroll('device')
  await fleet.close()
})

it('moves to one target: what was sealed for one is not opened in another', async () => {
  const from = memoryStore()
  await makeMovingFleet(new Fixture(from))
  const earlier = memoryStore()
  await copyFleet(from, earlier)
  const to = memoryStore()
  expect((await copyFleet(from, to, { seal: true })).moved).toBe(true)
  for (const other of [memoryStore(), earlier]) {
    const { state } = await other.state()
    for (const seal of [false, true]) {
      await expect(copyFleet(from, other, { seal })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_MOVED' })
    }
    expect((await other.state()).state).toBe(state)
  }
  expect((await copyFleet(from, to, { seal: true })).moved).toBe(true)
})

it('refuses what would be a mistake', async () => {
  const from = memoryStore()
  const fixture = new Fixture(from)
  await expect(copyFleet(memoryStore(), memoryStore())).rejects.toMatchObject({ code: 'ERR_PKI_STORE_EMPTY' })
  await fixture.issue()
  const other = memoryStore()
  await new Fixture(other).issue()
  const before = encodings(await exportAll(other))
  for (const seal of [false, true]) {
    await expect(copyFleet(from, other, { seal })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_IN_USE' })
    await expect(copyFleet(from, from, { seal })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_IN_USE' })
  }
  expect(encodings(await exportAll(other))).toEqual(before)
  expect((await from.state()).state).toBe('open')

  const to = memoryStore()
  await copyFleet(from, to)
  await expect(copyFleet(other, to), 'another fleet is on its way there').rejects.toMatchObject({
    code: 'ERR_PKI_STORE_IN_USE',
  })
  await expect(copyFleet(to, memoryStore()), 'half a fleet').rejects.toMatchObject({ code: 'ERR_PKI_STORE_INCOMPLETE' })
  await copyFleet(from, to, { seal: true })
  await from.changeState('sealed', 'open')
  await expect(copyFleet(from, to), 'the target is at work').rejects.toMatchObject({ code: 'ERR_PKI_STORE_IN_USE' })

  await expect(copyFleet(from, undefined as never)).rejects.toThrow('copyFleet: to: expected a Store')
  await expect(copyFleet(from, to, { sael: true } as never)).rejects.toThrow('sael')
  const aborted = AbortSignal.abort(new Error('no'))
  await expect(copyFleet(from, memoryStore(), { signal: aborted })).rejects.toThrow('no')
})

it('finds out when a target does not keep what it was given', async () => {
  const from = memoryStore()
  await makeMovingFleet(new Fixture(from))
  for (const kind of ['certificate', 'event', 'token', 'document', 'crlPart', 'crlScope', 'device', 'crl'] as const) {
    const to = memoryStore()
    const forgetful = wrapped(to, {
      importRecords: (mark, records, io) =>
        to.importRecords(
          mark,
          records.filter(record => record.kind !== kind),
          io,
        ),
    })
    const code = kind === 'crl' ? 'ERR_PKI_STORE_RECORD' : 'ERR_PKI_COPY_MISMATCH'
    await expect(copyFleet(from, forgetful, { seal: true }), kind).rejects.toMatchObject({ code })
    expect((await to.state()).state).toBe('receiving')
    await from.changeState('sealed', 'open')
  }
})

it('lets one copy at a time write to a target', async () => {
  const from = memoryStore()
  await makeMovingFleet(new Fixture(from))
  const to = memoryStore()
  // Whoever began last goes on, if any.
  const results = await Promise.allSettled([copyFleet(from, to), copyFleet(from, to), copyFleet(from, to)])
  const refused = results.filter(result => result.status === 'rejected')
  expect(refused.length).toBeGreaterThanOrEqual(2)
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'ERR_PKI_COPY_BUSY' })
  await copyFleet(from, to, { seal: true })
  await expectSame(from, to)
})

it('begins again where the ledger was dropped before it was copied', async () => {
  const from = memoryStore()
  const fixture = new Fixture(from)
  const at = new Date(0)
  const { id } = await fixture.issue()
  await from.putDocument('settings', new Uint8Array([1]), 0, [{ type: 'settingsChanged', at }])
  const to = memoryStore()
  await copyFleet(from, to)
  await from.revoke(id, fixture.revocation(), [{ type: 'revoked', at, certificate: id }])
  await from.putDocument('settings', new Uint8Array([2]), 1, [{ type: 'settingsChanged', at }])
  expect(await from.prune({ ledgerBefore: new Date(1) }, 100)).toBe(2)
  await copyFleet(from, to, { seal: true })
  expect((await to.certificate(id))?.revocation).toBeDefined()
  expect((await to.ledger({ after: '', limit: 10 })).items.at(-1)?.sequence).toBe(3)
})
