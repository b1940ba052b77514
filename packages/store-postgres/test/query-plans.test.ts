import type { Store } from '@fleetcert/core'
import { postgresStore } from '@fleetcert/store-postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { issuer, reservation } from '../../../test-support/reservation.ts'
import { describeWithPostgres } from './support/describe-with-postgres.ts'
import { type PostgresServer, startPostgres } from './support/postgres-server.ts'

const count = 3000
const scope = { issuerKeyId: issuer, shard: 0 }
const key = new Uint8Array(32).fill(7)

describeWithPostgres('what the store asks', () => {
  let postgres: PostgresServer
  let store: Store
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: 'off', autovacuum: 'off' })
    const pool = postgres.pool({ max: 1 })
    store = postgresStore({ pool, durability: 'declared', timeoutSeconds: 60 })
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const serialNumber = `01${index.toString(16).padStart(6, '0')}`
        const wanted = {
          ...reservation({ serialNumber, deviceId: `device-${index}` }),
          owner: `owner-${index % 500}`,
          attributes: { site: `site-${index % 500}` },
          publicKeyHash: index % 500 === 0 ? key : Buffer.from(serialNumber.padStart(64, '0'), 'hex'),
        }
        await store.reserve(wanted, [{ type: 'issuing', at: new Date(), certificate: wanted.id }])
        // Some stay reservations.
        if (index % 100 !== 0) await store.commit(wanted.id, Buffer.from(`certificate ${index}`), [])
        if (index % 3 === 0) await store.revoke(wanted.id, { revocationDate: new Date(), reason: 'superseded' }, [])
      }),
    )
    await postgres.ask('ANALYZE')
  }, 120_000)
  afterAll(() => postgres?.stop())

  /** Rows that were read without an index, by table. */
  const scanned = async (): Promise<Readonly<Record<string, number>>> => {
    const rows = await postgres.ask(
      `SELECT relname, seq_tup_read::int AS rows FROM pg_stat_user_tables WHERE schemaname = 'fleetcert'`,
    )
    return Object.fromEntries(rows.map(({ relname, rows: read }) => [relname as string, read as number]))
  }

  it('reads no table from end to end, but those of a few rows', { timeout: 60_000 }, async () => {
    const { items } = await store.certificates({ list: 'devices' }, { limit: 1 })
    const { id, fingerprint } = items[0]!
    const revocation = { revocationDate: new Date(), reason: 'keyCompromise' } as const
    const event = { type: 'revoked', at: new Date() } as const
    const page = { limit: 5 }
    const before = await scanned()
    await store.certificate(id)
    await store.certificate({ fingerprint: fingerprint! })
    await store.certificateStatus(id)
    for (const query of [
      { list: 'device', deviceId: 'device-7' },
      { list: 'devices', owner: 'owner-3' },
      { list: 'reserved' },
      { list: 'pending' },
      { list: 'key', publicKeyHash: key },
      { list: 'owner', owner: 'owner-3' },
      { list: 'attribute', name: 'site', value: 'site-3' },
      { list: 'created', from: new Date(0), before: new Date() },
    ] as const) {
      await store.certificates(query, page)
    }
    await store.revoked(scope, page)
    await store.crlEntries(scope, {}, page)
    await store.crlState(scope)
    await store.ledger({ after: '7', limit: 5 })
    await store.newestEventAt()
    await store.revoke(id, revocation, [event])
    await store.revokeDevice('device-8', revocation, event)
    await store.revokeAll({ list: 'owner', owner: 'owner-9' }, revocation, event, page)
    await store.revokeAll({ list: 'attribute', name: 'site', value: 'site-9' }, revocation, event, page)
    await store.revokeAll({ list: 'key', publicKeyHash: key }, revocation, event, page)
    await store.revokeAll({ list: 'created', from: new Date(0), before: new Date() }, revocation, event, page)
    await store.abandon(new Date(0))
    await store.extendHolder('nobody', new Date())
    await store.exportRecords({ kind: 'certificate', after: '9', limit: 5 })
    await store.exportRecords({ kind: 'event', after: '9', limit: 5 })
    await store.exportRecords({ kind: 'device', limit: 5 })
    // The connection ends, and with it what it counts becomes known.
    await store.close()
    await postgres.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`)
    let after = await scanned()
    for (let tries = 0; tries < 100 && after['fleet'] === before['fleet']; tries += 1) after = await scanned()
    const large = ['certificates', 'issued', 'devices', 'ledger', 'crl_entries', 'certificate_attributes']
    expect(after['fleet']).toBeGreaterThan(before['fleet']!)
    // Nor was any of them while they were filled.
    expect(Object.fromEntries(large.map(name => [name, after[name]]))).toEqual(
      Object.fromEntries(large.map(name => [name, 0])),
    )
  })
})
