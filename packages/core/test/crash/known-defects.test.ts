import { type Enforcer, memoryKeyring, memoryStore, openFleet, parseCrl, type Store } from '@fleetcert/core'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createProcess } from './faulty-process.ts'
import { knownDefects } from './known-defects.ts'
import { createObservations } from './observations.ts'
import { makeSpareKeys, type SpareKeys } from './spare-keys.ts'
import { createWorld } from './world.ts'

// What the search has found, each as small as it can be. What is not mended yet is `it.fails` and has an entry in known-defects.ts, so that the search goes on past it.

let keys: SpareKeys
beforeAll(async () => {
  keys = await makeSpareKeys(10)
})
afterEach(() => {
  vi.useRealTimers()
})

/** A promise that is settled from outside. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

const lasting = (store: Store): Store => ({ ...store, close: async () => {}, [Symbol.asyncDispose]: async () => {} })

it('every defect that the search goes past has a test here', () => {
  expect(knownDefects.length).toBe(0)
})

// The first start dies before it signs its planned root. The second one finds the planned serial number reserved, takes another one and dies after the commit. The third one must not issue again.
it('a first start that dies twice has one root', async () => {
  const world = createWorld(keys)
  for (const [call, fault] of [
    ['signer.sign', 'cutBefore'],
    ['store.commit', 'cutAfter'],
  ] as const) {
    const process = world.process({ draw: name => (name === call ? fault : undefined) })
    await world.open(process).catch(() => {})
    expect(process.dead).toBe(true)
    world.clock.advance(120)
  }
  const fleet = await world.open(world.process())
  const roots = new Set<string>()
  for await (const { type, certificate } of fleet.events({ follow: false })) {
    if (type !== 'issued') continue
    const record = await world.store.certificate(certificate!)
    if (record?.role === 'root') roots.add(record.id.serialNumber)
  }
  expect(roots.size).toBe(1)
})

// What is current is read before the CRL itself. Another process publishes between the two: whoever took what was read for what is there would answer with the old one.
it('a CRL is never older than what another process published meanwhile', async () => {
  const world = createWorld(keys)
  const slow = gate()
  const read = gate()
  let isHeld = false
  const other = await world.open(
    world.process({
      async turn(call, stage) {
        if (!isHeld || call !== 'store.crlState' || stage !== 'answer') return
        read.open()
        await slow.opened
      },
    }),
  )
  const fleet = await world.open(world.process())
  const { serialNumber } = await fleet.enroll('sensor-1', { csr: world.csr() })
  await fleet.crl()
  await fleet.revoke('sensor-1')
  isHeld = true
  const asked = other.crl()
  await read.opened
  await fleet.crl()
  slow.open()
  expect(parseCrl((await asked).der).entries.map(entry => entry.serialNumber)).toEqual([serialNumber])
})

// revoke() looks at the role alone: what a first start left half made is a CA too, is no issuer of the fleet, and is listed by pending() for good.
it('what a first start left behind can be revoked', async () => {
  const world = createWorld(keys)
  const process = world.process({ draw: name => (name === 'store.commit' ? 'cutBefore' : undefined) })
  await world.open(process).catch(() => {})
  world.clock.advance(120)
  const fleet = await world.open(world.process())
  for await (const { id } of fleet.pending()) await fleet.revoke(id, { reason: 'superseded' })
})

// The clock is read before the ledger's newest date is asked for. While the answer is under way for longer than the tolerance, another process writes: the clock was right, and is said to be off.
it('a store that answers slowly is not taken for a clock that is off', async () => {
  const world = createWorld(keys)
  const slow = gate()
  let isHeld = false
  const fleet = await world.open(
    world.process({
      async turn(call, stage) {
        if (isHeld && call === 'store.newestEventAt' && stage === 'call') await slow.opened
      },
    }),
  )
  const other = await world.open(world.process())
  const { fingerprint } = await fleet.enroll('sensor-1', { csr: world.csr() })
  isHeld = true
  const asked = fleet.identify({ fingerprint })
  world.clock.advance(10)
  await other.enroll('sensor-2', { csr: world.csr() })
  slow.open()
  expect((await asked).status).toBe('active')
})

// The commit fails and giving up the reservation fails, as when the store is away for a moment. extendHolder then renews the leases of all of the process's reservations, this one too, as long as any
// other is open: in a busy process for ever.
it('a reservation that could not be given up runs out in a busy process', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  let isAway = false
  const busy = gate()
  let isBusy = false
  const store = lasting(memoryStore())
  const process = createProcess({
    store,
    keyring: memoryKeyring(),
    observations: createObservations(),
    draw: call => (isAway && (call === 'store.commit' || call === 'store.abandon') ? 'refused' : undefined),
    async turn(call) {
      if (isBusy && call === 'signer.sign') await busy.opened
    },
  })
  const fleet = await openFleet({ store: process.store, keyring: process.keyring })
  const csr = keys.requests()
  isAway = true
  await expect(fleet.enroll('sensor-1', { csr: csr() })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
  isAway = false
  isBusy = true
  const other = fleet.enroll('sensor-2', { csr: csr() })
  try {
    await vi.advanceTimersByTimeAsync(600_000)
    isBusy = false
    await fleet.enroll('sensor-1', { csr: csr() })
  } finally {
    busy.open()
    await other
    await fleet.close()
  }
})

// The revocation is remembered as this process's own before the store has answered, and its enforcers are asked only after. When the answer is lost, follow-revocations takes the event for enforced:
// the device is revoked, the operator has heard an error, and its session lives on.
it('a revocation whose answer was lost is enforced', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  const silenced: string[] = []
  const process = createProcess({
    store: lasting(memoryStore()),
    keyring: memoryKeyring(),
    observations: createObservations(),
    draw: call => (call === 'store.revokeDevice' ? 'replyLost' : undefined),
  })
  const enforcer: Enforcer = {
    name: 'broker',
    async silence({ deviceId }) {
      silenced.push(deviceId)
      return 'gone'
    },
  }
  const fleet = await openFleet({ store: process.store, keyring: process.keyring, enforcers: [enforcer] })
  try {
    const { fingerprint } = await fleet.enroll('sensor-1', { csr: keys.requests()() })
    await expect(fleet.revoke('sensor-1')).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    expect((await fleet.identify({ fingerprint })).status).toBe('revoked')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(silenced).toEqual(['sensor-1'])
  } finally {
    await fleet.close()
  }
})
