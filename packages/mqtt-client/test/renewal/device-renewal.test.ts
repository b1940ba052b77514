import type { Fleet } from '@fleetcert/core'
import { PkiError } from '@fleetcert/x509'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CredentialAnswer, HubTransport, RenewalInfo } from '../../src/hub/hub-transport.ts'
import type { StoredCredential } from '../../src/identity/identity-state.ts'
import { createMemoryStorage } from '../../src/identity/memory-storage.ts'
import { makePendingKey } from '../../src/identity/pending-key.ts'
import { storedIdentity } from '../../src/identity/renewable-identity.ts'
import { newTrustAnchors } from '../../src/identity/trust-anchors.ts'
import { prepareCredential, type TlsCredential } from '../../src/read-credential.ts'
import { createDeviceRenewal, type DeviceRenewal } from '../../src/renewal/device-renewal.ts'
import { renewalTime } from '../../src/renewal/renewal-time.ts'
import { openTestFleet } from '../support/device-certificates.ts'
import { createVirtualTime, type VirtualTime } from '../support/virtual-time.ts'

const start = new Date('2030-01-01T00:00:00Z')
const daySeconds = 86_400
const dayMilliseconds = 86_400_000
const later = (days: number): Date => new Date(time.now().getTime() + days * dayMilliseconds)

let fleet: Fleet
let otherFleet: Fleet
let first: StoredCredential & { readonly fingerprint: string; readonly notBefore: Date; readonly notAfter: Date }
let time: VirtualTime

beforeAll(async () => {
  fleet = await openTestFleet({ clock: () => time?.now() ?? start })
  otherFleet = await openTestFleet({ clock: () => start })
})
afterAll(async () => {
  await fleet.close()
  await otherFleet.close()
})

let count = 0
let deviceId: string
beforeEach(async () => {
  time = createVirtualTime(new Date((time?.now() ?? start).getTime()))
  count += 1
  deviceId = `sensor-${count}`
  const { privateKey, csr } = await makePendingKey(deviceId)
  const made = await fleet.enroll(deviceId, { csr, validitySeconds: 90 * daySeconds })
  first = { ...made, certificate: made.certificate + made.chain, privateKey }
})

/** A device with a broker and a hub that do what the test says. */
interface Bench {
  readonly renewal: DeviceRenewal
  readonly events: [string, unknown][]
  readonly calls: string[]
  readonly storage: ReturnType<typeof createMemoryStorage>
  /** What the broker says of a credential; `undefined` lets in. */
  broker: (credential: TlsCredential) => PkiError | undefined
  hub: {
    info?: () => Promise<RenewalInfo>
    renew?: (csr: string) => Promise<CredentialAnswer>
    confirm?: () => Promise<{ superseded: number }>
  }
  connect(): Promise<void>
  namesOf(): string[]
}

function createBench({ isDirect = true, takeTrustAnchors = true, pollSeconds = 21_600 } = {}): Bench {
  const storage = createMemoryStorage({
    current: { certificate: first.certificate, privateKey: first.privateKey, trustAnchors: first.trustAnchors },
  })
  const identity = storedIdentity({ deviceId, storage })
  let isConnected = false
  const transport: HubTransport = {
    async renewalInfo() {
      bench.calls.push('renewalInfo')
      if (bench.hub.info === undefined) throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'away' })
      return bench.hub.info()
    },
    async renew({ fingerprint: presented }, csr) {
      bench.calls.push('renew')
      if (bench.hub.renew !== undefined) return bench.hub.renew(csr)
      const made = await fleet.renew(deviceId, { csr, presented, graceSeconds: 30 * daySeconds })
      return { certificate: made.certificate + made.chain, trustAnchors: fleet.trustAnchors }
    },
    async confirm() {
      bench.calls.push('confirm')
      return bench.hub.confirm?.() ?? { superseded: 1 }
    },
  }
  const bench: Bench = {
    storage,
    events: [],
    calls: [],
    broker: () => undefined,
    hub: {},
    namesOf: () => bench.events.map(([name]) => name),
    async connect() {
      isConnected = false
      let other = true
      for (;;) {
        const credential = await bench.renewal.slots.source.next()
        const error = bench.broker(credential)
        if (error === undefined) {
          isConnected = true
          bench.calls.push('connected')
          bench.renewal.slots.source.connected(credential)
          return
        }
        bench.calls.push('refused')
        if (!bench.renewal.slots.source.failed(credential, error) || !other) throw error
        other = false
      }
    },
    renewal: createDeviceRenewal({
      identity,
      transport,
      isDirect,
      takeTrustAnchors,
      pollSeconds,
      time,
      link: {
        get isConnected() {
          return isConnected
        },
        reconnectNow: () => bench.connect(),
      },
      emit: (name, value) => void bench.events.push([name, value]),
      onRefused: error => void bench.events.push(['refused', error]),
    }),
  }
  return bench
}

async function begin(bench: Bench): Promise<void> {
  await bench.connect()
  bench.renewal.start()
  await time.pass(0)
}

/** To so many seconds before it; what is between would be thousands of looks at the clock. */
function jumpTo(date: Date, secondsBefore = 0): void {
  time.setClock(new Date(date.getTime() - secondsBefore * 1000))
}

/** With a clock by which the first certificate has expired; set right again for the tests to come. */
async function aheadOfTime(work: () => Promise<void>): Promise<void> {
  const right = time.now()
  time.setClock(new Date(first.notAfter.getTime() + dayMilliseconds))
  await work().finally(() => time.setClock(right))
}

describe('when', () => {
  test('around two thirds of the lifetime, and not before', async () => {
    const bench = createBench()
    await begin(bench)
    const at = renewalTime(first, first.fingerprint)
    const lifetime = first.notAfter.getTime() - first.notBefore.getTime()
    expect((at.getTime() - first.notBefore.getTime()) / lifetime).toBeGreaterThan(7 / 12)
    expect((at.getTime() - first.notBefore.getTime()) / lifetime).toBeLessThan(9 / 12)
    jumpTo(at, 3600)
    await time.pass(3590)
    expect(bench.calls).not.toContain('renew')
    await time.pass(20)
    expect(bench.namesOf()).toEqual(['renewing', 'renewed'])
    expect(bench.calls.filter(call => call !== 'renewalInfo')).toEqual(['connected', 'renew', 'connected', 'confirm'])
    const { current, pending, previous } = (await bench.storage.load()).state
    expect(pending).toBeUndefined()
    expect(previous).toEqual([first.fingerprint])
    expect(prepareCredential(current!).fingerprint).not.toBe(first.fingerprint)
    bench.renewal.stop()
    expect(time.sleepSeconds).toBeUndefined()
  })

  test('when the hub says so, at a moment inside its window', async () => {
    const bench = createBench()
    const window = {
      start: new Date(time.now().getTime() + dayMilliseconds),
      end: new Date(time.now().getTime() + 3 * dayMilliseconds),
    }
    bench.hub.info = async () => ({ window, fingerprint: first.fingerprint, trustAnchors: fleet.trustAnchors })
    await begin(bench)
    await time.pass(daySeconds - 60)
    expect(bench.calls).not.toContain('renew')
    await time.pass(2 * daySeconds + 120)
    expect(bench.namesOf()).toContain('renewed')
  })

  test('at once when the window is over; what the hub says of another certificate is not heeded', async () => {
    const bench = createBench()
    const window = { start: new Date(time.now().getTime() - dayMilliseconds), end: time.now() }
    let fingerprint = 'AA:BB'
    bench.hub.info = async () => ({ window, fingerprint, trustAnchors: fleet.trustAnchors, retryAfterSeconds: 1000 })
    await begin(bench)
    await time.pass(2000)
    expect(bench.calls).not.toContain('renew')
    fingerprint = first.fingerprint
    await time.pass(1200)
    expect(bench.namesOf()).toContain('renewed')
  })

  test('the hub is asked again when it says so, at the earliest after a second, and seldom when it is away', async () => {
    const bench = createBench()
    const window = { start: later(1000), end: later(1000) }
    bench.hub.info = async () => ({
      window,
      fingerprint: first.fingerprint,
      trustAnchors: fleet.trustAnchors,
      retryAfterSeconds: 3600,
    })
    await begin(bench)
    await time.pass(36_000)
    expect(bench.calls.filter(call => call === 'renewalInfo').length).toBeGreaterThanOrEqual(9)
    expect(bench.calls.filter(call => call === 'renewalInfo').length).toBeLessThanOrEqual(12)
    delete bench.hub.info
    bench.calls.length = 0
    await time.pass(5 * daySeconds)
    expect(bench.calls.length).toBeLessThan(40)
    expect(bench.namesOf()).not.toContain('renewalFailed')
  })

  test('the wall clock is looked at again every ten minutes: a machine that slept is not late', async () => {
    const bench = createBench()
    await begin(bench)
    expect(time.sleepSeconds).toBeLessThanOrEqual(600)
    time.setClock(new Date(first.notAfter.getTime() - 10 * dayMilliseconds))
    await time.pass(600)
    expect(bench.namesOf()).toContain('renewed')
  })

  test('a certificate that never ends is no overflow of a timer', () => {
    const forever = { notBefore: start, notAfter: new Date('9999-12-31T23:59:59Z') }
    expect(renewalTime(forever, first.fingerprint).getTime()).toBeGreaterThan(start.getTime() + 2 ** 31)
  })

  test('a clock that is before the certificate is told, and nothing is renewed or overwritten', async () => {
    const bench = createBench()
    const before = await bench.storage.load()
    time.setClock(new Date(first.notBefore.getTime() - dayMilliseconds))
    await begin(bench)
    expect(bench.events).toMatchObject([['renewalFailed', { error: { code: 'ERR_PKI_DEVICE_CLOCK' } }]])
    await time.pass(3600)
    expect(bench.calls).toEqual(['connected'])
    expect(await bench.storage.load()).toEqual(before)
    time.setClock(first.notAfter)
  })
})

describe('failures', () => {
  const toDue = async (bench: Bench): Promise<void> => {
    await begin(bench)
    jumpTo(renewalTime(first, first.fingerprint))
    await time.pass(600)
  }

  test('of the hub: again later, with the same key, less and less often, until it works', async () => {
    const bench = createBench()
    const keys = new Set<string>()
    bench.hub.renew = async csr => {
      keys.add(csr)
      throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'away' })
    }
    await toDue(bench)
    await time.pass(2 * daySeconds)
    const tries = bench.calls.filter(call => call === 'renew').length
    expect(tries).toBeGreaterThan(10)
    expect(tries).toBeLessThan(25)
    expect(keys.size).toBe(1)
    const waits = bench.events.flatMap(([name, value]) =>
      name === 'renewalFailed' ? (value as { retrySeconds: number }).retrySeconds : [],
    )
    expect(waits[0]).toBeLessThanOrEqual(120)
    expect(waits.at(-1)).toBeGreaterThan(10_000)
    delete bench.hub.renew
    await time.pass(21_600)
    expect(bench.namesOf()).toContain('renewed')
    expect(bench.namesOf().filter(name => name === 'renewing')).toHaveLength(1)
  })

  test('Retry-After is waited for, and a little more', async () => {
    const bench = createBench()
    bench.hub.renew = async () => {
      throw new PkiError('ERR_PKI_HUB_REFUSED', { status: 503, retryAfterSeconds: 40_000, reason: 'busy' })
    }
    await toDue(bench)
    await time.pass(39_000)
    expect(bench.calls.filter(call => call === 'renew')).toHaveLength(1)
    await time.pass(6_000)
    expect(bench.calls.filter(call => call === 'renew')).toHaveLength(2)
    expect(bench.namesOf()).not.toContain('refused')
  })

  test('of the key: another one is made', async () => {
    const bench = createBench()
    const keys = new Set<string>()
    bench.hub.renew = async csr => {
      keys.add(csr)
      throw new PkiError('ERR_PKI_HUB_REFUSED', { status: 422, code: 'ERR_PKI_KEY_BLOCKED', reason: 'blocked' })
    }
    await toDue(bench)
    await time.pass(1000)
    expect(keys.size).toBeGreaterThan(2)
  })

  test('of the broker: back to the old certificate at once, the new one again later, and in the end another', async () => {
    const bench = createBench()
    const refused = new Set<string>()
    const window = { start: first.notAfter, end: first.notAfter }
    bench.hub.info = async () => ({ window, fingerprint: 'AA', trustAnchors: fleet.trustAnchors })
    bench.broker = ({ fingerprint }) => {
      if (fingerprint === first.fingerprint) return undefined
      refused.add(fingerprint)
      return new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { alert: 'unknown_ca' })
    }
    await toDue(bench)
    expect(bench.events.at(-1)).toMatchObject([
      'renewalFailed',
      { step: 'connect', error: { code: 'ERR_PKI_CLIENT_UNTRUSTED' } },
    ])
    expect(bench.calls.slice(-2)).toEqual(['refused', 'connected'])
    await time.pass(daySeconds)
    expect(refused.size).toBeGreaterThan(1)
    expect(refused.size).toBeLessThan(8)
    expect(bench.calls).not.toContain('confirm')
    bench.broker = () => undefined
    await time.pass(daySeconds)
    expect(bench.namesOf()).toContain('renewed')
  })

  test('a new certificate is not given up while the hub does not say that the old one is good', async () => {
    const bench = createBench()
    const refused = new Set<string>()
    bench.broker = ({ fingerprint }) => {
      if (fingerprint === first.fingerprint) return undefined
      refused.add(fingerprint)
      return new PkiError('ERR_PKI_BROKER_REFUSED', { reasonCode: 5, reason: 'not authorized' })
    }
    await toDue(bench)
    await time.pass(daySeconds)
    expect(refused.size).toBe(1)
    bench.broker = ({ fingerprint }) =>
      fingerprint === first.fingerprint ? new PkiError('ERR_PKI_CLIENT_REVOKED', {}) : undefined
    await time.pass(daySeconds)
    expect(bench.events.at(-1)).toMatchObject(['renewed', { fingerprint: [...refused][0] }])
  })

  test('a broker that is away says nothing of the new certificate', async () => {
    const bench = createBench()
    bench.broker = ({ fingerprint }) =>
      fingerprint === first.fingerprint ? undefined : new PkiError('ERR_PKI_UNREACHABLE', { reason: 'away' })
    await toDue(bench)
    expect(bench.namesOf()).not.toContain('renewalFailed')
    bench.broker = () => undefined
    await bench.connect()
    await time.pass(1)
    expect(bench.namesOf()).toContain('renewed')
  })

  test('of both credentials: they are tried by turns', async () => {
    const bench = createBench()
    await toDue(bench)
    const { source } = bench.renewal.slots
    await bench.storage.save(
      { ...(await bench.storage.load()).state, pending: { ...(await makePendingKey(deviceId)), ...(await newOne()) } },
      (await bench.storage.load()).revision,
    )
    bench.renewal.stop()
    const tried: string[] = []
    for (let attempt = 0; attempt < 4; attempt++) {
      const credential = await source.next()
      tried.push(credential.fingerprint)
      source.failed(credential, new PkiError('ERR_PKI_CLIENT_REVOKED', {}))
    }
    expect(tried[0]).not.toBe(tried[1])
    expect(tried.slice(2)).toEqual(tried.slice(0, 2))
  })

  async function newOne(): Promise<{ certificate: string; trustAnchors: string; privateKey: string }> {
    const { privateKey, csr } = await makePendingKey(deviceId)
    const made = await fleet.renew(deviceId, { csr })
    return { certificate: made.certificate + made.chain, trustAnchors: fleet.trustAnchors, privateKey }
  }

  test('of the confirmation: the new certificate is in use, both are kept, and once the old one has ended the new one stands alone', async () => {
    const bench = createBench()
    bench.hub.confirm = async () => {
      throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'away' })
    }
    await toDue(bench)
    expect(bench.events.at(-1)).toMatchObject(['renewalFailed', { step: 'confirm' }])
    const { current, pending } = (await bench.storage.load()).state
    expect(current!.certificate).toBe(first.certificate)
    expect(bench.renewal.slots.inUse).toBe(prepareCredential({ ...first, ...pending! } as StoredCredential).fingerprint)
    jumpTo(first.notAfter, 600)
    await time.pass(daySeconds / 2)
    expect(bench.events.at(-1)).toMatchObject(['renewed', { confirmed: false }])
    expect((await bench.storage.load()).state.pending).toBeUndefined()
  })

  test('of the disk: nothing is asked for that could not be kept', async () => {
    const bench = createBench()
    const full = new PkiError('ERR_PKI_IDENTITY_UNWRITABLE', { reason: 'ENOSPC' })
    const { save } = bench.storage
    bench.storage.save = async () => {
      throw full
    }
    await toDue(bench)
    expect(bench.events.at(-1)).toMatchObject(['renewalFailed', { error: full, step: 'request' }])
    expect(bench.calls).not.toContain('renew')
    bench.storage.save = save
    await time.pass(3600)
    expect(bench.namesOf()).toContain('renewed')
  })

  test('an end that comes near is told three times', async () => {
    const bench = createBench()
    bench.hub.renew = async () => {
      throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'away' })
    }
    await begin(bench)
    for (const days of [20, 14, 10, 7, 1, 0, -1]) {
      jumpTo(first.notAfter, days * daySeconds)
      await time.pass(1200)
    }
    const told = bench.events.flatMap(([name, value]) =>
      name === 'expiring' ? (value as { remainingSeconds: number }).remainingSeconds : [],
    )
    expect(told).toHaveLength(3)
    expect(told[0]! / daySeconds).toBeCloseTo(14, 0)
    expect(told[1]! / daySeconds).toBeCloseTo(7, 0)
    expect(told[2]).toBe(0)
  })

  test('an expired certificate is renewed before the next attempt to connect, where the hub can be reached without the broker', async () => {
    const bench = createBench()
    bench.hub.renew = async () => {
      throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'away' })
    }
    await begin(bench)
    bench.renewal.stop()
    time.setClock(new Date(first.notAfter.getTime() + dayMilliseconds))
    const again = createBench()
    await expect(again.connect()).resolves.toBeUndefined()
    expect(again.calls).toEqual(['renew', 'connected'])
    again.renewal.start()
    await time.pass(1)
    expect(again.namesOf()).toContain('renewed')
  })

  test.each<[string, Bench['hub']]>([
    [
      'cannot be reached',
      {
        renew: async () => {
          throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'away' })
        },
      },
    ],
    ['answers what has expired by that clock, too', { renew: async () => ({ certificate: '', trustAnchors: '' }) }],
  ])('one that may seem expired by a wrong clock alone is shown to the broker where the hub %s', async (_, hub) => {
    const bench = createBench()
    bench.hub = hub
    await aheadOfTime(bench.connect)
    expect(bench.calls).toEqual(['renew', 'connected'])
    expect(bench.namesOf()).toEqual(['renewing', 'renewalFailed'])
  })

  test("one that the hub refuses is not: the hub's word is by its own clock", async () => {
    const bench = createBench()
    bench.hub.renew = async () => {
      throw new PkiError('ERR_PKI_HUB_REFUSED', { status: 401, reason: 'it has expired' })
    }
    await expect(aheadOfTime(bench.connect)).rejects.toMatchObject({ code: 'ERR_PKI_HUB_REFUSED' })
    expect(bench.calls).toEqual(['renew'])
  })
})

describe('whom to believe', () => {
  test('an announced root is added before it is needed, and told; nothing is taken away', async () => {
    const bench = createBench()
    const window = { start: later(1000), end: later(1000) }
    bench.hub.info = async () => ({ window, fingerprint: first.fingerprint, trustAnchors: otherFleet.trustAnchors })
    await begin(bench)
    await time.pass(120)
    expect(bench.events).toEqual([
      ['trustUpdated', { added: newTrustAnchors(otherFleet.trustAnchors, ''), removed: [] }],
    ])
    const { trustAnchors } = (await bench.storage.load()).state.current!
    expect(newTrustAnchors(first.trustAnchors, trustAnchors)).toEqual([])
  })

  test.each(['', 'garbage', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n', 7, undefined])(
    'an announcement of %j changes nothing',
    async trustAnchors => {
      const bench = createBench()
      const window = { start: later(1000), end: later(1000) }
      bench.hub.info = async () => ({ window, fingerprint: first.fingerprint, trustAnchors })
      const before = await bench.storage.load()
      await begin(bench)
      await time.pass(7200)
      expect(await bench.storage.load()).toEqual(before)
      expect(bench.events).toEqual([])
    },
  )

  test('over MQTT no announcement is believed unless the device says so', async () => {
    const bench = createBench({ isDirect: false, takeTrustAnchors: false })
    const window = { start: later(0), end: later(0) }
    bench.hub.info = async () => ({ window, fingerprint: first.fingerprint, trustAnchors: otherFleet.trustAnchors })
    await begin(bench)
    await time.pass(120)
    expect(bench.namesOf()).toEqual(['renewing', 'renewed'])
    expect((await bench.storage.load()).state.current!.trustAnchors).toBe(first.trustAnchors)
  })

  test('a root that the hub has left out leaves with the next renewal; if the broker still needs it, it stays', async () => {
    for (const isNeeded of [false, true]) {
      time.setClock(first.notBefore)
      const bench = createBench()
      const withOther = {
        ...(await bench.storage.load()).state.current!,
        trustAnchors: first.trustAnchors + otherFleet.trustAnchors,
      }
      await bench.storage.save({ current: withOther }, 0)
      let isFirst = true
      bench.broker = ({ fingerprint }) => {
        if (!isNeeded || fingerprint === first.fingerprint || !isFirst) return undefined
        isFirst = false
        return new PkiError('ERR_PKI_SERVER_UNTRUSTED', {})
      }
      await begin(bench)
      jumpTo(renewalTime(first, first.fingerprint), 60)
      await time.pass(1200)
      const { state } = await bench.storage.load()
      expect(state.pending).toBeUndefined()
      const removed = newTrustAnchors(otherFleet.trustAnchors, state.current!.trustAnchors)
      expect(removed).toHaveLength(isNeeded ? 0 : 1)
      expect(bench.namesOf().includes('trustUpdated')).toBe(!isNeeded)
      expect(bench.namesOf()).toContain('renewed')
      bench.renewal.stop()
    }
  })
})
