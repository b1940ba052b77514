import { redisStore } from '@fleetcert/store-redis'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
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
import { nodeRedis, type TestClient } from '../support/clients.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

// The search of core, over scripts instead of maps: a process dies, or its connection does, before and after each of them.

const isLong = process.env['FLEETCERT_LONG'] === '1'
const short: readonly string[] = [
  'first start, then enrol',
  'enrol where a dead process was enrolling',
  'renew where a dead process was renewing',
  'revoke what is held',
  'a life: enrol, renew, revoke, CRL, enrol again',
]
const timeout = 600_000

describeWith(['redis-server'], 'crash search over Redis', () => {
  let redis: RedisServer
  let connected: TestClient
  let options: SearchOptions
  let runs = 0
  let stores = 0
  beforeAll(async () => {
    redis = await startRedis()
    connected = await nodeRedis(redis.url)
    options = {
      keys: await makeSpareKeys(40),
      createStore(clock) {
        stores += 1
        return redisStore({ client: connected.client, prefix: `crash-${stores}`, durability: 'everysec', clock })
      },
    }
  })
  afterAll(async () => {
    await connected?.close()
    await redis?.stop()
    console.info(`crash search over Redis: ${runs} runs`)
  })

  const searched = operations.filter(({ name }) => isLong || short.includes(name))
  describe.each(searched.map(operation => [operation.name, operation] as const))('%s, on Redis', (_name, operation) => {
    it('survives the power cut before and after each call', { timeout }, async () => {
      runs += await searchPoints(operation, cuts, crashOnce, options)
    })

    it('survives the failure of each call', { timeout }, async () => {
      runs += await searchPoints(operation, failures, failOnce, options)
    })
  })
})
