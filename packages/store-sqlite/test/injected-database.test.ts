import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { testStore } from '@fleetcert/core/testing'
import { type SqliteDatabase, sqliteStore } from '@fleetcert/store-sqlite'
import { describe, expect, it } from 'vitest'

/** How better-sqlite3 differs: octets come back as Buffer, errors name their code, and `run` refuses a statement that answers rows. */
function inTheMannerOfBetterSqlite3(database: DatabaseSync): SqliteDatabase {
  const named = <T>(call: () => T): T => {
    try {
      return call()
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message: string }
      const code = { 1: 'SQLITE_ERROR', 5: 'SQLITE_BUSY', 13: 'SQLITE_FULL' }[(errcode ?? 0) & 0xff]
      throw code === undefined ? error : Object.assign(new Error(message), { code })
    }
  }
  const asBuffers = (row: unknown): unknown =>
    row &&
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, value instanceof Uint8Array ? Buffer.from(value) : value]),
    )
  return {
    exec: sql => named(() => database.exec(sql)),
    prepare(sql) {
      const statement = named(() => database.prepare(sql))
      const answersRows = statement.columns().length > 0
      return {
        run(...parameters) {
          if (answersRows) throw new TypeError('This statement returns data. Use get(), all(), or iterate() instead')
          return named(() => statement.run(...(parameters as SQLInputValue[])))
        },
        get: (...parameters) => named(() => asBuffers(statement.get(...(parameters as SQLInputValue[])))),
        all: (...parameters) => named(() => statement.all(...(parameters as SQLInputValue[])).map(asBuffers)),
      }
    },
  }
}

describe('an injected database', () => {
  testStore(
    { describe, it },
    {
      async create() {
        const database = new DatabaseSync(':memory:')
        const store = sqliteStore({ database: inTheMannerOfBetterSqlite3(database) })
        return {
          store,
          async dispose() {
            await store.close()
            database.close()
          },
        }
      },
      skip: { reopen: 'in memory', second: 'one connection has one transaction' },
    },
  )

  it('is refused when it is not open', async () => {
    const database = new DatabaseSync(':memory:')
    const store = sqliteStore({ database })
    await store.open()
    database.close()
    await expect(store.newestEventAt()).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_UNAVAILABLE',
      details: { reason: 'the database is not open' },
    })
  })

  it('is refused in UTF-16, where entries of CRLs would be other octets', async () => {
    const database = new DatabaseSync(':memory:')
    database.exec('PRAGMA encoding = "UTF-16le"')
    const store = sqliteStore({ database })
    await expect(store.open()).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_CORRUPT',
      details: { reason: 'the database is in UTF-16le: expected UTF-8' },
    })
    expect(database.prepare('SELECT 1 FROM sqlite_schema').all()).toEqual([])
    database.close()
  })

  it("errors in better-sqlite3's manner are understood", async () => {
    const database = new DatabaseSync(':memory:')
    const store = sqliteStore({ database: inTheMannerOfBetterSqlite3(database) })
    await store.open()
    database.exec('PRAGMA max_page_count = 1')
    const put = store.putDocument('large', new Uint8Array(1024 * 1024), 0, [])
    await expect(put).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    await store.close()
    database.close()
  })
})
