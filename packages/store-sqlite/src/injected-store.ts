import { prepareDatabase } from './open-database.ts'
import type { OpenStore } from './open-store.ts'
import { Sql } from './sql.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { StoreReader } from './store-reader.ts'
import { WriteQueue } from './write-queue.ts'
import { writeTransaction } from './write-transaction.ts'

/** Takes somebody's connection as it is: everything happens on the calling thread. */
export async function openInjectedStore(database: SqliteDatabase): Promise<OpenStore> {
  await prepareDatabase(database)
  const sql = new Sql(database)
  const reader = new StoreReader(sql)
  const queue = new WriteQueue({
    capacity: 1,
    execute: calls => queue.settle(1, writeTransaction(sql, calls)),
  })
  return {
    read: (name, ...args) => reader.read(name, ...args),
    // What somebody's connection does with a transaction is not ours to know.
    readSoon: async (name, ...args) => reader.read(name, ...args),
    isReadyToWrite: () => true,
    readyToWrite: async () => {},
    write: (call, signal) => queue.write(call, signal),
    close: () => queue.drain(),
  }
}
