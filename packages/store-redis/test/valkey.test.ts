import { spawnSync } from 'node:child_process'
import { testStore } from '@fleetcert/core/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { nodeRedis } from './support/clients.ts'
import { type RedisServer, startRedisBy } from './support/redis-server.ts'
import { storeSubjects } from './support/store-subjects.ts'

// Debian 12 has none, so it is not among the tools that must be there.
const isThere = spawnSync('valkey-server', ['--version'], { stdio: 'ignore' }).error === undefined
if (isThere) {
  describe('redisStore on Valkey', () => {
    let valkey: RedisServer
    beforeAll(async () => {
      valkey = await startRedisBy([], [], 'valkey-server')
    })
    afterAll(() => valkey?.stop())

    testStore({ describe, it }, { create: storeSubjects(() => nodeRedis(valkey.url)) })
  })
} else it.skip('redisStore on Valkey (skipped: no valkey-server)', () => {})
