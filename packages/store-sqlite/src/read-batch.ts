import type { QueryName, ReadArguments, ReadResult, StoreReader } from './store-reader.ts'

/** Reads that wait for the end of the turn. */
export interface ReadBatch {
  /** Rejects as {@link StoreReader.read} throws. */
  read<Name extends QueryName>(name: Name, ...args: ReadArguments<Name>): Promise<ReadResult<Name>>
}

/**
 * Reads that are asked for in one turn of the event loop share a transaction: beginning and ending one costs SQLite a quarter of what finding a row does, and a broker whose devices come back asks a hundred times in one packet.
 * Each fails alone. What is answered is as it is at the end of the turn, so never older than the question.
 */
export function createReadBatch(reader: StoreReader): ReadBatch {
  let waiting: (() => void)[] = []

  const flush = (): void => {
    const due = waiting
    waiting = []
    if (due.length === 1) due[0]!()
    else reader.together(due)
  }

  return {
    read: (name, ...args) =>
      new Promise((resolve, reject) => {
        // Behind all promises of this turn: those that ask together are all there by then.
        if (waiting.length === 0) process.nextTick(flush)
        waiting.push(() => {
          try {
            resolve(reader.read(name, ...args))
          } catch (error) {
            reject(error)
          }
        })
      }),
  }
}
