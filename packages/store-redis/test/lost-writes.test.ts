import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fleet, memoryKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../test-support/tools.ts'
import { nodeRedis } from './support/clients.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

describeWith(['redis-server'], 'two processes on a Redis that has lost its last writes', () => {
  let redis: RedisServer
  const closing: (() => unknown)[] = []
  beforeEach(async () => {
    // On the disk at once, so that its file can be taken away as a power cut would leave it.
    redis = await startRedis('--appendfsync', 'always')
    closing.push(() => redis.stop())
  })
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  it('a revocation that comes in the place of what was lost is heard of by both', { timeout: 60_000 }, async () => {
    const keyring = memoryKeyring()
    const open = async (): Promise<Fleet> => {
      const { client, close } = await nodeRedis(redis.url)
      const fleet = await openFleet({ store: redisStore({ client }), keyring, background: false })
      closing.push(close, () => fleet.close())
      return fleet
    }
    const fleet = await open()
    const idle = await open()
    const { fingerprint } = await fleet.enroll('device')
    const status = async (): Promise<string> => (await idle.identify({ fingerprint })).status
    /** Until it is asked of the ledger, and of nothing else. */
    const untilKept = async (): Promise<void> => {
      const { hits } = idle.identityCounters()
      await expect
        .poll(async () => [await status(), idle.identityCounters().hits > hits], { timeout: 20_000 })
        .toEqual(['active', true])
    }
    await untilKept()
    const folder = temporaryDirectory()
    closing.push(() => folder.remove())
    const [file, copy] = [join(redis.directory, 'appendonlydir'), join(folder.directory, 'copy')]
    cpSync(file, copy, { recursive: true })
    await fleet.enroll('lost')
    // What is heard of stays fresh for half a second.
    await sleep(600)
    await untilKept()

    await redis.kill()
    rmSync(file, { recursive: true })
    cpSync(copy, file, { recursive: true })
    await redis.start()
    const isRevoked = (): Promise<boolean> =>
      fleet.revoke({ fingerprint }).then(
        () => true,
        () => false,
      )
    await expect.poll(isRevoked, { timeout: 20_000 }).toBe(true)
    // More than was lost.
    for (let count = 0; count < 3; count += 1) await fleet.enroll(`more-${count}`)
    // Its connection may have to come back.
    await expect.poll(() => status().catch(() => ''), { timeout: 20_000 }).not.toBe('')
    await sleep(600)
    expect(await status()).toBe('revoked')
  })
})
