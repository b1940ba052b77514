import { memoryStore } from '@fleetcert/core'
import { postgresStore } from '@fleetcert/store-postgres'
import fc from 'fast-check'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answers, assertAgreement, at, leaveAll, step } from '../../core/test/store/agreement.ts'
import { describeWithPostgres } from './support/describe-with-postgres.ts'
import { forgetFleet } from './support/forget-fleet.ts'
import { type PostgresServer, startPostgres } from './support/postgres-server.ts'

describeWithPostgres('postgresStore beside memoryStore', () => {
  let postgres: PostgresServer
  let pool: Pool
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: 'off' })
    pool = postgres.pool({ max: 3 })
  })
  afterAll(() => postgres?.stop())

  const tables = ['certificates', 'certificate_attributes', 'issued', 'pending', 'crl_entries', 'tokens']
  const rowsLeft = async (): Promise<number> => {
    const counts = tables.map(name => `(SELECT count(*) FROM fleetcert.${name})`)
    const others = `(SELECT count(*) FROM fleetcert.devices WHERE epoch = 0 OR newest IS NOT NULL)`
    const { rows } = await pool.query(`SELECT ${[...counts, others].join(' + ')} AS count`)
    return Number(rows[0].count)
  }
  it('answers as it does, and leaves as little behind', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async taken => {
        const clock = (): Date => at(35)
        const store = postgresStore({ pool, durability: 'declared', timeoutSeconds: 60, clock })
        await store.open()
        await forgetFleet(pool, 'fleetcert')
        const [expected, found] = [await answers(memoryStore({ clock }), taken), await answers(store, taken)]
        assertAgreement('postgres', taken, expected, found)
        await leaveAll(store)
        expect(await rowsLeft()).toBe(0)
        await store.close()
      }),
      { numRuns: process.env['FLEETCERT_LONG'] === '1' ? 2000 : 120 },
    )
  })
})
