import { readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { issuer, reservation } from '../../../test-support/reservation.ts'
import { migrations } from '../src/migrations.ts'

const scope = { issuerKeyId: issuer, shard: 0 }
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleetcert-sqlite-'))
  await chmod(folder, 0o755)
  file = join(folder, 'fleet.db')
})
afterEach(() => rm(folder, { recursive: true }))

/** The super-user may write anywhere, so for `body` this process is somebody else. */
async function asOrdinaryUser(body: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return body()
  process.seteuid!(65_534)
  try {
    await body()
  } finally {
    process.seteuid!(0)
  }
}

/** A database as `change` leaves it. */
function withDatabase<T>(change: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file)
  try {
    return change(database)
  } finally {
    database.close()
  }
}

async function createStore(): Promise<void> {
  await using store = sqliteStore({ file })
  await store.nextCrlNumber(scope)
}

describe('sqliteStore', () => {
  it('does no I/O until it is opened', async () => {
    const store = sqliteStore({ file })
    expect(readdirSync(folder)).toEqual([])
    await store.close()
    expect(readdirSync(folder)).toEqual([])
    await expect(store.open()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
  })

  it('is opened by its first call too, and makes its folder', async () => {
    file = join(folder, 'a', 'b', 'fleet.db')
    await using store = sqliteStore({ file })
    expect(await store.nextCrlNumber(scope)).toBe(1n)
  })

  it('says which Node.js it needs where there is no node:sqlite', async () => {
    const builtin = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
    try {
      await using store = sqliteStore({ file })
      await expect(store.open()).rejects.toMatchObject({
        code: 'ERR_PKI_STORE_UNAVAILABLE',
        details: { reason: 'this Node.js has no node:sqlite: 22.13 or newer is needed' },
      })
      expect(readdirSync(folder)).toEqual([])
    } finally {
      builtin.mockRestore()
    }
  })

  it('runs in WAL mode with synchronous=FULL and foreign keys', async () => {
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: false })
    const store = sqliteStore({ database })
    await store.open()
    expect(database.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' })
    expect(database.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 })
    expect(database.prepare('PRAGMA foreign_keys').get()).toMatchObject({ foreign_keys: 1 })
    expect(database.prepare('PRAGMA busy_timeout').get()).toMatchObject({ timeout: 2000 })
    await store.close()
    // Who opens closes.
    expect(database.prepare('SELECT 1 AS one').get()).toMatchObject({ one: 1 })
    database.close()
  })

  it('keeps its three files to their owner, whatever the umask and the mode they had', async () => {
    const umask = process.umask(0)
    try {
      const first = sqliteStore({ file })
      await first.nextCrlNumber(scope)
      await chmod(file, 0o666)
      await chmod(`${file}-wal`, 0o666)
      await using second = sqliteStore({ file })
      expect(await second.nextCrlNumber(scope)).toBe(2n)
      const modes = readdirSync(folder).map(name => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)])
      expect(modes).toEqual([
        ['fleet.db', '600'],
        ['fleet.db-shm', '600'],
        ['fleet.db-wal', '600'],
      ])
      await first.close()
    } finally {
      process.umask(umask)
    }
  })

  it('takes a name that means something to SQLite for the name of a file', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      for (const name of [':memory:', 'file:fleet?mode=memory']) {
        const store = sqliteStore({ file: name })
        expect(await store.nextCrlNumber(scope)).toBe(1n)
        await store.close()
        await using again = sqliteStore({ file: name })
        expect(await again.nextCrlNumber(scope)).toBe(2n)
      }
    } finally {
      process.chdir(before)
    }
  })

  it('refuses a newer schema, and leaves it alone', async () => {
    await createStore()
    withDatabase(database => database.exec('PRAGMA user_version = 99'))
    const before = readFileSync(file)
    await expect(sqliteStore({ file }).open()).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_SCHEMA',
      details: { found: 99, supported: migrations.length },
    })
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('refuses a file that is no database, of any length, and leaves it alone', async () => {
    for (const content of ['x', 'hello', 'hello world '.repeat(1000)]) {
      await writeFile(file, content, { mode: 0o644 })
      await expect(sqliteStore({ file }).open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
      expect(readFileSync(file, 'utf8')).toBe(content)
      expect(statSync(file).mode & 0o777).toBe(0o644)
    }
  })

  it("refuses another application's database, and leaves it alone", async () => {
    withDatabase(database => database.exec('CREATE TABLE theirs (a)'))
    await chmod(file, 0o644)
    const before = readFileSync(file)
    await expect(sqliteStore({ file }).open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o644)
  })

  it('says corrupt when a page is damaged or a table is gone', async () => {
    await createStore()
    const damaged = readFileSync(file)
    damaged.fill(0xff, 4096)
    await writeFile(file, damaged)
    await expect(sqliteStore({ file }).nextCrlNumber(scope)).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
    await rm(file)
    await createStore()
    withDatabase(database => database.exec('DROP TABLE ledger'))
    await using store = sqliteStore({ file })
    await expect(store.newestEventAt()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
  })

  it('takes an empty file for a new database', async () => {
    await writeFile(file, '')
    await createStore()
    expect(withDatabase(database => database.prepare('PRAGMA user_version').get())).toMatchObject({
      user_version: migrations.length,
    })
  })

  it('is unavailable while another connection locks the database, and works again afterwards', async () => {
    await createStore()
    await using store = sqliteStore({ file })
    await store.open()
    const other = new DatabaseSync(file)
    other.exec('BEGIN EXCLUSIVE')
    const taken = reservation({ serialNumber: '01', deviceId: 'device-1' })
    const refused = store.reserve(taken, [{ type: 'issuing', at: new Date() }])
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_UNAVAILABLE',
      details: { reason: 'locked by another process' },
    })
    expect(await store.certificate(taken.id), 'reading goes on').toBeUndefined()
    other.exec('ROLLBACK')
    other.close()
    expect(await store.reserve(taken, [{ type: 'issuing', at: new Date() }])).toBe('reserved')
    expect((await store.ledger({ after: '', limit: 10 })).items.length).toBe(1)
  })

  it('can be opened again after it could not be', async () => {
    await mkdir(file)
    await using store = sqliteStore({ file })
    await expect(store.open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    await expect(store.newestEventAt()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    await rm(file, { recursive: true })
    await store.open()
    expect(await store.newestEventAt()).toBeUndefined()
  })

  it.skipIf(process.platform === 'win32')(
    'is unavailable in a folder, or on a file, that it may not write',
    async () => {
      await createStore()
      await chmod(folder, 0o555)
      await asOrdinaryUser(async () => {
        const absent = sqliteStore({ file: join(folder, 'absent.db') })
        await expect(absent.open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
        const present = sqliteStore({ file })
        await expect(present.open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
        const below = sqliteStore({ file: join(folder, 'below', 'fleet.db') })
        await expect(below.open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
      })
      await chmod(folder, 0o755)
      await createStore()
    },
  )

  it('is unavailable when the disk is full, with nothing half done', async () => {
    await createStore()
    const database = new DatabaseSync(file)
    const store = sqliteStore({ database })
    await store.open()
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
    database.exec(`PRAGMA max_page_count = ${pages}`)
    const value = new Uint8Array(1024 * 1024)
    const put = () => store.putDocument('large', value, 0, [{ type: 'settingsChanged', at: new Date() }])
    await expect(put()).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_UNAVAILABLE',
      details: { reason: 'the disk is full' },
    })
    expect(await store.document('large')).toBeUndefined()
    expect(await store.newestEventAt()).toBeUndefined()
    database.exec('PRAGMA max_page_count = 100000')
    expect(await put()).toBe(true)
    await store.close()
    database.close()
  })

  it('passes no text of the driver on in its message', async () => {
    await createStore()
    withDatabase(database => database.exec('DROP TABLE documents'))
    await using store = sqliteStore({ file })
    const error = await store.document('settings').catch((reason: unknown) => reason as Error)
    expect(error).toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
    expect((error as Error).message).not.toMatch(/documents|SELECT/)
    expect((error as Error).cause).toBeInstanceOf(Error)
  })

  it('refuses a text that SQLite would change', async () => {
    await using store = sqliteStore({ file })
    await expect(store.putDocument('a\0b', new Uint8Array(1), 0, [])).rejects.toBeInstanceOf(TypeError)
    await expect(store.document('a\ud800')).rejects.toBeInstanceOf(TypeError)
    expect(await store.document('a')).toBeUndefined()
  })

  it('does nothing of a change that fails on its way', async () => {
    await using store = sqliteStore({ file })
    const at = new Date()
    const events = [
      { type: 'issued', at },
      { type: 'issued', at, deviceId: 'a\0' },
    ] as const
    await expect(store.putDocument('settings', new Uint8Array(1), 0, events)).rejects.toBeInstanceOf(TypeError)
    expect(await store.document('settings')).toBeUndefined()
    expect(await store.newestEventAt()).toBeUndefined()
    expect(await store.putDocument('settings', new Uint8Array(1), 0, events.slice(0, 1))).toBe(true)
  })

  it('refuses an id that is not lower-case hex, rather than look up another', async () => {
    await using store = sqliteStore({ file })
    for (const serialNumber of ['0A', '0', '0g', '']) {
      await expect(store.certificate({ issuerKeyId: issuer, serialNumber })).rejects.toBeInstanceOf(TypeError)
    }
  })

  it('tells the time of leases and abandoned reservations by its clock', async () => {
    let now = new Date('2030-01-01T00:00:00Z')
    await using store = sqliteStore({ file, clock: () => now })
    expect(await store.lease('crl', 'a', 60)).toEqual({
      name: 'crl',
      fence: 1,
      until: new Date('2030-01-01T00:01:00Z'),
    })
    now = new Date('2030-01-01T00:01:00Z')
    expect((await store.lease('crl', 'b', 60))?.fence).toBe(2)
    await store.reserve(reservation({ serialNumber: '01', deviceId: 'device-1' }), [])
    now = new Date('2020-01-01T00:00:00Z')
    expect(await store.abandon(new Date('2040-01-01T00:00:00Z'))).toBe(1)
    expect(await store.newestEventAt()).toEqual(now)
  })
})
