import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from '@fleetcert/store-sqlite'
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

// The search of core, over SQL instead of maps. In memory: what a real death leaves in a file is the kill test's.

const isLong = process.env['FLEETCERT_LONG'] === '1'
const short: readonly string[] = [
  'first start, then enrol',
  'enrol where a dead process was enrolling',
  'renew where a dead process was renewing',
  'enrol with a token where a dead process was enrolling with it',
  'renew with the presented certificate and another key',
  'confirm two renewals',
  'revoke what is held',
  'a life: enrol, renew, revoke, CRL, enrol again',
]
const timeout = 600_000

let options: SearchOptions
let runs = 0
const databases: DatabaseSync[] = []
beforeAll(async () => {
  options = {
    keys: await makeSpareKeys(40),
    createStore(clock) {
      // The last run is over.
      for (const database of databases.splice(0)) database.close()
      const database = new DatabaseSync(':memory:')
      databases.push(database)
      return sqliteStore({ database, clock })
    },
  }
})
afterAll(() => {
  for (const database of databases.splice(0)) database.close()
  console.info(`crash search over SQLite: ${runs} runs`)
})

const searched = operations.filter(({ name }) => isLong || short.includes(name))
describe.each(searched.map(operation => [operation.name, operation] as const))('%s, on SQLite', (_name, operation) => {
  it('survives the power cut before and after each call', { timeout }, async () => {
    runs += await searchPoints(operation, cuts, crashOnce, options)
  })

  it('survives the failure of each call', { timeout }, async () => {
    runs += await searchPoints(operation, failures, failOnce, options)
  })
})
