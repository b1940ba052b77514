import type { Sql } from './sql.ts'

/** Rows changed between two checkpoints. A row is a page in each of its indexes at the most, so the log stays below some 10,000 pages. */
const rowsPerCheckpoint = 2000

/** Without a write for so long, the log is emptied. */
const idleMilliseconds = 1000

/**
 * Moves what is in the write-ahead log into the database file, after the callers have their answers. SQLite would do it within the COMMIT that makes the log too long, with the callers waiting.
 */
export class Checkpointer {
  readonly #sql: Sql
  readonly #idle: NodeJS.Timeout
  #rows = 0

  constructor(sql: Sql) {
    this.#sql = sql
    this.#idle = setTimeout(() => this.#checkpoint('TRUNCATE'), idleMilliseconds).unref()
  }

  /** After each transaction. */
  wrote(rows: number): void {
    this.#rows += rows
    if (this.#rows >= rowsPerCheckpoint) this.#checkpoint('PASSIVE')
    this.#idle.refresh()
  }

  stop(): void {
    clearTimeout(this.#idle)
  }

  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    this.#rows = 0
    try {
      this.#sql.get(`PRAGMA wal_checkpoint(${mode})`)
    } catch {
      // Busy or failed: the log is longer then, and the next one has more to do.
    }
  }
}
