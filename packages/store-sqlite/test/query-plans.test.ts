import { DatabaseSync } from 'node:sqlite'
import { testStore } from '@fleetcert/core/testing'
import { type SqliteDatabase, sqliteStore } from '@fleetcert/store-sqlite'
import { expect, it } from 'vitest'

/** Reads whole tables or indexes, but stops early or has little to read; each with the reason. */
const bounded: readonly (readonly [plan: RegExp, text: RegExp])[] = [
  // The end of the ledger, and its first entries, up to a LIMIT.
  [/^SCAN ledger$/, /ORDER BY sequence (?:DESC )?LIMIT/],
  // Open reservations whose lease ran out, most overdue first: few.
  [/^USE TEMP B-TREE FOR ORDER BY$/, /lease_until < \?/],
  [/^SCAN CONSTANT ROW$/, /SELECT (?:\(SELECT min|last_insert_rowid)/],
]

it('every statement of the store finds its rows by an index', async () => {
  const texts = new Set<string>()
  const tests: (() => Promise<void>)[] = []
  testStore(
    { describe: (_, body) => body(), it: (_, body) => tests.push(body) },
    {
      async create() {
        const database = new DatabaseSync(':memory:')
        const recording: SqliteDatabase = {
          exec: sql => database.exec(sql),
          prepare(sql) {
            texts.add(sql)
            return database.prepare(sql) as unknown as ReturnType<SqliteDatabase['prepare']>
          },
        }
        const store = sqliteStore({ database: recording })
        return {
          store,
          async dispose() {
            await store.close()
            database.close()
          },
        }
      },
      skip: { reopen: 'not needed', second: 'not needed' },
    },
  )
  for (const test of tests) await test()
  expect(texts.size).toBeGreaterThan(60)

  const database = new DatabaseSync(':memory:')
  await sqliteStore({ database }).open()
  const scans: string[] = []
  for (const text of texts) {
    if (/^(?:PRAGMA|BEGIN|COMMIT|ROLLBACK|SELECT 1 FROM sqlite_schema)/.test(text)) continue
    for (const { detail } of database.prepare(`EXPLAIN QUERY PLAN ${text}`).all() as { detail: string }[]) {
      if (!/^SCAN|TEMP B-TREE/.test(detail)) continue
      if (bounded.some(([plan, statement]) => plan.test(detail) && statement.test(text))) continue
      scans.push(`${detail}: ${text}`)
    }
  }
  expect(scans).toEqual([])
  database.close()
})
