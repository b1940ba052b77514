import { PkiError } from '@fleetcert/core'
import { byteLengthOf, isParts } from '../exchange/answer-body.ts'
import { type Answer, bodyLimitBytes, type Exchange } from '../exchange/exchange.ts'
import { malformed } from '../exchange/fields.ts'
import { settleWithin } from '../exchange/settle-within.ts'
import type { HubContext } from '../hub.ts'

/** The exchange of a `Request`. The caller's object is left unread: its body is read from a clone. */
export function webExchange(request: Request, context: HubContext): Exchange {
  const url = new URL(request.url)
  let body: Promise<Uint8Array> | undefined
  return {
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    header: name => request.headers.get(name) ?? undefined,
    body() {
      body ??= readBody(request)
      return body
    },
    arrived: async () => undefined,
    bodyWithin(milliseconds) {
      return settleWithin<Uint8Array | undefined>(milliseconds, this.body(), () => undefined)
    },
    async request() {
      // The clone must be taken before anybody reads the original.
      await this.body().catch(() => undefined)
      return request
    },
    context: () => (context.encrypted === undefined ? { ...context, encrypted: url.protocol === 'https:' } : context),
  }
}

/** The `Response` of an answer. */
export function webResponse({ status, headers, body }: Answer, method: string): Response {
  if (status === 304) return new Response(null, { status, headers })
  if (method !== 'HEAD' && !isParts(body)) {
    return new Response(body as string | Uint8Array<ArrayBuffer>, { status, headers })
  }
  return new Response(method === 'HEAD' || !isParts(body) ? null : streamOf(body), {
    status,
    // Neither a stream nor the answer to a HEAD says by itself how long the body is.
    headers: { ...headers, 'content-length': String(byteLengthOf(body)) },
  })
}

/** A `Response` made of bytes copies them; made of a stream it does not. */
function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next = 0
  return new ReadableStream({
    pull(controller) {
      const part = parts[next]
      next += 1
      if (part === undefined) controller.close()
      else controller.enqueue(part as Uint8Array<ArrayBuffer>)
    },
  })
}

async function readBody(request: Request): Promise<Uint8Array> {
  if (request.bodyUsed) throw new TypeError('the body of the Request was read before the hub got it: pass a clone')
  if (request.body === null) return new Uint8Array()
  const tooLarge = new PkiError('ERR_PKI_TOO_LARGE', { limitBytes: bodyLimitBytes })
  if (Number(request.headers.get('content-length') ?? 0) > bodyLimitBytes) throw tooLarge
  const reader = request.clone().body!.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw malformed('the body ended early')
    })
    if (done) return Buffer.concat(parts, length)
    length += value.length
    if (length > bodyLimitBytes) {
      // Not awaited: a tee settles its cancellation only when both branches are cancelled.
      reader.cancel().catch(() => undefined)
      throw tooLarge
    }
    parts.push(value)
  }
}
