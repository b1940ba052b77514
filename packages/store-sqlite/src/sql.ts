import type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite-database.ts'

/** A database with its prepared statements: each text is compiled once. Texts are constants of this package, so the cache is bounded. */
export class Sql {
  readonly #database: SqliteDatabase
  readonly #statements = new Map<string, SqliteStatement>()
  readonly #valueStatements = new Map<string, SqliteStatement>()
  #changedRows = 0

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  /** Rows that {@link run} has changed so far. */
  get changedRows(): number {
    return this.#changedRows
  }

  /** How many rows were changed. */
  run(text: string, ...parameters: SqliteValue[]): number {
    const changes = Number(this.#prepare(text).run(...checked(parameters)).changes)
    this.#changedRows += changes
    return changes
  }

  get<Row>(text: string, ...parameters: SqliteValue[]): Row | undefined {
    return (this.#prepare(text).get(...checked(parameters)) ?? undefined) as Row | undefined
  }

  /** The values of a row, in the order of the columns: for what is asked for thousands of times a second. */
  values(text: string, ...parameters: SqliteValue[]): SqliteValue[] | undefined {
    let statement = this.#valueStatements.get(text)
    if (statement === undefined) {
      statement = this.#database.prepare(text)
      statement.setReturnArrays?.(true)
      this.#valueStatements.set(text, statement)
    }
    const row = (statement.get(...checked(parameters)) ?? undefined) as SqliteValue[] | object | undefined
    return row === undefined || Array.isArray(row) ? row : Object.values(row)
  }

  all<Row>(text: string, ...parameters: SqliteValue[]): Row[] {
    return this.#prepare(text).all(...checked(parameters)) as Row[]
  }

  #prepare(text: string): SqliteStatement {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

// Octets without a buffer behind them, such as those that came from another thread, are NULL to node:sqlite.
const noOctets = new Uint8Array(1).subarray(0, 0)

// node:sqlite ends a text at its first NUL and replaces lone surrogates: two names would become one.
function checked(parameters: SqliteValue[]): SqliteValue[] {
  for (let index = 0; index < parameters.length; index++) {
    const value = parameters[index]
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
      throw new TypeError('a text that is stored must be well-formed and hold no NUL')
    }
    if (value instanceof Uint8Array && value.length === 0) parameters[index] = noOctets
  }
  return parameters
}
