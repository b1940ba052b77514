import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openReader, openWriter } from '../src/open-database.ts'
import { createReadBatch } from '../src/read-batch.ts'
import { Sql } from '../src/sql.ts'
import { StoreReader } from '../src/store-reader.ts'

const closing: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openFile() {
  const folder = await mkdtemp(join(tmpdir(), 'read-batch-'))
  closing.push(() => rm(folder, { recursive: true }))
  const file = join(folder, 'fleet.db')
  const writer = await openWriter(file)
  closing.push(() => writer.close())
  const database = await openReader(file)
  const statements: string[] = []
  const prepare = database.prepare.bind(database)
  const told = Object.assign(Object.create(database) as typeof database, {
    prepare(text: string) {
      const statement = prepare(text)
      const run = statement.run.bind(statement)
      return Object.assign(statement, {
        run(...parameters: Parameters<typeof run>) {
          statements.push(text)
          return run(...parameters)
        },
      })
    },
  })
  const put = (name: string): void => {
    writer.prepare('INSERT INTO documents (name, value, version) VALUES (?, ?, 1)').run(name, new Uint8Array([1]))
  }
  return { batch: createReadBatch(new StoreReader(new Sql(told))), database, put, statements }
}

test('reads of one turn share a transaction, those of the next have their own', async () => {
  const { batch, put, statements } = await openFile()
  put('a')
  const both = await Promise.all([batch.read('document', 'a'), batch.read('document', 'b')])
  expect(both.map(found => found?.version)).toEqual([1, undefined])
  expect(statements).toEqual(['BEGIN', 'ROLLBACK'])
  // The transaction has ended: what was written since is seen.
  put('b')
  expect((await batch.read('document', 'b'))?.version).toBe(1)
  expect(statements).toHaveLength(2)
})

test('what is written before the turn ends is in the answer', async () => {
  const { batch, put } = await openFile()
  const asked = Promise.all([batch.read('document', 'a'), batch.read('document', 'a')])
  put('a')
  expect((await asked).map(found => found?.version)).toEqual([1, 1])
})

test('each fails alone', async () => {
  const { batch, put } = await openFile()
  put('a')
  const [failed, found] = await Promise.allSettled([batch.read('document', 'a\0'), batch.read('document', 'a')])
  expect(failed.status).toBe('rejected')
  expect(found).toMatchObject({ status: 'fulfilled', value: { version: 1 } })
  expect((await batch.read('document', 'a'))?.version).toBe(1)
})

test('a database that was closed meanwhile answers nobody', async () => {
  const { batch, database } = await openFile()
  const asked = Promise.allSettled([batch.read('document', 'a'), batch.read('document', 'b')])
  database.close()
  expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
