import { type Enforcer, type Fleet, type FleetWarning, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeEnforcementState, encodeEnforcementState } from '../../src/revocation/enforcement/enforcement-state.ts'
import type { Store } from '../../src/store/store.ts'

const poll = { timeout: 10_000, interval: 20 }

let now: Date
let store: Store
let keyring: ReturnType<typeof memoryKeyring>
let fleets: Fleet[]
let warnings: FleetWarning[]
/** `silence sensor-1`, in order. */
let told: string[]

beforeEach(() => {
  now = new Date('2026-06-01T12:00:00Z')
  const inner = memoryStore({ clock: () => now })
  store = { ...inner, close: async () => {}, [Symbol.asyncDispose]: async () => {} }
  keyring = memoryKeyring()
  fleets = []
  warnings = []
  told = []
})
afterEach(async () => {
  for (const fleet of fleets) await fleet.close()
})

async function open(enforcers: Enforcer[] = [], background = true): Promise<Fleet> {
  const fleet = await openFleet({
    store,
    keyring,
    enforcers,
    background,
    clock: () => now,
    enforceTimeoutSeconds: 5,
    onWarning: warning => void warnings.push(warning),
  })
  fleets.push(fleet)
  return fleet
}

function broker(more: Partial<Enforcer> = {}): Enforcer {
  return {
    name: 'broker',
    async silence({ deviceId }) {
      told.push(`silence ${deviceId}`)
      return 'gone'
    },
    ...more,
  }
}

async function receipts(): Promise<string[]> {
  const { items } = await store.ledger({ after: '', limit: 5000 })
  return items.flatMap(({ type, deviceId, details }) =>
    type === 'enforced' ? [`${details?.['enforcer']} ${deviceId} ${details?.['outcome']}`] : [],
  )
}
/** Two looks at the ledger and more. */
const looks = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 1300))

describe('the receipt', () => {
  it('is an event that names device, enforcer, outcome and how far it goes, once', async () => {
    const fleet = await open([broker(), broker({ name: 'other', silence: async () => 'wasNotConnected' })])
    await fleet.enroll('sensor-1')
    await fleet.renew('sensor-1')
    const { enforced } = await fleet.revoke('sensor-1')
    expect((await enforced).confirmed).toEqual(['broker', 'other'])
    await expect.poll(receipts, poll).toHaveLength(2)
    await looks()
    expect((await receipts()).sort()).toEqual(['broker sensor-1 gone', 'other sensor-1 wasNotConnected'])
    // What the call had done already was not asked for again.
    expect(told).toEqual(['silence sensor-1'])
    const { items } = await store.ledger({ after: '', limit: 500 })
    const revoked = items.filter(({ type }) => type === 'revoked').map(({ sequence }) => sequence)
    expect(revoked).toHaveLength(2)
    const receipt = items.find(({ type }) => type === 'enforced')!
    expect(receipt).toMatchObject({ at: now, details: { through: Math.max(...revoked) } })
    await fleet.close()
    await open([broker()])
    await looks()
    expect(await receipts()).toHaveLength(2)
    expect(told).toHaveLength(1)
  })

  it('is there for each time that a device was revoked', async () => {
    const fleet = await open([broker()])
    for (let round = 1; round <= 2; round++) {
      await fleet.enroll('sensor-1')
      await fleet.revoke('sensor-1')
      await expect.poll(receipts, poll).toHaveLength(round)
      now = new Date(now.getTime() + 1000)
    }
    expect(told).toHaveLength(2)
  })

  it('is not given while a session may be there', async () => {
    const fleet = await open([broker({ silence: () => Promise.reject(new Error('the broker is down')) })])
    await fleet.enroll('sensor-1')
    const { enforced } = await fleet.revoke('sensor-1')
    expect(await enforced).toMatchObject({ confirmed: [], failed: [{ name: 'broker' }] })
    await looks()
    expect(await receipts()).toEqual([])
    expect(warnings).toMatchObject([{ type: 'deviceNotSilenced', enforcer: 'broker', deviceId: 'sensor-1' }])
  })

  it('comes when a later attempt has success', async () => {
    let failures = 3
    const silence: Enforcer['silence'] = async ({ deviceId }) => {
      told.push(deviceId)
      if (failures-- > 0) throw new Error('the broker is down')
      return 'gone'
    }
    const fleet = await open([broker({ silence })])
    await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1')
    await expect.poll(receipts, poll).toEqual(['broker sensor-1 gone'])
    expect(told).toHaveLength(4)
  })

  it('of others does not wait for a device that is never confirmed', async () => {
    const silence: Enforcer['silence'] = async ({ deviceId }) => {
      if (deviceId === 'sensor-0') throw new Error('not this one')
      return 'gone'
    }
    const fleet = await open([broker({ silence })])
    for (let index = 0; index < 4; index++) await fleet.enroll(`sensor-${index}`)
    for (let index = 0; index < 4; index++) await fleet.revoke(`sensor-${index}`)
    await expect.poll(receipts, poll).toHaveLength(3)
  })
})

describe('after a restart', () => {
  it('what was revoked while nobody could enforce it is enforced, however long ago', async () => {
    const before = await open([], false)
    await before.enroll('sensor-1')
    await before.enroll('sensor-2')
    await before.revoke('sensor-1', { reason: 'certificateHold' })
    await before.close()
    now = new Date(now.getTime() + 86_400_000)
    await open([broker()])
    await expect.poll(receipts, poll).toEqual(['broker sensor-1 gone'])
    expect(told).toEqual(['silence sensor-1'])
  })

  it('what was begun is done again, and confirmed once', async () => {
    const first = await open([broker({ silence: () => new Promise(() => {}) })])
    await first.enroll('sensor-1')
    await first.revoke('sensor-1')
    await looks()
    await first.close()
    await open([broker()])
    await expect.poll(receipts, poll).toEqual(['broker sensor-1 gone'])
  })

  it('a place in the ledger that is gone, or no place at all, means from the beginning', async () => {
    const before = await open([], false)
    await before.enroll('sensor-1')
    await before.revoke('sensor-1')
    await before.close()
    const lost = encodeEnforcementState({ after: '999999', open: [] })
    await store.putDocument('enforcement:broker', lost, 0, [])
    await store.putDocument('enforcement:other', Buffer.from('{"format":2}'), 0, [])
    await open([broker(), broker({ name: 'other' })])
    await expect.poll(async () => (await receipts()).length, poll).toBe(2)
  })
})

describe('several processes', () => {
  it('share the work of a shared enforcer, and one goes on where another ended', async () => {
    const [a, b] = [await open([broker({ shared: true })]), await open([broker({ shared: true })])]
    const tool = await open([], false)
    for (let index = 0; index < 3; index++) await tool.enroll(`sensor-${index}`)
    await tool.revoke('sensor-0')
    await expect.poll(receipts, poll).toHaveLength(1)
    await looks()
    expect(told).toEqual(['silence sensor-0'])
    await a.close()
    await tool.revoke('sensor-1')
    await expect.poll(receipts, poll).toHaveLength(2)
    expect(told).toHaveLength(2)
    await b.close()
  })

  it('each ask their own where sessions are theirs, for one receipt', async () => {
    const tool = await open([], false)
    await tool.enroll('sensor-1')
    await open([broker()])
    await open([broker()])
    await tool.revoke('sensor-1')
    await expect.poll(() => told.length, poll).toBe(2)
    await looks()
    expect([told.length, await receipts()]).toEqual([2, ['broker sensor-1 gone']])
  })

  it('two enforcers of one name in one process are both asked', async () => {
    const tool = await open([], false)
    await tool.enroll('sensor-1')
    await open([broker({ shared: true }), broker({ shared: true })])
    await looks()
    await tool.revoke('sensor-1')
    await expect.poll(() => told.length, poll).toBe(2)
  })
})

describe('a device that may connect again', () => {
  const readmit: Enforcer['readmit'] = async ({ deviceId, cause }) => void told.push(`readmit ${deviceId} ${cause}`)

  it('is readmitted behind its silence, and only then', async () => {
    const fleet = await open([broker({ readmit })])
    await fleet.enroll('sensor-1')
    await fleet.enroll('sensor-2')
    await fleet.renew('sensor-2')
    await fleet.revoke('sensor-1')
    await fleet.enroll('sensor-1')
    await expect.poll(() => told, poll).toEqual(['silence sensor-1', 'readmit sensor-1 issued'])
    await fleet.revoke('sensor-2', { reason: 'certificateHold' })
    await fleet.release('sensor-2')
    await expect.poll(() => told.slice(2), poll).toEqual(['silence sensor-2', 'readmit sensor-2 released'])
    await looks()
    expect(told).toHaveLength(4)
  })

  it('is not when it was revoked meanwhile', async () => {
    const fleet = await open([], false)
    await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1')
    await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1')
    await open([broker({ readmit })])
    await expect.poll(() => told, poll).toEqual(['silence sensor-1'])
    await looks()
    expect(told).toHaveLength(1)
  })

  it('is told with its certificate to whoever wants every device', async () => {
    const certificates: Uint8Array[] = []
    const admit: Enforcer['admit'] = async ({ deviceId, cause, certificate }) => {
      told.push(`admit ${deviceId} ${cause}`)
      certificates.push(certificate)
    }
    const fleet = await open([broker({ admit, readmit })])
    const { fingerprint } = await fleet.enroll('sensor-1')
    await expect.poll(() => told, poll).toEqual(['admit sensor-1 issued'])
    expect((await fleet.identify({ der: certificates[0]! })).status).toBe('active')
    expect(await fleet.identify({ der: certificates[0]! })).toMatchObject({ device: { fingerprint } })
    await fleet.renew('sensor-1')
    await expect.poll(() => told, poll).toEqual(['admit sensor-1 issued', 'admit sensor-1 renewed'])
    expect(await receipts()).toEqual([])
  })
})

describe('what is kept', () => {
  it('comes back as it was', () => {
    const task = fc.record(
      {
        deviceId: fc.string(),
        sequence: fc.maxSafeInteger(),
        silence: fc.boolean(),
        admit: fc.constantFrom('issued' as const, 'renewed' as const, 'registered' as const, 'released' as const),
      },
      { requiredKeys: ['deviceId', 'sequence', 'silence'] },
    )
    const states = fc.record({ after: fc.string(), open: fc.array(task) })
    fc.assert(
      fc.property(states, state => {
        expect(decodeEnforcementState(encodeEnforcementState(state))).toEqual(state)
      }),
    )
  })

  it('is nothing where it is not such a state', () => {
    for (const text of ['', '{', 'null', '7', '[]', '{"format":1}', '{"format":1,"after":"","open":[7]}']) {
      expect(decodeEnforcementState(Buffer.from(text))).toBeUndefined()
    }
    fc.assert(fc.property(fc.uint8Array(), octets => void decodeEnforcementState(octets)))
    fc.assert(fc.property(fc.json(), text => void decodeEnforcementState(Buffer.from(text))))
  })
})
