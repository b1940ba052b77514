import type { Sql } from './sql.ts'
import { toFailure } from './sqlite-error.ts'
import { type Queries, queries, type Snapshots, snapshots } from './store-operations.ts'
import { rollBack } from './write-transaction.ts'

type Reads = Snapshots & Queries
type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never

export type ReadName = keyof Reads
/** What needs no transaction of its own. */
export type QueryName = keyof Queries
export type ReadArguments<Name extends ReadName> = Tail<Parameters<Reads[Name]>>
export type ReadResult<Name extends ReadName> = ReturnType<Reads[Name]>

const reads: Reads = { ...snapshots, ...queries }

/** What the store answers, over an open and migrated database. */
export class StoreReader {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  read<Name extends ReadName>(name: Name, ...args: ReadArguments<Name>): ReadResult<Name> {
    const operation = reads[name] as (sql: Sql, ...args: unknown[]) => ReadResult<Name>
    try {
      if (name in queries) return operation(this.#sql, ...args)
      this.#sql.run('BEGIN')
      try {
        return operation(this.#sql, ...args)
      } finally {
        // There is nothing to commit.
        rollBack(this.#sql)
      }
    } catch (error) {
      throw toFailure(error)
    }
  }

  /** Calls each, within one transaction where one can be had: it saves time and changes nothing of what each does. They may {@link read} what is a {@link QueryName}, and throw nothing. */
  together(calls: readonly (() => void)[]): void {
    const isBegun = this.#begin()
    for (const call of calls) call()
    if (isBegun) rollBack(this.#sql)
  }

  #begin(): boolean {
    try {
      this.#sql.run('BEGIN')
      return true
    } catch {
      // Closed, or broken: each call finds out what it is.
      return false
    }
  }
}
