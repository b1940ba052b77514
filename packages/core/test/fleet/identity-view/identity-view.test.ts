import { memoryStore, PkiError, type Store } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { identityViewOptions } from '../../../src/fleet/identity-view/identity-view-options.ts'
import { end, enrol, now, openSite, pinned, renew, type Site } from './races.ts'

const day = 86_400_000
let time = now
let store: Store
let calls: string[]
/** Asked before each call's answer comes: what it waits for. */
let before: (name: string) => Promise<void> | void
let base: Store

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  time = now
  calls = []
  before = () => {}
  base = memoryStore()
  store = new Proxy(base, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || typeof name !== 'string') return value
      return async (...args: unknown[]) => {
        calls.push(name)
        const answer = await (value as (...args: unknown[]) => unknown).apply(target, args)
        await before(name)
        return answer
      }
    },
  })
})
afterEach(() => {
  vi.useRealTimers()
})

const site = (options: Parameters<typeof openSite>[1] = {}): Site => openSite(store, { clock: () => time, ...options })
const certificate = pinned('a')
const { der } = certificate
const fingerprint = Buffer.from(certificate.fingerprint).toString('hex')
const statusAt = async ({ view }: Site): Promise<string> => (await view.identify({ der })).status
/** Known, and kept. */
async function known(options?: Parameters<typeof openSite>[1]): Promise<Site> {
  const opened = site(options)
  await enrol(base, certificate)
  await statusAt(opened)
  await statusAt(opened)
  await statusAt(opened)
  calls.length = 0
  return opened
}
const down = new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'down' })
const gate = () => Promise.withResolvers<void>()

describe('what was asked for before', () => {
  it('is answered from memory, the same as from the store', async () => {
    const opened = await known()
    for (const evidence of [{ der }, { fingerprint }]) {
      const fromMemory = await opened.view.identify(evidence)
      expect(calls).toEqual([])
      expect(fromMemory).toEqual(await site({ cacheBytes: 0 }).view.identify(evidence))
      calls.length = 0
    }
    expect(opened.view.counters()).toMatchObject({ entries: 1, unknown: 0, failed: 0 })
    expect(opened.view.counters().hits).toBeGreaterThanOrEqual(3)
  })

  it.each([
    ['issued', {}],
    ['revoked', { invalidityDate: new Date('2026-01-01T00:00:00Z') }],
  ])('is whole: %s, with owner and attributes', async (state, revocation) => {
    const more = { owner: 'alice', attributes: { site: 'north' } }
    const own = pinned('a', 0, more)
    await enrol(base, own)
    await renew(base, own, 1)
    const [renewed] = (await base.certificates({ list: 'device', deviceId: 'a' }, { limit: 1 })).items
    if (state === 'revoked') {
      await base.revoke(renewed!.id, { revocationDate: now, reason: 'keyCompromise', ...revocation }, [])
    }
    const opened = site()
    for (const evidence of [{ der: renewed!.der! }, { fingerprint }]) {
      const first = await opened.view.identify(evidence)
      for (let round = 0; round < 3; round += 1) await opened.view.identify(evidence)
      calls.length = 0
      const again = await opened.view.identify(evidence)
      expect(calls).toEqual([])
      expect(again).toEqual(first)
      expect(again).toMatchObject({ device: more })
    }
  })

  it('is the caller’s own: nothing that he does to it is there the next time', async () => {
    const opened = await known()
    const first = await opened.view.identify({ fingerprint })
    const copy = structuredClone(first)
    if (first.status === 'unknown') throw new Error('unknown')
    first.certificate.notAfter.setTime(0)
    first.certificate.fingerprint!.fill(0)
    first.certificate.der!.fill(0)
    Object.assign(first.device.attributes, { site: 'else' })
    expect(await opened.view.identify({ fingerprint })).toEqual(copy)
  })

  it('is judged by the time at which it is asked for', async () => {
    const opened = await known()
    time = new Date(now.getTime() + day + 1000)
    expect(await statusAt(opened)).toBe('expired')
    time = new Date(now.getTime() + day + 999)
    expect(await statusAt(opened)).toBe('active')
    expect(calls).toEqual([])
  })

  it('is refused when the clock is behind the ledger, also from memory', async () => {
    const opened = await known()
    time = new Date(now.getTime() - 5001)
    await expect(statusAt(opened)).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
    expect(calls).toEqual([])
    time = new Date(now.getTime() - 5000)
    expect(await statusAt(opened)).toBe('active')
    // Dated by another process whose clock is ahead.
    const { id, deviceId } = pinned('b')
    await base.register(pinned('b'), [
      { type: 'registered', at: new Date(now.getTime() + 60_000), deviceId: deviceId!, certificate: id },
    ])
    vi.advanceTimersByTime(501)
    await expect(statusAt(opened)).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
    expect(opened.view.counters().failed).toBe(2)
  })
})

describe('a change', () => {
  it.each<[string, (site: Site) => Promise<unknown>, string]>([
    ['a revocation', ({ store }) => end(store, certificate), 'revoked'],
    ['a hold', ({ store }) => end(store, certificate, true), 'held'],
    ['a renewal', ({ store }) => renew(store, certificate, 1), 'superseded'],
  ])('%s counts at once where it was made, and within a second elsewhere', async (_, change, status) => {
    const here = await known()
    const elsewhere = site()
    await statusAt(elsewhere)
    await statusAt(elsewhere)
    await change(here)
    expect(await statusAt(here)).toBe(status)
    vi.advanceTimersByTime(500)
    expect(await statusAt(elsewhere)).toBe(status)
  })

  it('counts though its call failed, for it may have taken effect', async () => {
    const opened = await known()
    before = name => {
      if (name === 'revoke') throw down
    }
    await expect(end(opened.store, certificate)).rejects.toBe(down)
    expect(await statusAt(opened)).toBe('revoked')
  })

  it('of a kind that is not known yet is heeded', async () => {
    const opened = await known()
    await base.revoke(certificate.id, { revocationDate: now, reason: 'unspecified' }, [
      { type: 'somethingNew' as never, at: now, deviceId: 'a' },
    ])
    vi.advanceTimersByTime(500)
    expect(await statusAt(opened)).toBe('revoked')
  })

  it('that names nobody drops everybody, and one of a server nobody', async () => {
    const opened = await known()
    const id = { issuerKeyId: 'cd'.repeat(32), serialNumber: '01' }
    opened.store.register(pinned('server'), [{ type: 'revoked', at: now, certificate: id }])
    expect(opened.view.counters().entries).toBe(1)
    await opened.store.register(pinned('other'), [{ type: 'somethingNew' as never, at: now }])
    expect(opened.view.counters().entries).toBe(0)
  })

  it('in a part of the ledger that was pruned away drops everybody', async () => {
    const opened = await known()
    before = name => {
      if (name === 'ledger') throw new PkiError('ERR_PKI_CURSOR', { reason: 'gone' })
    }
    await end(base, certificate)
    vi.advanceTimersByTime(500)
    // All is read from the oldest entry that is left, and until then the store is asked.
    expect(await statusAt(opened)).toBe('revoked')
  })

  it('that comes between the reading of a record and its keeping is not lost', async () => {
    const opened = site()
    await enrol(base, certificate)
    await opened.view.identify({ der: pinned('nobody').der })
    const slow = gate()
    before = name => (name === 'certificate' ? slow.promise : undefined)
    const asked = statusAt(opened)
    await vi.waitFor(() => expect(calls.filter(name => name === 'certificate')).toHaveLength(2))
    before = () => {}
    await end(opened.store, certificate)
    // It is heard of, while nothing is kept of the certificate yet.
    await opened.view.identify({ der: pinned('nobody').der })
    slow.resolve()
    expect(await asked).toBe('active')
    expect(await statusAt(opened)).toBe('revoked')
  })
})

describe('when the ledger', () => {
  it('cannot be read, nothing is answered from memory', async () => {
    const opened = await known()
    before = name => {
      if (name === 'ledger' || name === 'newestEventAt') throw down
    }
    vi.advanceTimersByTime(500)
    await expect(statusAt(opened)).rejects.toBe(down)
    // As long as it cannot be heard of whether it is still so, the store is asked.
    before = name => {
      if (name === 'ledger') throw down
    }
    calls.length = 0
    expect(await statusAt(opened)).toBe('active')
    expect(calls).toContain('certificate')
    before = () => {}
    await statusAt(opened)
    calls.length = 0
    expect(await statusAt(opened)).toBe('active')
    expect(calls).toEqual([])
  })

  it('is long, the store is asked until it is caught up with', async () => {
    for (let index = 0; index < 2100; index += 1) {
      await base.blockKey(new Uint8Array(32).fill(index % 251, 0, 1 + (index >> 8)).fill(index & 255, 16), [
        { type: 'keyBlocked', at: now },
      ])
    }
    const opened = site()
    await enrol(base, certificate)
    expect(await statusAt(opened)).toBe('active')
    await end(base, certificate)
    await vi.waitFor(() => expect(calls.filter(name => name === 'ledger')).toHaveLength(4))
    expect(await statusAt(opened)).toBe('revoked')
  })

  it('is read ahead of time, nobody waits for it', async () => {
    const opened = await known()
    vi.advanceTimersByTime(300)
    const slow = gate()
    before = name => (name === 'ledger' ? slow.promise : undefined)
    expect(await statusAt(opened)).toBe('active')
    expect(calls).toEqual(['ledger'])
    expect(await statusAt(opened)).toBe('active')
    expect(calls).toEqual(['ledger'])
    slow.resolve()
  })
})

describe('the same certificate, asked for by many at once', () => {
  const count = (name: string): number => calls.filter(call => call === name).length

  it('is one reading, and an answer of his own for each', async () => {
    const opened = site()
    await enrol(base, certificate)
    const answers = await Promise.all(Array.from({ length: 50 }, () => opened.view.identify({ der })))
    expect(count('certificate')).toBe(1)
    expect(opened.view.counters()).toMatchObject({ misses: 1, shared: 49 })
    expect(new Set(answers.map(answer => answer.status === 'active' && answer.certificate)).size).toBe(50)
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  it('is read anew for who asks after a change of this process, or half a second later', async () => {
    const opened = site()
    await enrol(base, certificate)
    await statusAt(opened)
    const fresh = site()
    const slow = gate()
    before = name => (name === 'certificate' ? slow.promise : undefined)
    const first = statusAt(fresh)
    await vi.waitFor(() => expect(count('certificate')).toBe(2))
    before = () => {}
    await end(fresh.store, certificate)
    expect(await statusAt(fresh)).toBe('revoked')
    slow.resolve()
    expect(await first).toBe('active')

    const slower = gate()
    const late = site()
    before = name => (name === 'certificate' ? slower.promise : undefined)
    const older = statusAt(late)
    await vi.waitFor(() => expect(count('certificate')).toBe(4))
    before = () => {}
    vi.advanceTimersByTime(500)
    expect(await statusAt(late)).toBe('revoked')
    slower.resolve()
    await older
  })

  it('is known to who asks after its enrolment, though a reading found nothing', async () => {
    const opened = site()
    const slow = gate()
    before = name => (name === 'certificate' ? slow.promise : undefined)
    const first = statusAt(opened)
    await vi.waitFor(() => expect(count('certificate')).toBe(1))
    before = () => {}
    await enrol(opened.store, certificate)
    expect(await statusAt(opened)).toBe('active')
    slow.resolve()
    expect(await first).toBe('unknown')
  })

  it('is not taken back from the others when one of them gives up', async () => {
    const opened = site()
    await enrol(base, certificate)
    const slow = gate()
    before = name => (name === 'certificate' ? slow.promise : undefined)
    const stop = new AbortController()
    const given = opened.view.identify({ der }, { signal: stop.signal })
    const waiting = opened.view.identify({ der })
    stop.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    await expect(opened.view.identify({ der }, { signal: stop.signal })).rejects.toThrow('enough')
    slow.resolve()
    expect((await waiting).status).toBe('active')
  })
})

describe('room', () => {
  it('is for so many certificates and octets, and goes to those that are asked for again', async () => {
    const opened = site({ cacheEntries: 100 })
    const wanted = pinned('wanted')
    await enrol(base, wanted)
    for (let index = 0; index < 1000; index += 1) {
      const other = pinned(`other-${index}`)
      await enrol(base, other)
      await opened.view.identify({ der: other.der })
      await opened.view.identify({ der: wanted.der })
      expect(opened.view.counters().entries).toBeLessThanOrEqual(100)
    }
    calls.length = 0
    expect((await opened.view.identify({ der: wanted.der })).status).toBe('active')
    expect(calls).toEqual([])

    const small = site({ cacheBytes: 20_000 })
    for (let index = 0; index < 200; index += 1) await small.view.identify({ der: pinned(`other-${index}`).der })
    const { entries, bytes } = small.view.counters()
    expect(bytes).toBeLessThanOrEqual(20_000)
    expect(entries).toBeGreaterThan(5)
  })

  it('is not for what the fleet does not have', async () => {
    const opened = await known({ cacheEntries: 10 })
    for (let index = 0; index < 1000; index += 1) {
      expect(await opened.view.identify({ der: pinned('stranger', index).der })).toEqual({ status: 'unknown' })
    }
    calls.length = 0
    expect(await statusAt(opened)).toBe('active')
    expect(calls).toEqual([])
    expect(opened.view.counters()).toMatchObject({ entries: 1, unknown: 1000 })
  })

  it('is for devices and services alone', async () => {
    const opened = site()
    const server = pinned('broker', 0, { role: 'server' })
    await enrol(base, server)
    for (let round = 0; round < 3; round += 1) {
      expect(await opened.view.identify({ der: server.der })).toEqual({ status: 'unknown' })
    }
    expect(opened.view.counters().entries).toBe(0)
  })

  it('may be none', async () => {
    for (const options of [{ cacheBytes: 0 }, { cacheEntries: 0 }]) {
      const opened = await known(options)
      expect(await statusAt(opened)).toBe('active')
      expect(calls).toContain('certificate')
      expect(opened.view.counters()).toMatchObject({ hits: 0, entries: 0 })
    }
  })

  it('is a whole number', () => {
    for (const wrong of [-1, 1.5, Number.NaN, 2 ** 41, '1' as never]) {
      expect(() => identityViewOptions({ cacheBytes: wrong })).toThrow(RangeError)
      expect(() => identityViewOptions({ cacheEntries: wrong })).toThrow(RangeError)
    }
  })
})

describe('from memory alone', () => {
  it('answers what is kept at once, and nothing else', async () => {
    const opened = await known()
    expect((await opened.view.identify({ der }, { fromMemory: true })).status).toBe('active')
    const stranger = opened.view.identify({ der: pinned('stranger').der }, { fromMemory: true })
    await expect(stranger).rejects.toMatchObject({ code: 'ERR_PKI_BUSY', details: { retryAfterSeconds: 1 } })
    expect(calls).toEqual([])
  })

  it('answers nothing when the ledger was not read for half a second, and sees to it that it is', async () => {
    const opened = await known()
    vi.advanceTimersByTime(500)
    await expect(opened.view.identify({ der }, { fromMemory: true })).rejects.toMatchObject({ code: 'ERR_PKI_BUSY' })
    await vi.waitFor(async () =>
      expect((await opened.view.identify({ der }, { fromMemory: true })).status).toBe('active'),
    )
  })
})

it('refuses evidence of no kind', async () => {
  const { view } = site()
  await expect(view.identify({ fingerprint: 'AA' })).rejects.toMatchObject({ code: 'ERR_PKI_FINGERPRINT' })
  await expect(view.identify({ der: 'MII' as never })).rejects.toThrow(TypeError)
  expect(view.counters().failed).toBe(0)
})
