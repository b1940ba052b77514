/** A query as the store sends it. */
export interface PostgresQuery {
  /** One statement. */
  readonly text: string
  /** What `$1`, `$2`, … stand for. */
  values: unknown[]
  /** Rows are lists of columns. */
  readonly rowMode: 'array'
  /** Columns stay the text that the server sends, whatever parsers the application has set up. */
  readonly types: {
    /** What a column of any type is made of: itself. */
    getTypeParser(): (value: unknown) => unknown
  }
  /** After so many milliseconds the pool gives up, and closes the connection. */
  readonly query_timeout: number
}

/** A pool of [node-postgres](https://node-postgres.com) (`new Pool(…)` of `pg` 8), which stays open when the store is closed. */
export interface PostgresPool {
  /** How it was set up. */
  readonly options?: { readonly connectionTimeoutMillis?: number | undefined }
  /** Sends a query over any connection and resolves its rows. */
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[] }>
}
