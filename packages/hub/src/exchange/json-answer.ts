import type { Answer } from './exchange.ts'

// RFC 9111 section 5.2.2.5: no-store. Answers may hold a key, and none of them is worth caching.
const jsonHeaders: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** An answer of the API. */
export function jsonAnswer(status: number, value: object, headers?: Readonly<Record<string, string>>): Answer {
  return {
    status,
    headers: headers === undefined ? jsonHeaders : { ...jsonHeaders, ...headers },
    body: JSON.stringify(value),
  }
}
