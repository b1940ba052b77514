import { refusal } from './operations/fleet-state.ts'
import type { Sql } from './sql.ts'
import { toFailure } from './sqlite-error.ts'
import { StoreFailure, storeUnavailable } from './store-failure.ts'
import { writes } from './store-operations.ts'
import type { Outcome, WriteCall, WriteName } from './write-call.ts'

/**
 * Runs calls in one transaction, in their order: one `BEGIN IMMEDIATE`, one `COMMIT`, so one fsync for all of them. A call that throws undoes itself alone.
 * When this returns, what succeeded is durable; if the transaction fails as a whole, all calls fail with its reason and nothing of them was done.
 */
export function writeTransaction(sql: Sql, calls: readonly WriteCall[]): Outcome[] {
  try {
    // A transaction that reads before it asks for the write lock would fail when another process has written in between.
    sql.run('BEGIN IMMEDIATE')
    try {
      let refused = refusal(sql)
      const outcomes = calls.map((call): Outcome => {
        if (!transfers.has(call.name)) return refused === undefined ? inSavepoint(sql, call) : { error: refused }
        const outcome = inSavepoint(sql, call)
        refused = refusal(sql)
        return outcome
      })
      sql.run('COMMIT')
      return outcomes
    } catch (error) {
      rollBack(sql)
      throw error
    }
  } catch (error) {
    const failure = toFailure(error)
    const outcome: Outcome = {
      error: failure instanceof StoreFailure ? failure : storeUnavailable('the transaction failed', failure),
    }
    return calls.map(() => outcome)
  }
}

/** What fleets are moved with is not refused for that. */
const transfers: ReadonlySet<string> = new Set<WriteName>(['changeState', 'importRecords'])

/** Ends a transaction without a trace. Some errors (disk full, out of memory) have ended it already. */
export function rollBack(sql: Sql): void {
  try {
    sql.run('ROLLBACK')
  } catch {
    // There is no transaction to end.
  }
}

function inSavepoint(sql: Sql, call: WriteCall): Outcome {
  const operation = writes[call.name] as ((sql: Sql, ...args: readonly unknown[]) => unknown) | undefined
  sql.run('SAVEPOINT call')
  try {
    // A call that could not be sent comes without its name.
    if (operation === undefined) throw new TypeError('the arguments hold what cannot be stored')
    const result = operation(sql, ...call.args)
    sql.run('RELEASE call')
    return { result }
  } catch (error) {
    undo(sql, error)
    return { error: toFailure(error) }
  }
}

/** Throws the `cause` if it has ended the whole transaction, and the savepoint with it. */
function undo(sql: Sql, cause: unknown): void {
  try {
    sql.run('ROLLBACK TO call')
    sql.run('RELEASE call')
  } catch {
    throw cause
  }
}
