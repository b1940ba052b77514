import { writerBusyMilliseconds } from './open-database.ts'
import type { Sql } from './sql.ts'

/**
 * Rows changed between two checkpoints: what a hundred certificates need, some 500 pages. Random pages of indexes do not get fewer by waiting longer, and a short checkpoint is over before the callers that
 * were answered come back.
 */
const rowsPerCheckpoint = 600

/** After so many checkpoints that left something in the log, because others went on writing, one that makes them wait. */
const patience = 4

/** How long a checkpoint that needs others to be done waits for them. */
const busyMilliseconds = 100

/** Without a write for so long, the log is emptied. */
const idleMilliseconds = 1000

/**
 * Moves what is in the write-ahead log into the database file, after the callers have their answers. SQLite would do it within the COMMIT that makes the log too long, with the callers waiting.
 */
export class Checkpointer {
  readonly #sql: Sql
  readonly #idle: NodeJS.Timeout
  #rows = 0
  #unfinished = 0

  constructor(sql: Sql) {
    this.#sql = sql
    this.#idle = setTimeout(() => this.#checkpoint('TRUNCATE'), idleMilliseconds).unref()
  }

  /** After each transaction. */
  wrote(rows: number): void {
    this.#rows += rows
    if (this.#rows >= rowsPerCheckpoint) this.#checkpoint(this.#unfinished < patience ? 'PASSIVE' : 'FULL')
    this.#idle.refresh()
  }

  stop(): void {
    clearTimeout(this.#idle)
  }

  #checkpoint(mode: 'PASSIVE' | 'FULL' | 'TRUNCATE'): void {
    this.#rows = 0
    try {
      this.#sql.get(`PRAGMA busy_timeout = ${busyMilliseconds}`)
      const row = this.#sql.get<{ busy: number; log: number; checkpointed: number }>(`PRAGMA wal_checkpoint(${mode})`)!
      this.#unfinished = row.busy === 0 && row.log === row.checkpointed ? 0 : this.#unfinished + 1
    } catch {
      // The log is longer then, and the next one has more to do.
      this.#unfinished += 1
    } finally {
      this.#sql.get(`PRAGMA busy_timeout = ${writerBusyMilliseconds}`)
    }
  }
}
