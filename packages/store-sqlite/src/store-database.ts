import { Sql } from './sql.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { toPkiError } from './sqlite-error.ts'
import { type Operations, queries, snapshots, writes } from './store-operations.ts'

const operations: Operations = { ...writes, ...snapshots, ...queries }
export type OperationName = keyof Operations
type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never
export type OperationArguments<Name extends OperationName> = Tail<Parameters<Operations[Name]>>
export type OperationResult<Name extends OperationName> = ReturnType<Operations[Name]>

/**
 * All SQL and all transactions of the store, over an open and migrated database. The one door is {@link StoreDatabase.apply}: an operation is a name with arguments, and those and the result can be
 * cloned, so that it can be sent to a thread, and several can share a transaction.
 */
export class StoreDatabase {
  readonly #sql: Sql

  constructor(database: SqliteDatabase) {
    this.#sql = new Sql(database)
  }

  /** Runs one operation. What it changed is durable when this returns; after a throw nothing of it was done. */
  apply<Name extends OperationName>(name: Name, ...args: OperationArguments<Name>): OperationResult<Name> {
    const operation = operations[name] as (sql: Sql, ...args: unknown[]) => OperationResult<Name>
    const run = (): OperationResult<Name> => operation(this.#sql, ...args)
    try {
      if (name in queries) return run()
      // A transaction that reads before it asks for the write lock would fail when another process has written in between.
      return this.#transaction(name in writes ? 'BEGIN IMMEDIATE' : 'BEGIN', run)
    } catch (error) {
      throw toPkiError(error)
    }
  }

  #transaction<T>(begin: string, run: () => T): T {
    this.#sql.run(begin)
    try {
      const result = run()
      this.#sql.run('COMMIT')
      return result
    } catch (error) {
      try {
        this.#sql.run('ROLLBACK')
      } catch {
        // Some errors (disk full, out of memory) have rolled back already: then there is no transaction to end.
      }
      throw error
    }
  }
}
