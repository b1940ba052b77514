import { testStore } from '@fleetcert/core/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { ioredis, nodeRedis, nodeRedisPool } from './support/clients.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'
import { storeSubjects } from './support/store-subjects.ts'

let redis: RedisServer

describeWith(['redis-server'], 'redisStore', () => {
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.stop())

  describe.each([
    ['node-redis', nodeRedis],
    ['a pool of node-redis', nodeRedisPool],
    ['ioredis', ioredis],
  ] as const)('over %s', (_name, connect) => {
    testStore({ describe, it }, { create: storeSubjects(() => connect(redis.url)) })
  })
})
