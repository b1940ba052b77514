import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { memoryKeyring, openFleet } from '@fleetcert/core'
import { postgresStore } from '@fleetcert/store-postgres'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'
import { describeWithPostgres } from './support/describe-with-postgres.ts'
import { type PostgresServer, startPostgres } from './support/postgres-server.ts'

describeWithPostgres('the README', () => {
  // Its files are made in the current folder.
  const before = process.cwd()
  let folder: string
  let postgres: PostgresServer
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleetcert-readme-'))
    process.chdir(folder)
    postgres = await startPostgres()
    process.env['DATABASE_URL'] = postgres.url
  })
  afterEach(async () => {
    delete process.env['DATABASE_URL']
    await postgres.stop()
    process.chdir(before)
    await rm(folder, { recursive: true })
  })

  it('runs', async () => {
    const readme = fileURLToPath(new URL('../README.md', import.meta.url))
    expect(await runReadme(readme, fileURLToPath(import.meta.url))).toBe(2)
  })

  it('gives a role as many rights as the store needs, for all that a fleet does', async () => {
    await postgres.ask(`CREATE ROLE hub LOGIN PASSWORD 'secret'`)
    await postgres.ask('GRANT CREATE ON DATABASE postgres TO hub')
    const pool = postgres.pool({ connectionString: postgres.url.replace('postgres@', 'hub:secret@') })
    const store = postgresStore({ pool, timeoutSeconds: 60 })
    const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
    const { token } = await fleet.createToken({ deviceId: 'sensor-2' })
    expect(token).toMatch(/^fct_/)
    const { fingerprint } = await fleet.enroll('sensor-1', { owner: 'alice' })
    expect((await fleet.identify({ fingerprint })).status).toBe('active')
    await fleet.revoke('sensor-1')
    expect((await fleet.identify({ fingerprint })).status).toBe('revoked')
    expect((await fleet.crl()).crlNumber).toBeGreaterThan(0n)
    const longAfter = new Date('9998-01-01T00:00:00Z')
    expect(await store.prune({ ledgerBefore: longAfter, certificatesExpiredBefore: longAfter }, 1000)).toBeGreaterThan(
      0,
    )
    await fleet.close()
    // Without the right to make the schema.
    await postgres.ask('REVOKE CREATE ON DATABASE postgres FROM hub')
    const other = postgresStore({ pool, schema: 'another', timeoutSeconds: 60 })
    await expect(other.open()).rejects.toMatchObject({ details: { reason: 'access denied' } })
    const again = postgresStore({ pool, timeoutSeconds: 60 })
    expect(await again.newestEventAt()).toBeInstanceOf(Date)
  })
})
