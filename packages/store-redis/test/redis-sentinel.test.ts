import { setTimeout as sleep } from 'node:timers/promises'
import type { CertificateId, Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventOf, reservation } from '../../../test-support/reservation.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { ioredisSentinel, nodeRedisSentinel } from './support/clients.ts'
import { type SentinelGroup, startSentinel } from './support/redis-sentinel.ts'

describeWith(['redis-server'], 'redisStore behind a sentinel', () => {
  let group: SentinelGroup
  beforeEach(async () => {
    group = await startSentinel()
  })
  afterEach(() => group?.stop())

  let count = 0
  const issue = async (store: Store): Promise<CertificateId> => {
    count += 1
    const serialNumber = `01${count.toString(16).padStart(6, '0')}`
    const reserved = reservation({ serialNumber, deviceId: `device-${count}` })
    const der = Buffer.from(`der ${serialNumber}`)
    if ((await store.reserve(reserved, [eventOf('issuing', reserved)])) !== 'reserved') throw new Error('not reserved')
    if ((await store.commit(reserved.id, der, [eventOf('issued', reserved)])) !== 'committed') throw new Error('lost')
    return reserved.id
  }

  /** Resolves when the sentinel names the former replica as the master. */
  const replaced = async (): Promise<void> => {
    while (!String(await group.currentMaster()).includes(String(group.replica.port))) await sleep(50)
  }

  /** The former master is started again, behind the new one. */
  const comeBackAsReplica = async (): Promise<void> => {
    await group.master.start()
    await group.master.ask('REPLICAOF', '127.0.0.1', String(group.replica.port))
  }

  it.each([
    ['node-redis', nodeRedisSentinel, 0],
    ['ioredis', ioredisSentinel, 1],
  ] as const)(
    'over %s: goes on at the new master when the old one dies under load, and has all that a replica confirmed',
    { timeout: 90_000 },
    async (_name, connect, replicas) => {
      const connected = await connect(group.name, group.sentinel)
      const store = redisStore({ client: connected.client, durability: 'everysec', replicas, timeoutSeconds: 1 })
      try {
        const issued: CertificateId[] = []
        const rejected: unknown[] = []
        let isOver = false
        const caller = async (): Promise<void> => {
          while (!isOver)
            await issue(store).then(
              id => issued.push(id),
              error => rejected.push(error),
            )
        }
        const callers = Array.from({ length: 8 }, caller)
        const untilIssued = async (more: number): Promise<void> => {
          const wanted = issued.length + more
          while (issued.length < wanted) await sleep(20)
        }
        await untilIssued(40)
        await group.master.kill()
        const before = issued.length
        // Before the former master is there again: a busy machine may have the sentinel change once more then.
        await replaced()
        expect(String(await group.replica.ask('INFO', 'replication'))).toContain('role:master')
        if (replicas > 0) await comeBackAsReplica()
        await untilIssued(40)
        isOver = true
        await Promise.all(callers)
        expect(rejected.length).toBeGreaterThan(0)
        for (const error of rejected) expect(error).toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
        // Without a confirmation, what was resolved last may be lost; what came after the change of masters is not.
        for (const id of replicas > 0 ? issued : issued.slice(before + 8)) {
          expect(await store.certificate(id)).toMatchObject({ state: 'issued' })
        }
      } finally {
        await store.close()
        await connected.close()
      }
    },
  )
})
