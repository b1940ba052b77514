import { type PostgresPool, postgresStore } from '@fleetcert/store-postgres'
import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  crashOnce,
  cuts,
  failOnce,
  failures,
  type SearchOptions,
  searchPoints,
} from '../../../core/test/crash/crash-search.ts'
import { operations } from '../../../core/test/crash/operations.ts'
import { makeSpareKeys } from '../../../core/test/crash/spare-keys.ts'
import { describeWithPostgres } from '../support/describe-with-postgres.ts'
import { forgetFleet } from '../support/forget-fleet.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'

// The search of core, over a server instead of maps: a process dies, or its connection does, before and after each call.

const isLong = process.env['FLEETCERT_LONG'] === '1'
const short: readonly string[] = [
  'first start, then enrol',
  'enrol where a dead process was enrolling',
  'renew where a dead process was renewing',
  'revoke what is held',
]
const timeout = 600_000
const schemas = 6

describeWithPostgres('crash search over PostgreSQL', () => {
  let postgres: PostgresServer
  let pool: Pool
  let options: SearchOptions
  let runs = 0
  let stores = 0
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: 'off' })
    pool = postgres.pool({ max: 3 })
    options = {
      keys: await makeSpareKeys(40),
      createStore(clock) {
        stores += 1
        // Each begins with nothing, in one of a few schemas: what a dead process has asked for last is over when its turn comes again.
        const schema = `crash_${stores % schemas}`
        const ready = prepare(schema)
        const emptied: PostgresPool = {
          async query(query) {
            await ready
            return pool.query(query as never) as never
          },
        }
        return postgresStore({ pool: emptied, schema, durability: 'declared', timeoutSeconds: 60, clock })
      },
    }
  })
  const prepare = async (schema: string): Promise<void> => {
    await postgresStore({ pool, schema, durability: 'declared', timeoutSeconds: 60 }).open()
    await forgetFleet(pool, schema)
  }
  afterAll(async () => {
    await postgres?.stop()
    console.info(`crash search over PostgreSQL: ${runs} runs`)
  })

  const searched = operations.filter(({ name }) => isLong || short.includes(name))
  describe.each(searched.map(operation => [operation.name, operation] as const))(
    '%s, on PostgreSQL',
    (_name, operation) => {
      it('survives the power cut before and after each call', { timeout }, async () => {
        runs += await searchPoints(operation, cuts, crashOnce, options)
      })

      it('survives the failure of each call', { timeout }, async () => {
        runs += await searchPoints(operation, failures, failOnce, options)
      })
    },
  )
})
