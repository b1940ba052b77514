import { type FleetWarning, PkiError } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CrlDue, CrlIssuer } from '../../src/revocation/crl-issuer.ts'
import { scheduleCrls } from '../../src/revocation/crl-scheduler.ts'
import { type CrlBench, crlBench } from './crl-fleet.ts'

describe('the scheduler', () => {
  let closing: AbortController
  let warnings: FleetWarning[]
  beforeEach(() => {
    closing = new AbortController()
    warnings = []
    vi.useFakeTimers()
  })
  afterEach(() => {
    closing.abort()
    vi.useRealTimers()
  })

  /** A CA whose CRLs are due for that reason, until they are published; `fail` rejects publishing. */
  function fakeIssuer(): CrlIssuer & { why: CrlDue | undefined; fail: Error | undefined; published: number[] } {
    return {
      issuerKeyId: 'aa'.repeat(32),
      why: undefined,
      fail: undefined,
      published: [],
      current: () => Promise.reject(new Error('not asked for')),
      async due() {
        return { nextUpdate: new Date(0), ...(this.why === undefined ? {} : { why: this.why }) }
      },
      async publish(shard) {
        this.published.push(shard)
        if (this.fail !== undefined) throw this.fail
        this.why = undefined
      },
    }
  }
  const schedule = (issuer: CrlIssuer, shards = 1): void => {
    const crls = Array.from({ length: shards }, (_, shard) => ({ issuer, shard }))
    scheduleCrls({
      crls: () => crls,
      onWarning: warning => void warnings.push(warning),
      closed: closing.signal,
    })
  }
  const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1000)

  it.each(['missing', 'ageing'] as const)('publishes at the next look what is %s', async why => {
    const issuer = fakeIssuer()
    schedule(issuer)
    await pass(3)
    expect(issuer.published).toEqual([])
    issuer.why = why
    await pass(1)
    expect(issuer.published).toEqual([0])
  })

  it('makes one CRL of a storm of revocations', async () => {
    const issuer = fakeIssuer()
    schedule(issuer)
    for (let second = 0; second < 5; second++) {
      issuer.why = 'changed'
      await pass(1)
      expect(issuer.published).toEqual([])
    }
    await pass(1)
    expect(issuer.published).toEqual([0])
    await pass(60)
    expect(issuer.published).toEqual([0])
  })

  it('tries again ever more seldom, tells each time, and begins anew after a success', async () => {
    const issuer = fakeIssuer()
    issuer.why = 'ageing'
    issuer.fail = new PkiError('ERR_PKI_KEY_MISSING', { name: 'ca' })
    schedule(issuer)
    await pass(1)
    expect(warnings).toEqual([
      {
        type: 'crlNotPublished',
        issuerKeyId: issuer.issuerKeyId,
        shard: 0,
        error: issuer.fail,
        nextUpdate: new Date(0),
        retrySeconds: 5,
      },
    ])
    await pass(86_400)
    const waits = warnings.map(warning => 'retrySeconds' in warning && warning.retrySeconds)
    expect(waits.slice(0, 11)).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600])
    expect(new Set(waits.slice(11))).toEqual(new Set([3600]))
    issuer.fail = undefined
    await pass(3601)
    issuer.why = 'ageing'
    issuer.fail = new Error('again')
    await pass(120)
    expect(warnings.at(waits.length)).toMatchObject({ error: issuer.fail, retrySeconds: 5 })
  })

  it('looks at every shard, however many there are, and one that fails holds up no other', async () => {
    const issuer = fakeIssuer()
    schedule(
      {
        ...issuer,
        due: async () => ({ why: 'missing' }),
        async publish(shard) {
          if (shard === 7) throw new Error('this one')
          issuer.published.push(shard)
        },
      },
      200,
    )
    await pass(4)
    expect(new Set(issuer.published).size).toBe(199)
    expect(warnings).toMatchObject([{ shard: 7 }])
  })

  it('ends with the fleet, silently', async () => {
    const issuer = fakeIssuer()
    schedule(issuer)
    issuer.why = 'missing'
    issuer.fail = new PkiError('ERR_PKI_CLOSED', {})
    await pass(1)
    closing.abort()
    await pass(60)
    expect(issuer.published).toEqual([0])
    expect(warnings).toEqual([])
  })
})

describe('a fleet with a background', () => {
  let bench: CrlBench
  beforeEach(() => {
    bench = crlBench()
  })
  const numberIn = async (issuerKeyId: string): Promise<bigint | undefined> =>
    (await bench.store.crlState({ issuerKeyId, shard: 0 })).full?.crlNumber

  it('publishes by itself: the first CRL, and the root’s ahead of its end', async () => {
    await using fleet = await bench.open({ background: true })
    const issuers: { role: string; issuerKeyId: string }[] = []
    for await (const issuer of fleet.issuers()) issuers.push(issuer)
    const ca = issuers.find(({ role }) => role === 'issuingCa')!.issuerKeyId
    const root = issuers.find(({ role }) => role === 'root')!.issuerKeyId
    await vi.waitFor(async () => expect(await numberIn(ca)).toBe(1n), { timeout: 10_000 })
    expect(await numberIn(root)).toBe(1n)
    bench.later(340 * 86_400)
    await vi.waitFor(async () => expect(await numberIn(root)).toBe(2n), { timeout: 20_000 })
    await vi.waitFor(async () => expect(await numberIn(ca)).toBe(2n), { timeout: 20_000 })
  })

  it('tells its operator what stands in the way, and lives on', async () => {
    const before = await bench.open()
    let ca = ''
    for await (const { role, issuerKeyId } of before.issuers()) if (role === 'issuingCa') ca = issuerKeyId
    await before.close()
    await bench.keyring.delete('ca')
    const warnings: FleetWarning[] = []
    await using fleet = await bench.open({
      background: true,
      onWarning(warning) {
        warnings.push(warning)
        throw new Error('of the operator')
      },
    })
    await vi.waitFor(() => expect(warnings).toHaveLength(1), { timeout: 10_000 })
    expect(warnings[0]).toMatchObject({
      type: 'crlNotPublished',
      issuerKeyId: ca,
      shard: 0,
      error: { code: 'ERR_PKI_KEY_MISSING' },
      retrySeconds: 5,
    })
    expect(fleet.status).toBe('ready')
  })

  it('warns by a warning of the process where nobody listens', async () => {
    const before = await bench.open()
    await before.close()
    await bench.keyring.delete('ca')
    const emitted: (Error & { code?: string })[] = []
    const listen = (warning: Error): void => void emitted.push(warning)
    process.on('warning', listen)
    try {
      await using fleet = await bench.open({ background: true, onWarning: undefined as never })
      await vi.waitFor(() => expect(emitted.some(({ code }) => code === 'crlNotPublished')).toBe(true), {
        timeout: 10_000,
      })
      expect(fleet.status).toBe('ready')
    } finally {
      process.off('warning', listen)
    }
    expect(emitted.find(({ code }) => code === 'crlNotPublished')).toMatchObject({
      name: 'FleetcertWarning',
      message: expect.stringMatching(/^crlNotPublished: CRL of [0-9a-f]{16}, shard 0: ERR_PKI_KEY_MISSING$/),
    })
  })
})
