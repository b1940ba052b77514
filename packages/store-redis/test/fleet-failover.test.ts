import { setTimeout as sleep } from 'node:timers/promises'
import { redisStore } from '@fleetcert/store-redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { ioredisSentinel } from './support/clients.ts'
import { fleetUnderLoad } from './support/fleet-under-load.ts'
import { type SentinelGroup, startSentinel } from './support/redis-sentinel.ts'

describeWith(['redis-server'], 'a fleet under load behind a sentinel', () => {
  let group: SentinelGroup
  beforeEach(async () => {
    group = await startSentinel()
  })
  afterEach(() => group?.stop())

  it('loses nothing that a replica confirmed when the master dies, and goes on at the new one', {
    timeout: 90_000,
  }, async () => {
    const connected = await ioredisSentinel(group.name, group.sentinel)
    const store = redisStore({ client: connected.client, durability: 'everysec', replicas: 1, timeoutSeconds: 1 })
    const loaded = await fleetUnderLoad(store)
    const until = async (isSo: () => Promise<boolean>): Promise<void> => {
      while (!(await isSo())) await sleep(20)
    }
    try {
      await loaded.untilEnrolled(20)
      await group.master.kill()
      await until(async () => (await loaded.decideOnKnown()).result === 'deny')
      expect(await loaded.decideOnRevoked()).toMatchObject({ result: 'deny' })
      // Questions are answered by the new master as soon as it is one; writes wait for a replica of its own.
      await until(async () => (await loaded.decideOnNew()).result === 'allow')
      await group.master.start()
      await group.master.ask('REPLICAOF', '127.0.0.1', String(group.replica.port))
      await loaded.untilEnrolled(20)
      await loaded.rest()
      expect(loaded.rejected.length).toBeGreaterThan(0)
      for (const error of loaded.rejected) expect(error).toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
      for (const { fingerprint } of loaded.enrolled) {
        expect((await loaded.fleet.identify({ fingerprint })).status).toBe('active')
      }
      expect(await loaded.decideOnRevoked()).toMatchObject({ result: 'deny', reason: 'revoked' })
    } finally {
      await loaded.close()
      await connected.close()
    }
  })
})
