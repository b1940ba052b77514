import { type PostgresPool, postgresStore } from '@fleetcert/store-postgres'
import type { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventOf, reservation } from '../../../test-support/reservation.ts'
import { schemaVersion } from '../src/open-server.ts'
import { describeWithPostgres } from './support/describe-with-postgres.ts'
import { type PostgresServer, startPostgres } from './support/postgres-server.ts'

const unavailable = (reason: string) => ({ code: 'ERR_PKI_STORE_UNAVAILABLE', details: { reason } })

describe('what postgresStore is given', () => {
  const pool: PostgresPool = { query: async () => ({ rows: [] }) }

  it('must be a pool, a plain name, and known words', () => {
    for (const none of [undefined, null, {}, 'postgres://localhost', { connect: () => {} }]) {
      expect(() => postgresStore({ pool: none as never })).toThrow('postgresStore: pool: expected a pool')
    }
    for (const schema of ['', 'A', 'a b', 'a"b', '1a', 'a'.repeat(64), 'pg_temp', 5 as never]) {
      expect(() => postgresStore({ pool, schema })).toThrow('postgresStore: schema: expected')
    }
    expect(() => postgresStore({ pool, durability: 'no' as never })).toThrow('postgresStore: durability: expected')
    expect(() => postgresStore({ pool, prefix: 'a' } as never)).toThrow('postgresStore: there is no "prefix"')
    expect(() => postgresStore(undefined as never)).toThrow(TypeError)
    for (const timeoutSeconds of [0, -1, Number.NaN, 1e9]) {
      expect(() => postgresStore({ pool, timeoutSeconds })).toThrow(RangeError)
    }
  })

  it('is not asked for anything before it is opened', async () => {
    let calls = 0
    const counted = postgresStore({
      pool: {
        async query() {
          calls += 1
          return { rows: [] }
        },
      },
    })
    expect(calls).toBe(0)
    await counted.close()
    await expect(counted.open()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    expect(calls).toBe(0)
  })

  it('that throws, or never answers, does not hold up the store', async () => {
    const pools: PostgresPool[] = [
      {
        query: () => {
          throw new Error('Cannot use a pool after calling end on the pool')
        },
      },
      { query: () => new Promise(() => {}) },
    ]
    for (const each of pools) {
      const store = postgresStore({ pool: each, timeoutSeconds: 0.05 })
      await expect(store.newestEventAt()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
      await store.close()
    }
  })
})

describeWithPostgres('opening postgresStore', () => {
  let postgres: PostgresServer
  let pool: Pool
  beforeEach(async () => {
    postgres = await startPostgres()
    pool = postgres.pool()
  })
  afterEach(() => postgres.stop())
  const open = (schema = 'fleetcert', durability?: 'declared') =>
    postgresStore({ pool, schema, timeoutSeconds: 60, ...(durability && { durability }) }).open()
  const tables = async (): Promise<number> => {
    const [row] = await postgres.ask(`SELECT count(*) FROM pg_tables WHERE schemaname = 'fleetcert'`)
    return Number(row!['count'])
  }

  it('refuses a server that would lose the fleet, and writes nothing there', async () => {
    for (const name of ['fsync', 'full_page_writes']) {
      await postgres.configure({ [name]: 'off' }, true)
      await expect(open()).rejects.toMatchObject({ details: { reason: expect.stringContaining(`${name} is off`) } })
      expect(await tables()).toBe(0)
      await open(`declared_${name}`, 'declared')
      await postgres.configure({ [name]: 'on' }, true)
    }
    await open()
    expect(await tables()).toBeGreaterThan(10)
  })

  it('refuses what it cannot work with', async () => {
    await postgres.configure({ default_transaction_isolation: "'serializable'" }, true)
    const isolation = unavailable('default_transaction_isolation must be read committed')
    await expect(open()).rejects.toMatchObject(isolation)
    await postgres.configure({ default_transaction_isolation: "'read committed'", bytea_output: 'escape' }, true)
    await expect(open()).rejects.toMatchObject(unavailable('bytea_output must be hex'))
    await postgres.ask(`CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
    const latin = postgres.pool({ connectionString: postgres.url.replace(/postgres$/, 'latin') })
    await expect(postgresStore({ pool: latin, timeoutSeconds: 60 }).open()).rejects.toMatchObject(
      unavailable('the encoding of the database must be UTF8'),
    )
    await postgres.ask('CREATE SCHEMA theirs; CREATE TABLE theirs.devices (id text)')
    await expect(open('theirs')).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_CORRUPT',
      details: { reason: 'the schema holds something else' },
    })
  })

  it('goes back on it where transactions are made serializable after it was opened', async () => {
    const store = postgresStore({ pool, timeoutSeconds: 60 })
    await store.open()
    await postgres.ask(`ALTER ROLE postgres SET default_transaction_isolation = 'repeatable read'`)
    const later = postgres.pool()
    const serial = postgresStore({ pool: { query: query => later.query(query as never) as never } })
    await expect(serial.nextCrlNumber({ issuerKeyId: 'ab', shard: 0 })).rejects.toMatchObject(
      unavailable('default_transaction_isolation must be read committed'),
    )
    const changed = pool.query('CALL fleetcert.write($1, 1000, NULL)', ['[]'])
    await expect(changed).resolves.toBeDefined()
    await expect(later.query('CALL fleetcert.write($1, 1000, NULL)', ['[]'])).rejects.toMatchObject({ code: 'FC003' })
  })

  it('makes the schema once, however many open it', async () => {
    await Promise.all(Array.from({ length: 8 }, () => open()))
    const [row] = await postgres.ask('SELECT count(*), max(schema_version) AS version FROM fleetcert.fleet')
    expect(row).toEqual({ count: '1', version: String(schemaVersion) })
  })

  it('leaves a newer schema as it is', async () => {
    await open()
    await postgres.ask('UPDATE fleetcert.fleet SET schema_version = 99')
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_SCHEMA',
      details: { found: 99, supported: schemaVersion },
    })
  })

  it('keeps fleets of two schemas apart', async () => {
    const stores = ['one', 'two'].map(schema => postgresStore({ pool, schema, timeoutSeconds: 60 }))
    const reserved = reservation({ serialNumber: '0a', deviceId: 'a' })
    expect(await stores[0]!.reserve(reserved, [eventOf('issuing', reserved)])).toBe('reserved')
    expect(await stores[1]!.certificate(reserved.id)).toBeUndefined()
    expect(await stores[1]!.newestEventAt()).toBeUndefined()
  })

  it('minds no parsers and no search path of the application', async () => {
    await postgres.ask(`ALTER ROLE postgres SET search_path = 'nowhere'; ALTER ROLE postgres SET DateStyle = 'German'`)
    const types = { getTypeParser: () => () => 'spoilt' }
    const store = postgresStore({ pool: postgres.pool({ types: types as never }), timeoutSeconds: 60 })
    const reserved = reservation({ serialNumber: '0a', deviceId: 'a' })
    expect(await store.reserve(reserved, [eventOf('issuing', reserved)])).toBe('reserved')
    expect(await store.certificate(reserved.id)).toMatchObject({ state: 'reserved', deviceId: 'a' })
  })

  it('runs no function of another user of the database, however well it fits', async () => {
    // Of version 14 and before, everybody may make functions in that schema.
    await postgres.ask(`CREATE ROLE hub LOGIN; GRANT CREATE ON DATABASE postgres TO hub;
      CREATE ROLE other; GRANT CREATE, USAGE ON SCHEMA public TO other; CREATE TABLE public.ran_as (role text);
      GRANT ALL ON public.ran_as TO public`)
    const asHub = postgres.pool({ connectionString: postgres.url.replace('postgres@', 'hub@') })
    const hub = postgresStore({ pool: asHub, timeoutSeconds: 60 })
    await hub.open()
    // The server's own take any type.
    await postgres.ask(
      ['boolean', 'text', 'bigint', 'jsonb[]', 'record']
        .map(
          type => `SET ROLE other; CREATE FUNCTION public.to_jsonb(${type}) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO public.ran_as VALUES (current_user); RETURN pg_catalog.to_jsonb($1); END $$;`,
        )
        .join(''),
    )
    const reserved = reservation({ serialNumber: '0a', deviceId: 'a' })
    expect(await hub.reserve(reserved, [eventOf('issuing', reserved)])).toBe('reserved')
    expect(await hub.nextCrlNumber({ issuerKeyId: 'ab', shard: 0 })).toBe(1n)
    expect((await hub.exportRecords({ kind: 'certificate', limit: 10 })).items).toHaveLength(1)
    expect((await hub.state()).state).toBe('open')
    const keys = [{ kind: 'certificate', record: { id: reserved.id } }] as const
    expect((await hub.exportRecords({ keys })).items).toHaveLength(1)
    expect(await postgres.ask('SELECT role FROM public.ran_as')).toEqual([])
  })

  it('warns of a pool that may wait for a connection without end', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    const endless = postgres.pool({ connectionTimeoutMillis: 0 })
    await open()
    await postgresStore({ pool: endless, timeoutSeconds: 60 }).open()
    await new Promise(setImmediate)
    process.off('warning', note)
    expect(warnings.filter(({ name }) => name === 'FleetcertWarning')).toMatchObject([
      { code: 'connectionTimeoutMillis' },
    ])
  })

  it('holds no text that the server cannot', async () => {
    const store = postgresStore({ pool, timeoutSeconds: 60 })
    const wanted = reservation({ serialNumber: '0a', deviceId: 'a' })
    for (const text of ['a\0b', '\ud800']) {
      await expect(store.reserve({ ...wanted, owner: text }, [])).rejects.toThrow(TypeError)
      await expect(store.document(text)).rejects.toThrow(TypeError)
    }
    await expect(store.reserve({ ...wanted, notAfter: new Date(Number.NaN) }, [])).rejects.toThrow(RangeError)
    expect(await store.certificate(wanted.id)).toBeUndefined()
  })
})
