/** A value that goes into or comes out of SQLite. */
export type SqliteValue = null | number | bigint | string | Uint8Array

/** A prepared statement: what this store needs of one. */
export interface SqliteStatement {
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint }
  get(...parameters: SqliteValue[]): unknown
  all(...parameters: SqliteValue[]): unknown[]
  /** Rows as arrays, where the database can: `get` of a wide row is twice as fast then. */
  setReturnArrays?(isEnabled: boolean): unknown
}

/** An open SQLite database with a synchronous interface: `DatabaseSync` of node:sqlite fits, and so does better-sqlite3. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}
