import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { copyFleet, fileKeyring, memoryStore, openFleet, parseCrl, type Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../test-support/tools.ts'
import { Fixture } from '../../core/src/testing/store/fixture.ts'
import { encodings, exportAll, makeMovingFleet, observations } from '../../core/src/testing/store/moving-fleet.ts'
import { createChurn } from '../../core/test/transfer/churn.ts'
import { nodeRedis, type TestClient } from './support/clients.ts'
import { namedStore } from './support/named-store.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

/** After how many lines of progress a copy is killed, one copy after the other. */
const kills = process.env['FLEETCERT_LONG'] === '1' ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 17, 21] : [1, 4, 7]

/** What was observed as text: stores make octets of different kinds, and members in another order. */
function plain(observed: unknown): string {
  const replacer = (_: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  return JSON.stringify(observed, replacer, 1)
}

describeWith(['redis-server'], 'copyFleet between SQLite and Redis', () => {
  let redis: RedisServer
  let connected: TestClient
  let folder: ReturnType<typeof temporaryDirectory>
  const children = new Set<ChildProcess>()
  beforeEach(async () => {
    redis = await startRedis()
    connected = await nodeRedis(redis.url)
    folder = temporaryDirectory()
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
    await connected.close()
    await redis.stop()
    folder.remove()
  })

  const inFolder = (name: string): string => join(folder.directory, name)
  const redisWith = (prefix: string): Store => redisStore({ client: connected.client, prefix, durability: 'everysec' })
  const start = (script: string, ...args: string[]): ChildProcess => {
    const path = join(import.meta.dirname, 'children', script)
    const child = spawn(process.execPath, ['--conditions=fleetcert-source', '--no-warnings', path, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.add(child)
    return child
  }

  it('from SQLite to Redis, back, and into memory: everything is there, each time', { timeout: 60_000 }, async () => {
    const stores = [
      sqliteStore({ file: inFolder('one.db') }),
      redisWith('one'),
      sqliteStore({ file: inFolder('two.db') }),
      memoryStore(),
      redisWith('two'),
      redisWith('three'),
    ]
    const [first] = stores
    const fleet = await makeMovingFleet(new Fixture(first!))
    // More than a page, and a CRL of several.
    const fixture = new Fixture(first!)
    for (let count = 0; count < 520; count++) {
      const id = { issuerKeyId: 'cc', serialNumber: count.toString(16).padStart(4, '0') }
      await first!.reserve(fixture.reservation({ id, deviceId: `many-${count}` }), [fixture.event('issuing')])
      if (count % 3 === 0) await first!.revoke(id, fixture.revocation('unspecified'), [])
    }
    const parts = Array.from({ length: 6 }, (_, index) => Buffer.alloc(1024 * 1024, index))
    await first!.putCrl({ issuerKeyId: 'cc', shard: 0 }, fixture.crl(5n, { parts }), undefined, [])
    const before = plain(await observations(first!, fleet, 200))
    const records = encodings(await exportAll(first!, 200))
    for (const [index, to] of stores.entries()) {
      const from = stores[index - 1]
      if (from === undefined) continue
      expect((await copyFleet(from, to)).moved).toBe(false)
      expect((await copyFleet(from, to, { seal: true })).moved).toBe(true)
      expect(encodings(await exportAll(to, 200))).toEqual(records)
      expect(plain(await observations(to, fleet, 200))).toBe(before)
      await from.close()
    }
    await stores.at(-1)!.close()
  })

  for (const direction of ['SQLite to Redis', 'Redis to SQLite'] as const) {
    it(`${direction}: killed again and again while processes work, nothing is lost`, { timeout: 180_000 }, async () => {
      const file = inFolder('fleet.db')
      const [from, to] = direction === 'SQLite to Redis' ? [file, redis.url] : [redis.url, file]
      const keys = inFolder('keys')
      const source = await namedStore(from)
      const target = await namedStore(to)
      const fleet = await openFleet({
        store: source.store,
        keyring: fileKeyring(keys),
        background: false,
        onWarning: () => {},
      })
      const churn = createChurn(fleet, 5)
      for (let count = 0; count < 40; count++) await churn()
      const former = parseCrl((await fleet.crl()).der).crlNumber!

      const issued: string[] = []
      const ends: string[] = []
      const workers = ['11', '12'].map(seed => {
        const worker = start('work-until-moved.ts', from, keys, seed)
        const lines = createInterface({ input: worker.stdout! })
        lines.on('line', line => (line.includes(':') ? issued.push(line) : ends.push(line)))
        return Promise.all([once(worker, 'exit'), once(lines, 'close')])
      })
      await expect.poll(() => issued.length, { timeout: 60_000 }).toBeGreaterThan(10)

      // Each copy dies after some lines of progress, the next one goes on.
      for (const lines of kills) {
        const copier = start('copy-fleet.ts', from, to, lines > 3 ? 'seal' : '')
        const exited = once(copier, 'exit')
        let seen = 0
        for await (const _ of createInterface({ input: copier.stdout! })) {
          seen += 1
          if (seen === lines) copier.kill('SIGKILL')
        }
        await exited
        expect(await Promise.all([source.store.state(), target.store.state()])).not.toEqual([
          expect.objectContaining({ state: 'open' }),
          expect.objectContaining({ state: 'open' }),
        ])
      }
      const copier = start('copy-fleet.ts', from, to, 'seal')
      expect((await text(copier.stdout!)).trim().split('\n').at(-1)).toBe('moved')
      await Promise.all(workers)
      expect(ends).toEqual(['ERR_PKI_STORE_MOVED', 'ERR_PKI_STORE_MOVED'])

      const records = encodings(await exportAll(source.store, 500))
      expect(encodings(await exportAll(target.store, 500))).toEqual(records)
      const moved = await openFleet({
        store: target.store,
        keyring: fileKeyring(keys),
        background: false,
        onWarning: () => {},
      })
      expect(moved.trustAnchors).toBe(fleet.trustAnchors)
      for (const fingerprint of issued) expect((await moved.identify({ fingerprint })).status).not.toBe('unknown')
      for await (const { deviceId } of fleet.devices()) {
        const { items } = await source.store.certificates({ list: 'device', deviceId }, { limit: 1000 })
        for (const { der } of items) {
          if (der === undefined) continue
          expect((await moved.identify({ der })).status).toBe((await fleet.identify({ der })).status)
        }
      }
      const { fingerprint } = await moved.enroll('after')
      await moved.renew('after')
      await moved.revoke({ fingerprint })
      expect(parseCrl((await moved.crl()).der).crlNumber!).toBeGreaterThan(former)
      await moved.close()
      await fleet.close().catch(() => {})
      await source.close()
      await target.close()
    })
  }

  it('goes on when the target was away, and its server was killed', { timeout: 60_000 }, async () => {
    const from = sqliteStore({ file: inFolder('fleet.db') })
    const fixture = new Fixture(from)
    for (let count = 0; count < 1500; count++) {
      await from.reserve(fixture.reservation({ deviceId: `device-${count}` }), [fixture.event('issuing')])
    }
    const to = redisStore({ client: connected.client, durability: 'everysec', timeoutSeconds: 1 })
    let kills = 0
    const copying = copyFleet(from, to, {
      onProgress: () => {
        if (kills++ === 0) void redis.kill()
      },
    })
    await expect(copying).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    await redis.start()
    await expect
      .poll(
        () =>
          copyFleet(from, to, { seal: true }).then(
            ({ moved }) => moved,
            error => error.code,
          ),
        { timeout: 30_000 },
      )
      .toBe(true)
    expect(encodings(await exportAll(to, 500))).toEqual(encodings(await exportAll(from, 500)))
    await from.close()
    await to.close()
  })
})
