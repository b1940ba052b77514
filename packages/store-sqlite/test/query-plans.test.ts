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
  // One row for each table with AUTOINCREMENT.
  [/^SCAN sqlite_sequence$/, /WHERE name = 'certificates'/],
  // Whether there is any row at all.
  [/^SCAN \w+/, /NOT EXISTS \(SELECT 1 FROM certificates\) AND NOT EXISTS/],
  // What has come out of the steps before: a device's own certificates, one after the other.
  [/^SCAN (?:s|successors)$/, /WITH RECURSIVE successors/],
  [/^SCAN CONSTANT ROW$/, /SELECT (?:\(SELECT (?:min|seq)|last_insert_rowid)/],
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

it('what many certificates are ended by is found by an index of its own, in the order of the pages', async () => {
  const texts: string[] = []
  const database = new DatabaseSync(':memory:')
  const recording: SqliteDatabase = {
    exec: sql => database.exec(sql),
    prepare(sql) {
      texts.push(sql)
      return database.prepare(sql) as unknown as ReturnType<SqliteDatabase['prepare']>
    },
  }
  const store = sqliteStore({ database: recording })
  await store.open()
  const publicKeyHash = new Uint8Array(32)
  const expected = [
    [{ list: 'key', publicKeyHash }, [/SEARCH c USING INDEX certificates_key \(public_key_hash=\? AND rowid>\?\)/]],
    [{ list: 'owner', owner: 'alice' }, [/SEARCH c USING INDEX certificates_owner \(owner=\? AND rowid>\?\)/]],
    [
      { list: 'attribute', name: 'batch', value: '17' },
      [/SEARCH a USING PRIMARY KEY \(name=\? AND value=\? AND ordinal>\?\)/, /SEARCH c USING INTEGER PRIMARY KEY/],
    ],
    [
      { list: 'created', from: new Date(1), before: new Date(2) },
      [
        /MERGE \(UNION ALL\)/,
        /LEFT/,
        /SEARCH c USING INDEX certificates_created \(created_at=\? AND rowid>\?\)/,
        /RIGHT/,
        /SEARCH c USING INDEX certificates_created \(created_at>\? AND created_at<\?\)/,
      ],
    ],
  ] as const
  const revocation = { revocationDate: new Date(0), reason: 'unspecified' } as const
  const event = { type: 'revoked', at: new Date(0) } as const
  for (const [query, plans] of expected) {
    texts.length = 0
    await store.certificates(query, { limit: 2 })
    await store.revokeAll(query, revocation, event, { limit: 2 })
    const selects = texts.filter(text => /FROM certificate/.test(text) && /LIMIT/.test(text))
    expect(selects).toHaveLength(2)
    for (const text of selects) {
      const details = (database.prepare(`EXPLAIN QUERY PLAN ${text}`).all() as { detail: string }[]).map(
        row => row.detail,
      )
      expect(details).toHaveLength(plans.length)
      for (const [index, plan] of plans.entries()) expect(details[index]).toMatch(plan)
    }
  }
  await store.close()
  database.close()
})
