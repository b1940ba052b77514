import { randomBytes } from 'node:crypto'
import type { Reservation, Store } from '@fleetcert/core'
import { type PostgresStoreOptions, postgresStore } from '@fleetcert/store-postgres'
import { Client, type Pool, type PoolConfig } from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventOf, issuer, reservation } from '../../../test-support/reservation.ts'
import { type FaultyProxy, startProxy } from '../../store-redis/test/support/proxy.ts'
import { describeWithPostgres } from './support/describe-with-postgres.ts'
import { type PostgresServer, startPostgres } from './support/postgres-server.ts'
import { untilHealed } from './support/until-healed.ts'

const scope = { issuerKeyId: issuer, shard: 0 }
const unavailable = (reason?: string) => ({
  code: 'ERR_PKI_STORE_UNAVAILABLE',
  ...(reason !== undefined && { details: { reason } }),
})

describeWithPostgres('postgresStore and a server that fails', () => {
  let postgres: PostgresServer
  const closing: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    postgres = await startPostgres()
    closing.push(() => postgres.stop())
  })
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const open = async (
    config: PoolConfig = {},
    options: Partial<PostgresStoreOptions> = {},
  ): Promise<{ readonly store: Store; readonly pool: Pool }> => {
    const pool = postgres.pool(config)
    const store = postgresStore({ pool, timeoutSeconds: 20, ...options })
    await store.open()
    return { store, pool }
  }
  const throughProxy = async (
    options: Partial<PostgresStoreOptions> = {},
  ): Promise<{ readonly store: Store; readonly proxy: FaultyProxy }> => {
    const proxy = await startProxy(postgres.port)
    closing.push(() => proxy.close())
    const connectionString = postgres.url.replace(String(postgres.port), new URL(proxy.url).port)
    return { store: (await open({ connectionString, connectionTimeoutMillis: 1000 }, options)).store, proxy }
  }
  let count = 0
  const next = (): Reservation => {
    count += 1
    return reservation({ serialNumber: `01${count.toString(16).padStart(6, '0')}`, deviceId: `device-${count}` })
  }
  const issue = async (store: Store): Promise<Reservation> => {
    const reserved = next()
    expect(await store.reserve(reserved, [eventOf('issuing', reserved)])).toBe('reserved')
    const der = Buffer.from(`certificate ${reserved.id.serialNumber}`)
    expect(await store.commit(reserved.id, der, [eventOf('issued', reserved)])).toBe('committed')
    return reserved
  }

  it('answers the same when it is asked again after a lost reply, and has done it once', async () => {
    const { store, proxy } = await throughProxy()
    const revocation = { revocationDate: new Date(), reason: 'superseded' } as const
    const der = Buffer.from('certificate')
    const crl = { crlNumber: 7n, thisUpdate: new Date(), nextUpdate: new Date(), parts: [Buffer.from('crl')] }
    const reserved = next()
    const lease = (await store.lease('crl', 'holder', 60))!
    const calls: readonly (readonly [string, () => Promise<unknown>, unknown])[] = [
      ['reserve', () => store.reserve(reserved, [eventOf('issuing', reserved)]), 'reserved'],
      ['commit', () => store.commit(reserved.id, der, [eventOf('issued', reserved)]), 'committed'],
      ['revoke', () => store.revoke(reserved.id, revocation, [eventOf('revoked', reserved)]), { revocation }],
      ['putDocument', () => store.putDocument('a', der, 0, [eventOf('settingsChanged', reserved)], { lease }), true],
      ['putCrl', () => store.putCrl(scope, crl, lease, [eventOf('crlPublished', reserved)]), true],
      ['lease', () => store.lease('crl', 'holder', 60), { fence: lease.fence }],
      ['certificate', () => store.certificate(reserved.id), { state: 'issued' }],
    ]
    for (const [name, call, expected] of calls) {
      for (const lose of [() => proxy.loseNextRequest(), () => proxy.loseNextReply()]) {
        lose()
        await expect(call(), name).rejects.toMatchObject(unavailable())
      }
      const answer = await call()
      if (typeof expected === 'object') expect(answer, name).toMatchObject(expected as object)
      else expect(answer, name).toBe(expected)
    }
    const { items } = await store.ledger({ after: '', limit: 100 })
    expect(items.map(event => event.type)).toEqual(['issuing', 'issued', 'revoked', 'settingsChanged', 'crlPublished'])
    expect(proxy.connections).toBeGreaterThan(calls.length)
  })

  it('never gives a CRL number twice, whatever is lost', async () => {
    const { store, proxy } = await throughProxy()
    const given = [await store.nextCrlNumber(scope)]
    for (let round = 0; round < 10; round++) {
      proxy.loseNextReply()
      await expect(store.nextCrlNumber(scope)).rejects.toMatchObject(unavailable())
      // What was told to the server may still be going on there.
      given.push(await store.nextCrlNumber(scope))
    }
    expect(given).toEqual([...new Set(given)].toSorted((a, b) => Number(a - b)))
  })

  it('gives up connections that get no answer, and goes on when the server does', async () => {
    const { store, proxy } = await throughProxy({ timeoutSeconds: 1 })
    await issue(store)
    proxy.stall(true)
    // More than the pool has connections: each of them is dead, and none stays in the pool.
    const calls = [...Array(15).keys()].map(async () => store.newestEventAt())
    for (const call of calls) await expect(call).rejects.toMatchObject(unavailable('the server did not answer in time'))
    await expect(store.reserve(next(), [])).rejects.toMatchObject(unavailable('the server did not answer in time'))
    proxy.stall(false)
    await untilHealed(() => issue(store))
  })

  it('lets nobody wait for a client that stopped in the middle of a message', async () => {
    const { store } = await open()
    await issue(store)
    // All of a change but the message that ends it: the server has made it, and would wait for the rest.
    const client = new Client({ connectionString: postgres.url })
    client.on('error', () => {})
    await client.connect()
    const { stream } = (client as unknown as { connection: { stream: import('node:net').Socket } }).connection
    const write = stream.write.bind(stream)
    const sync = Buffer.from([0x53, 0, 0, 0, 4])
    stream.write = ((octets: Buffer) =>
      write(octets.subarray(-5).equals(sync) ? octets.subarray(0, -5) : octets)) as never
    const call = JSON.stringify([{ do: 'putDocument', name: 'half', value: '00', expectedVersion: 0, events: [] }])
    void client.query('CALL fleetcert.write($1, $2, NULL)', [call, 60_000]).catch(() => {})
    expect(
      await untilHealed(async () => (await store.document('half')) ?? Promise.reject(new Error('not yet'))),
    ).toBeTruthy()
    await issue(store)
    stream.destroy()
  })

  it('has all that it resolved when the server is killed and started again, and rejects meanwhile', async () => {
    // Even where the server would commit before it is on the disk.
    await postgres.configure({ synchronous_commit: 'off', wal_writer_delay: '10s' })
    const { store, pool } = await open({}, { timeoutSeconds: 5 })
    expect((await pool.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: 'off' }])
    const issued = [await issue(store), await issue(store)]
    await postgres.kill()
    await expect(store.certificate(issued[0]!.id)).rejects.toMatchObject(unavailable())
    await expect(store.reserve(next(), [])).rejects.toMatchObject(unavailable())
    await postgres.start()
    for (const { id } of issued) {
      expect(await untilHealed(() => store.certificate(id))).toMatchObject({ state: 'issued' })
    }
    await issue(store)
  })

  it('goes on when its connections are ended, one of the processes crashes, or the server stops and starts', async () => {
    const { store } = await open()
    const { id } = await issue(store)
    const others = `FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`
    await postgres.ask(`SELECT pg_terminate_backend(pid) ${others}`)
    await untilHealed(() => issue(store))
    const [backend] = await postgres.ask(`SELECT pid ${others} LIMIT 1`)
    // All connections end, and the server recovers.
    process.kill(backend!['pid'] as number, 'SIGKILL')
    await untilHealed(() => issue(store))
    await postgres.configure({}, true)
    await untilHealed(() => issue(store))
    expect(await store.certificate(id)).toMatchObject({ state: 'issued' })
  })

  it('waits for other writers no longer than it may, and goes on behind them', async () => {
    const { store } = await open({}, { timeoutSeconds: 1 })
    const other = new Client({ connectionString: postgres.url })
    await other.connect()
    await other.query('BEGIN; LOCK TABLE fleetcert.writer IN EXCLUSIVE MODE')
    const reserved = next()
    await expect(store.reserve(reserved, [eventOf('issuing', reserved)])).rejects.toMatchObject(unavailable())
    // Who only reads waits for nobody.
    expect(await store.certificate(reserved.id)).toBeUndefined()
    await other.end()
    await untilHealed(() => issue(store))
    // What was given up was not done later.
    const { items } = await store.ledger({ after: '', limit: 10 })
    expect(items.filter(event => event.deviceId === reserved.deviceId)).toEqual([])
  })

  it('tries again when it is the victim of a deadlock', async () => {
    const { store } = await open()
    await issue(store)
    const other = new Client({ connectionString: postgres.url })
    await other.connect()
    await other.query(`SET deadlock_timeout = '600s'; BEGIN; LOCK TABLE fleetcert.ledger`)
    const issuing = issue(store)
    await untilHealed(async () => {
      const waiting = await postgres.ask(
        `SELECT FROM pg_locks WHERE relation = 'fleetcert.ledger'::regclass AND NOT granted`,
      )
      if (waiting.length === 0) throw new Error('nobody waits yet')
    })
    await other.query('LOCK TABLE fleetcert.writer; COMMIT')
    await issuing
    await other.end()
  })

  it('writes nothing to a server that is read-only, and goes on when it is not', async () => {
    const { store } = await open()
    const { id } = await issue(store)
    await postgres.configure({ default_transaction_read_only: 'on' })
    const readOnly = unavailable('the server is read-only')
    await untilHealed(() => expect(store.nextCrlNumber(scope)).rejects.toMatchObject(readOnly))
    await expect(store.putDocument('a', Buffer.from('a'), 0, [])).rejects.toMatchObject(readOnly)
    expect(await store.certificate(id)).toMatchObject({ state: 'issued' })
    await postgres.configure({ default_transaction_read_only: 'off' })
    await untilHealed(() => issue(store))
  })

  it('rejects while there are too many connections', async () => {
    await postgres.configure({ max_connections: '10', superuser_reserved_connections: '1' }, true)
    const { store, pool } = await open({ max: 2 })
    await issue(store)
    const others: Client[] = []
    closing.push(() => Promise.all(others.map(client => client.end())))
    // The pool's own are ended, and somebody else has taken their places.
    await postgres.ask(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    )
    for (;;) {
      const client = new Client({ connectionString: postgres.url })
      client.on('error', () => {})
      try {
        await client.connect()
        others.push(client)
      } catch {
        break
      }
    }
    expect(others.length).toBeGreaterThan(5)
    await expect(store.newestEventAt()).rejects.toMatchObject(unavailable('the server has too many connections'))
    await expect(store.nextCrlNumber(scope)).rejects.toMatchObject(unavailable('the server has too many connections'))
    await Promise.all(others.splice(0).map(client => client.end()))
    await untilHealed(() => issue(store))
    expect(pool.totalCount).toBeLessThanOrEqual(2)
  })

  it('changes nothing when the disk is full, and goes on when there is room', async () => {
    const { store } = await open()
    const { id } = await issue(store)
    await postgres.limitFiles(20 * 1024 * 1024)
    let version = 0
    const fill = async (): Promise<never> => {
      for (;;) {
        await store.putDocument('large', randomBytes(400_000), version, [])
        version += 1
      }
    }
    await untilHealed(() => store.document('large'))
    await expect(fill()).rejects.toMatchObject(unavailable())
    expect(version).toBeGreaterThan(3)
    expect(await store.document('large')).toMatchObject({ version })
    expect(await store.certificate(id)).toMatchObject({ state: 'issued' })
    await postgres.limitFiles()
    expect(await untilHealed(() => store.putDocument('large', Buffer.from('small'), version, []))).toBe(true)
    await issue(store)
  })

  it('reads nothing from a standby, and follows it when it is promoted', { timeout: 60_000 }, async () => {
    const { store } = await open()
    const { id } = await issue(store)
    const standby = await startPostgres({}, postgres)
    closing.push(() => standby.stop())
    const pool = standby.pool()
    const there = postgresStore({ pool, timeoutSeconds: 20 })
    const isStandby = unavailable('the server is a standby, which takes no writes')
    await expect(there.open()).rejects.toMatchObject(isStandby)
    await there.close()
    // One whose pool is led there after it was opened.
    let to = postgres.pool()
    const led = postgresStore({ pool: { query: query => to.query(query as never) as never }, timeoutSeconds: 20 })
    await led.open()
    to = pool
    const behind = unavailable('the server is a standby, which may be behind')
    await untilHealed(() => expect(led.certificate(id)).rejects.toMatchObject(behind))
    await expect(led.certificate({ fingerprint: Buffer.alloc(32) })).rejects.toMatchObject(behind)
    await expect(led.certificateStatus(id)).rejects.toMatchObject(behind)
    await expect(led.certificates({ list: 'devices' }, { limit: 1 })).rejects.toMatchObject(behind)
    await expect(led.certificates({ list: 'reserved' }, { limit: 1 })).rejects.toMatchObject(behind)
    await expect(led.ledger({ after: '', limit: 1 })).rejects.toMatchObject(behind)
    await expect(led.document('nothing')).rejects.toMatchObject(behind)
    await expect(led.token(Buffer.alloc(32))).rejects.toMatchObject(behind)
    await expect(led.cursor('nobody')).rejects.toMatchObject(behind)
    await expect(led.newestEventAt()).rejects.toMatchObject(behind)
    await expect(led.crlState(scope)).rejects.toMatchObject(behind)
    await expect(led.crlEntries(scope, {}, { limit: 1 })).rejects.toMatchObject(behind)
    await expect(led.revoked(scope, { limit: 1 })).rejects.toMatchObject(behind)
    await expect(led.nextCrlNumber(scope)).rejects.toMatchObject(unavailable('the server is read-only'))
    await standby.ask('SELECT pg_promote()')
    await untilHealed(() => issue(led))
    expect(await led.certificate(id)).toMatchObject({ state: 'issued' })
  })

  it('says so when a table is gone or damaged, and quotes nothing', async () => {
    const { store } = await open()
    await issue(store)
    await postgres.ask('ALTER TABLE fleetcert.certificates RENAME TO elsewhere')
    const gone = await store.reserve(next(), []).catch(error => error)
    expect(gone).toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
    await postgres.ask('ALTER TABLE fleetcert.elsewhere RENAME TO certificates')
    await issue(store)
    await postgres.ask(`UPDATE fleetcert.certificates SET attributes = 'no JSON'`)
    await expect(store.certificates({ list: 'devices' }, { limit: 1 })).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_CORRUPT',
    })
    await postgres.ask(`ALTER TABLE fleetcert.documents ADD CHECK (name <> 'secret')`)
    const refused = await store.putDocument('secret', Buffer.from('hidden'), 0, []).catch(error => error)
    expect(refused).toMatchObject(unavailable('the server refused a statement'))
    for (let error = refused; error !== undefined; error = error.cause) {
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toMatch(/secret|68696464656e/)
    }
  })

  it('fails the one call that the server refuses, and does the others of its transaction', async () => {
    const { store } = await open()
    await postgres.ask(`ALTER TABLE fleetcert.documents ADD CHECK (name <> 'bad')`)
    const put = (name: string) => store.putDocument(name, Buffer.from(name), 0, [])
    const results = await Promise.allSettled(['a', 'b', 'bad', 'c', 'd'].map(put))
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(await store.document('d')).toMatchObject({ version: 1 })
  })

  it('leaves the pool alone when it is closed, and takes no calls then', async () => {
    const { store, pool } = await open()
    const pending = issue(store)
    await pending
    await store.close()
    await expect(store.newestEventAt()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    const again = postgresStore({ pool })
    expect(await again.newestEventAt()).toBeInstanceOf(Date)
    await pool.end()
    await expect(again.newestEventAt()).rejects.toMatchObject(unavailable('the server cannot be reached'))
  })
})
