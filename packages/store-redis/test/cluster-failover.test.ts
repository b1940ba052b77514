import { setTimeout as sleep } from 'node:timers/promises'
import type { CertificateId, Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventOf, reservation } from '../../../test-support/reservation.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { ioredisCluster, nodeRedisCluster } from './support/clients.ts'
import { type RedisCluster, startCluster } from './support/redis-cluster.ts'
import type { RedisServer } from './support/redis-server.ts'

const key = '{fleetcert}:m'

describeWith(['redis-server'], 'redisStore on a cluster whose node dies under load', () => {
  let cluster: RedisCluster
  beforeEach(async () => {
    cluster = await startCluster(3)
  })
  afterEach(() => cluster?.stop())

  const isMaster = async (node: RedisServer): Promise<boolean> =>
    String(await node.ask('INFO', 'replication')).includes('role:master')
  const hasFleet = async (node: RedisServer): Promise<boolean> => {
    // A node of another slot says where it is.
    const answer = await node.ask('HGET', key, 'schema').catch(() => null)
    return answer !== null && (await isMaster(node))
  }
  const nodeOfFleet = async (nodes: readonly RedisServer[]): Promise<RedisServer> => {
    for (;;) {
      for (const node of nodes) if (await hasFleet(node).catch(() => false)) return node
      await sleep(50)
    }
  }

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

  it.each([
    ['node-redis', nodeRedisCluster],
    ['ioredis', ioredisCluster],
  ] as const)(
    'over %s: goes on at the replica that took its place, and has all that had reached it, each step whole',
    { timeout: 120_000 },
    async (_name, connect) => {
      const connected = await connect(cluster.ports)
      const store = redisStore({ client: connected.client, durability: 'everysec', timeoutSeconds: 1 })
      try {
        await store.open()
        const issued: CertificateId[] = []
        const rejected: unknown[] = []
        let isOver = false
        const caller = async (): Promise<void> => {
          while (!isOver) {
            await issue(store).then(
              id => issued.push(id),
              async error => {
                rejected.push(error)
                await sleep(5)
              },
            )
          }
        }
        const load = Promise.all(Array.from({ length: 8 }, caller))
        const untilIssued = async (more: number): Promise<void> => {
          for (const wanted = issued.length + more; issued.length < wanted; ) await sleep(20)
        }
        await untilIssued(40)
        const master = await nodeOfFleet(cluster.nodes)
        // What its replica has confirmed so far cannot be lost; what is resolved behind that may be.
        const safe = [...issued]
        await waitForReplica(master)
        await master.kill()
        const next = await nodeOfFleet(cluster.nodes.filter(node => node !== master))
        expect(next.port).not.toBe(master.port)
        await until(() => rejected.length > 0)
        const after = issued.length
        await untilIssued(40)
        // The former master comes back as a replica of it, and takes nothing along that it alone had.
        await master.start()
        await until(async () => !(await isMaster(master)))
        await untilIssued(10)
        isOver = true
        await load
        for (const error of rejected) expect(error).toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
        for (const id of [...safe, ...issued.slice(after)]) {
          expect(await store.certificate(id)).toMatchObject({ state: 'issued' })
        }
        // What was lost was lost as a whole, from one point on: every certificate has its two entries in the ledger.
        const kept = (await Promise.all(issued.map(id => store.certificate(id)))).filter(
          each => each?.state === 'issued',
        )
        const { items: events } = await store.ledger({ after: '', limit: 100_000 })
        expect(events.filter(({ type }) => type === 'issued').length).toBeGreaterThanOrEqual(kept.length)
        const sequences = events.map(({ sequence }) => sequence)
        expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, index) => index + 1))
      } finally {
        await store.close()
        await connected.close()
      }
    },
  )

  /** Resolves when a replica has all that the master had a moment ago. */
  async function waitForReplica(master: RedisServer): Promise<void> {
    const offset = async (name: string): Promise<number> => {
      const info = String(await master.ask('INFO', 'replication'))
      return Number(new RegExp(`${name}[:=](\\d+)`).exec(info)?.[1] ?? Number.NaN)
    }
    const reached = await offset('master_repl_offset')
    // Of the replica's line: `slave0:ip=…,offset=…,lag=…`.
    await until(async () => (await offset(',offset')) >= reached)
  }

  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) await sleep(20)
  }
})
