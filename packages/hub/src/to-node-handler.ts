import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import type { ExchangeHandler } from './exchange/exchange.ts'
import { exchangeHandlerOf } from './faces/hub-face.ts'
import { nodeContext, nodeExchange, nodeRequest, writeNodeAnswer } from './faces/node-face.ts'
import { isRead, readNodeBody } from './faces/read-node-body.ts'
import type { Hub } from './hub.ts'

/** A request listener of node:http, and a middleware of Express: with `next`, addresses that are not the hub's are passed on instead of answered 404. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void

/**
 * Makes a hub a handler for node:http, Express (`app.use(handler)`, or below a prefix: `app.use('/pki', handler)` answers `/pki/api/…`) and Fastify (`handler(request.raw, reply.raw)` behind
 * `reply.hijack()`). Works on `request.url`, which Express makes relative to the prefix. A body that a parser has read before is taken from `request.rawBody` or `request.body`.
 * The peer's certificates come from the TLS socket, never from a header.
 *
 * A hub made by `createHub` is reached without a `Request` or `Response` in between; a function of your own around one works too.
 *
 * @example
 * const server = createServer(toNodeHandler(hub))
 * server.keepAliveTimeout = 65_000 // EMQX keeps its connections for 30 s; node's default of 5 s would close them under its hands
 */
export function toNodeHandler(hub: Hub): NodeHandler {
  if (typeof hub !== 'function') throw new TypeError('toNodeHandler: expected a hub')
  const handler = exchangeHandlerOf(hub)
  return (request, response, next) => {
    const answered =
      handler === undefined ? answerByHub(hub, request, response) : answer(handler, request, response, next)
    answered.catch(error => {
      // Only a wrapped hub rejects, or a response that cannot be written: nothing sensible can be said any more.
      if (next !== undefined) next(error)
      else response.destroy(error)
    })
  }
}

async function answer(
  handler: ExchangeHandler,
  request: IncomingMessage,
  response: ServerResponse,
  next: Parameters<NodeHandler>[2],
): Promise<void> {
  const exchange = nodeExchange(request)
  if (next !== undefined && !handler.serves(exchange.path)) return next()
  writeNodeAnswer(await handler.handle(exchange), response, request.method)
}

async function answerByHub(hub: Hub, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const result = await hub(nodeRequest(request, await wrappedBody(request)), nodeContext(request))
  if (response.headersSent || response.destroyed) return void result.body?.cancel().catch(() => undefined)
  const cookies = result.headers.getSetCookie()
  if (cookies.length > 0) response.setHeader('set-cookie', cookies)
  const headers = Object.fromEntries([...result.headers].filter(([name]) => name !== 'set-cookie'))
  // The length of what is encoded is not that of what is in `result` when the function has fetched it from somewhere.
  if (headers['content-length'] === undefined || headers['content-encoding'] !== undefined) {
    const body = new Uint8Array(await result.arrayBuffer())
    return writeNodeAnswer({ status: result.status, headers, body }, response, request.method)
  }
  response.writeHead(result.status, headers)
  // A CRL of 49 MB is passed on as it comes.
  if (result.body === null || request.method === 'HEAD') response.end()
  else await pipeline(Readable.fromWeb(result.body as NodeReadableStream), response).catch(unlessGone)
}

// A reader who has gone away in the middle is nobody's error.
function unlessGone(error: { readonly code?: unknown }): void {
  if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
}

/** A stream where that is possible: how much of a body is too much is the wrapped function's to say. */
async function wrappedBody(request: IncomingMessage): Promise<Uint8Array | ReadableStream> {
  if (request.method === 'GET' || request.method === 'HEAD') return new Uint8Array()
  return isRead(request) ? readNodeBody(request) : (Readable.toWeb(request) as ReadableStream)
}
