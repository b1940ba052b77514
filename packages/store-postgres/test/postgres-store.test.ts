import { testStore } from '@fleetcert/core/testing'
import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeWithPostgres } from './support/describe-with-postgres.ts'
import { type PostgresServer, startPostgres } from './support/postgres-server.ts'
import { storeSubjects } from './support/store-subjects.ts'

let postgres: PostgresServer
let pool: Pool

describeWithPostgres('postgresStore', () => {
  beforeAll(async () => {
    // Two hundred schemas on a disk that is asked for nothing: what outlives a crash is for other tests.
    postgres = await startPostgres({ fsync: 'off' })
    pool = postgres.pool({ max: 3 })
  })
  afterAll(() => postgres?.stop())

  testStore({ describe, it }, { create: storeSubjects(() => pool) })
})
