import { resolve } from 'node:path'
import { openReader } from './open-database.ts'
import type { OpenStore } from './open-store.ts'
import { createReadBatch } from './read-batch.ts'
import { Sql } from './sql.ts'
import { StoreReader } from './store-reader.ts'
import { WriterClient } from './writer-client.ts'

/** Opens the file with two connections: a thread's, which writes, and one for reading here. In WAL mode neither waits for the other. */
export async function openFileStore(file: string): Promise<OpenStore> {
  // SQLite gives a meaning of its own to ':memory:' and 'file:…': an absolute path has none.
  const path = resolve(file)
  let writer = await WriterClient.open(path)
  let opening: Promise<WriterClient> | undefined
  const database = await openReader(path).catch(async error => {
    await writer.close()
    throw error
  })
  const reader = new StoreReader(new Sql(database))
  const batch = createReadBatch(reader)

  return {
    read: (name, ...args) => reader.read(name, ...args),
    readSoon: batch.read,
    isReadyToWrite: () => writer.isAlive,
    async readyToWrite() {
      if (writer.isAlive) return
      opening ??= WriterClient.open(path).finally(() => {
        opening = undefined
      })
      writer = await opening
    },
    write: (call, signal) => writer.write(call, signal),
    async close() {
      await opening?.catch(() => {})
      // The last connection that is closed empties the log, which may take long: not here.
      database.close()
      if (writer.isAlive) await writer.close()
    },
  }
}
