import type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite-database.ts'

/** A database with its prepared statements: each text is compiled once. Texts are constants of this package, so the cache is bounded. */
export class Sql {
  readonly #database: SqliteDatabase
  readonly #statements = new Map<string, SqliteStatement>()

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  exec(text: string): void {
    this.#database.exec(text)
  }

  /** How many rows were changed. */
  run(text: string, ...parameters: SqliteValue[]): number {
    return Number(this.#prepare(text).run(...checked(parameters)).changes)
  }

  get<Row>(text: string, ...parameters: SqliteValue[]): Row | undefined {
    return (this.#prepare(text).get(...checked(parameters)) ?? undefined) as Row | undefined
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

// node:sqlite ends a text at its first NUL and replaces lone surrogates: two names would become one.
function checked(parameters: SqliteValue[]): SqliteValue[] {
  for (const value of parameters) {
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
      throw new TypeError('a text that is stored must be well-formed and hold no NUL')
    }
  }
  return parameters
}
