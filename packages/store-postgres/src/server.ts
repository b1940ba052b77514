import { jsonOf, type Row } from './columns.ts'
import { toPkiError } from './postgres-error.ts'
import type { PostgresPool, PostgresQuery } from './postgres-pool.ts'
import { isRefusal, refusalError } from './refusal.ts'
import { storeCorrupt, storeUnavailable } from './store-errors.ts'
import { type Send, writeQueue } from './write-queue.ts'

/** What a query is given. */
export type Value = string | number | bigint | boolean | Uint8Array | null

/** A change as `change` of the server takes it. */
export interface Change {
  readonly do: string
  readonly [name: string]: unknown
}

/** The server as the store's operations see it. */
export interface Server {
  /** Asks one query, in which `@.` stands for the fleet's schema. */
  ask(text: string, ...values: readonly Value[]): Promise<readonly Row[]>
  /** Makes a change, together with others that wait; resolves the answer once it is durable. */
  change(change: Change, signal: AbortSignal | undefined): Promise<unknown>
  /** Resolves when every change has its answer. */
  settled(): Promise<void>
}

export interface ServerOptions {
  /** The schema, as an identifier of SQL. */
  readonly schema: string
  readonly timeoutSeconds: number
}

const asIs: PostgresQuery['types'] = { getTypeParser: () => value => value }

export function serverOf(pool: PostgresPool, { schema, timeoutSeconds }: ServerOptions): Server {
  const texts = new Map<string, string>()
  const inSchema = (text: string): string => {
    let full = texts.get(text)
    if (full === undefined) {
      full = text.replaceAll('@.', `${schema}.`)
      texts.set(text, full)
    }
    return full
  }

  // A pool may wait for a connection without end, and may never learn that one is dead.
  const query = async (text: string, values: readonly Value[]): Promise<readonly Row[]> => {
    const milliseconds = timeoutSeconds * 1000
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(storeUnavailable('the server did not answer in time')), milliseconds)
    try {
      const answer = await Promise.race([
        pool.query({
          text: inSchema(text),
          values: values.map(value => (value instanceof Uint8Array ? asBuffer(value) : value)),
          rowMode: 'array',
          types: asIs,
          query_timeout: milliseconds,
        }),
        late,
      ])
      return answer.rows as readonly Row[]
    } finally {
      clearTimeout(timer)
    }
  }

  const send: Send = async calls => {
    const [row] = await query('CALL @.write($1, $2, NULL)', [`[${calls.join(',')}]`, Math.ceil(timeoutSeconds * 1000)])
    const answers: unknown = jsonOf(row?.[0])
    if (!Array.isArray(answers) || answers.length !== calls.length) throw storeCorrupt('the server did not answer all')
    return answers
  }
  const writes = writeQueue(send, timeoutSeconds)

  return {
    async ask(text, ...values) {
      try {
        return await query(text, values)
      } catch (error) {
        throw toPkiError(error)
      }
    },
    async change(change, signal) {
      const answer = await writes.add(JSON.stringify(change), signal)
      if (isRefusal(answer)) throw refusalError(answer)
      return answer
    },
    settled: () => writes.settled(),
  }
}

/** In the same memory: the driver tells octets by their class. */
function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
}
