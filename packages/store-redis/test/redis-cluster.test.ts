import { testStore } from '@fleetcert/core/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { ioredisCluster, nodeRedisCluster } from './support/clients.ts'
import { type RedisCluster, startCluster } from './support/redis-cluster.ts'
import { storeSubjects } from './support/store-subjects.ts'

let cluster: RedisCluster

// Prefixes differ from test to test, so the fleets lie on all nodes.
describeWith(['redis-server'], 'redisStore on a cluster of three nodes', () => {
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster?.stop())

  describe.each([
    ['node-redis', nodeRedisCluster],
    ['ioredis', ioredisCluster],
  ] as const)('over %s', (_name, connect) => {
    testStore({ describe, it }, { create: storeSubjects(() => connect(cluster.ports)) })
  })
})
