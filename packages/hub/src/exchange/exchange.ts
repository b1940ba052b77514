import type { HubContext } from '../hub.ts'

/** The longest body that is read, in octets. */
export const bodyLimitBytes: number = 64 * 1024

/** One request as the routes see it, whichever face it came through. */
export interface Exchange {
  readonly method: string
  /** As sent: still percent-encoded, without the query. */
  readonly path: string
  /** As sent, without the `?`. */
  readonly query: string
  /** By lower-case name. A header sent twice is one value, joined by `, `. */
  header(name: string): string | undefined
  /** The whole body; the same promise when asked again. Rejects `ERR_PKI_TOO_LARGE`, `ERR_PKI_REQUEST`. */
  body(): Promise<Uint8Array>
  /** The body if all of it is there already; else `undefined`, and it can still be asked for. */
  arrived(): Promise<Uint8Array | undefined>
  /** The same as {@link body}, or `undefined` when it has not all arrived in time. */
  bodyWithin(milliseconds: number): Promise<Uint8Array | undefined>
  /** For the authorize callback; its body is unread. */
  request(): Promise<Request>
  context(): HubContext
}

/** What a route answers. */
export interface Answer {
  readonly status: number
  /** Lower-case names. No content-length: the face knows it. */
  readonly headers: Readonly<Record<string, string>>
  /** Parts are sent one after the other, as they are: no copy is made of them. */
  readonly body: string | Uint8Array | readonly Uint8Array[]
}

/** The whole hub behind its faces. */
export interface ExchangeHandler {
  /** Whether some route is at this path, whatever the method. */
  serves(path: string): boolean
  /** Never rejects. */
  handle(exchange: Exchange): Promise<Answer>
}
