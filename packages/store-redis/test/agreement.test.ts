import { memoryStore } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { answers, assertAgreement, at, leaveAll, step } from '../../core/test/store/agreement.ts'
import { nodeRedis, type TestClient } from './support/clients.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

describeWith(['redis-server'], 'redisStore beside memoryStore', () => {
  let redis: RedisServer
  let connected: TestClient
  let runs = 0
  beforeAll(async () => {
    redis = await startRedis()
    connected = await nodeRedis(redis.url)
  })
  afterAll(async () => {
    await connected?.close()
    await redis?.stop()
  })

  /** Which keys are there that nothing accounts for once everything is pruned: all but the meta data, the list of scopes, the ledger, blocked keys, scopes with their CRLs, and devices that were revoked. */
  const kindsLeft = async (prefix: string): Promise<readonly string[]> => {
    const keys = (await redis.ask('KEYS', `{${prefix}}:*`)) as string[]
    const kinds = new Set(keys.map(key => key.slice(prefix.length + 3).replace(/(?<=^.:).*/s, '')))
    return [...kinds.difference(new Set(['m', 'S', 'L', 'b', 's:', 'd:', 'y:']))]
  }

  it('answers as it does, and leaves as little behind', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async taken => {
        runs += 1
        const clock = (): Date => at(35)
        const memory = memoryStore({ clock })
        const store = redisStore({
          client: connected.client,
          prefix: `agreement-${runs}`,
          durability: 'everysec',
          clock,
        })
        const [expected, found] = [await answers(memory, taken), await answers(store, taken)]
        assertAgreement('redis', taken, expected, found)
        await leaveAll(store)
        expect(await kindsLeft(`agreement-${runs}`)).toEqual([])
        await store.close()
      }),
      { numRuns: process.env['FLEETCERT_LONG'] === '1' ? 3000 : 200 },
    )
  })
})
