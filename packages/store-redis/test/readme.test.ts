import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { memoryKeyring, openFleet } from '@fleetcert/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

describeWith(['redis-server'], 'the README', () => {
  // Its files are made in the current folder.
  const before = process.cwd()
  let folder: string
  let redis: RedisServer
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleetcert-readme-'))
    process.chdir(folder)
    redis = await startRedis()
    process.env['REDIS_URL'] = redis.url
  })
  afterEach(async () => {
    delete process.env['REDIS_URL']
    await redis.stop()
    process.chdir(before)
    await rm(folder, { recursive: true })
  })

  it('runs', async () => {
    const readme = fileURLToPath(new URL('../README.md', import.meta.url))
    expect(await runReadme(readme, fileURLToPath(import.meta.url))).toBe(2)
  })

  it('gives a user as many rights as the store needs', async () => {
    await redis.ask(
      'ACL',
      'SETUSER',
      'hub',
      'on',
      '>secret',
      '~{fleetcert}:*',
      '+@all',
      '-@dangerous',
      '+info',
      '+config|get',
    )
    process.env['REDIS_URL'] = redis.url.replace('//', '//hub:secret@')
    const { redisStore } = await import('@fleetcert/store-redis')
    const { nodeRedis } = await import('./support/clients.ts')
    const connected = await nodeRedis(process.env['REDIS_URL'])
    const store = redisStore({ client: connected.client, durability: 'everysec' })
    const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
    const { token } = await fleet.createToken({ deviceId: 'sensor-2' })
    expect(token).toMatch(/^fct_/)
    const { fingerprint } = await fleet.enroll('sensor-1', { owner: 'alice' })
    expect((await fleet.identify({ fingerprint })).status).toBe('active')
    await fleet.revoke('sensor-1')
    expect((await fleet.crl()).crlNumber).toBeGreaterThan(0n)
    const longAfter = new Date('9998-01-01T00:00:00Z')
    expect(await store.prune({ ledgerBefore: longAfter, certificatesExpiredBefore: longAfter }, 1000)).toBeGreaterThan(
      0,
    )
    await fleet.close()
    // It may ask for a replica; here is none.
    const replicated = redisStore({ client: connected.client, durability: 'everysec', replicas: 1, timeoutSeconds: 1 })
    await expect(replicated.open()).rejects.toMatchObject({
      details: { reason: 'too few replicas have what was written' },
    })
    await replicated.close()
    await connected.close()
  })
})
