import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { byteLengthOf, isParts } from '../exchange/answer-body.ts'
import type { Answer, Exchange } from '../exchange/exchange.ts'
import { settleWithin } from '../exchange/settle-within.ts'
import type { HubContext } from '../hub.ts'
import { arrivedBody, isRead, readNodeBody } from './read-node-body.ts'

/** The exchange of a node:http request. Nothing is made that the route does not ask for. */
export function nodeExchange(request: IncomingMessage): Exchange {
  return new NodeExchange(request)
}

/** A class, so that a request makes one object and not one for each method. */
class NodeExchange implements Exchange {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly #request: IncomingMessage
  #body: Promise<Uint8Array> | undefined

  constructor(request: IncomingMessage) {
    const { path, query } = splitTarget(request.url ?? '/')
    this.method = request.method ?? 'GET'
    this.path = path
    this.query = query
    this.#request = request
  }

  header(name: string): string | undefined {
    return header(this.#request, name)
  }

  body(): Promise<Uint8Array> {
    this.#body ??= readNodeBody(this.#request)
    return this.#body
  }

  async arrived(): Promise<Uint8Array | undefined> {
    if (this.#body !== undefined || isRead(this.#request)) return undefined
    const arrived = await arrivedBody(this.#request)
    if (arrived !== undefined) this.#body = Promise.resolve(arrived)
    return arrived
  }

  async bodyWithin(milliseconds: number): Promise<Uint8Array | undefined> {
    return (await this.arrived()) ?? settleWithin(milliseconds, this.body(), () => undefined)
  }

  async request(): Promise<Request> {
    return nodeRequest(this.#request, await this.body().catch(() => new Uint8Array()))
  }

  context(): HubContext {
    return nodeContext(this.#request)
  }
}

/** Writes an answer, unless somebody else has answered or the caller has gone. */
export function writeNodeAnswer(answer: Answer, response: ServerResponse, method: string | undefined): void {
  if (response.headersSent || response.destroyed) return
  const { status, body } = answer
  if (status === 304) {
    response.writeHead(status, answer.headers)
    response.end()
    return
  }
  response.writeHead(status, { ...answer.headers, 'content-length': byteLengthOf(body) })
  if (method === 'HEAD') response.end()
  else if (isParts(body)) writeParts(body, response)
  else response.end(body)
}

// What the socket takes at once, and the next part when it has room: a reader who is slow or gone does not pile up copies of a CRL.
function writeParts(parts: readonly Uint8Array[], response: ServerResponse): void {
  let next = 0
  const write = (): void => {
    while (next < parts.length) {
      const part = parts[next]!
      next += 1
      if (next === parts.length) response.end(part)
      else if (!response.write(part)) {
        response.once('drain', write)
        return
      }
    }
  }
  if (parts.length === 0) response.end()
  else write()
}

/** The facts of the connection: all from the socket, none from a header. */
export function nodeContext(request: IncomingMessage): HubContext {
  const socket = request.socket as Partial<TLSSocket>
  return {
    ...(socket.remoteAddress === undefined ? {} : { remoteAddress: socket.remoteAddress }),
    ...(socket.encrypted === true
      ? { encrypted: true, peerCertificates: peerCertificates(socket) }
      : { encrypted: false }),
  }
}

/** A `Request` as the authorize callback sees it: the address as the client asked for it, also where the hub is mounted at a prefix. */
export function nodeRequest(request: IncomingMessage, body: Uint8Array | ReadableStream): Request {
  const scheme = (request.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
  const host = header(request, 'host') ?? header(request, ':authority') ?? ''
  // A Host header is whatever the client wrote: one with a path in it must not become a part of the path.
  const authority = /^[A-Za-z0-9.\-_]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/.test(host) ? host : 'localhost'
  const { originalUrl } = request as { readonly originalUrl?: unknown }
  const { path, query } = splitTarget(typeof originalUrl === 'string' ? originalUrl : (request.url ?? '/'))
  const headers = new Headers()
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index]!
    if (!name.startsWith(':')) headers.append(name, request.rawHeaders[index + 1]!)
  }
  const method = request.method ?? 'GET'
  const isEmpty = body instanceof Uint8Array && body.length === 0
  const hasBody = method !== 'GET' && method !== 'HEAD' && !isEmpty
  return new Request(`${scheme}://${authority}${path}${query === '' ? '' : `?${query}`}`, {
    method,
    headers,
    body: hasBody ? (body as Uint8Array<ArrayBuffer> | ReadableStream) : null,
    // Fetch wants this said of a body that is a stream.
    duplex: 'half',
  } as RequestInit)
}

/** RFC 9112 section 3.2: origin-form, and absolute-form, which a server must take too. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const origin = target[0] === '/' ? '' : (/^https?:\/\/[^/?#]*/i.exec(target)?.[0] ?? '')
  const rest = target.slice(origin.length)
  const mark = rest.indexOf('?')
  return mark === -1 ? { path: rest, query: '' } : { path: rest.slice(0, mark), query: rest.slice(mark + 1) }
}

function header(request: IncomingMessage, name: string): string | undefined {
  // Absent on HTTP/2 requests and on injected ones.
  if (!('headersDistinct' in request)) {
    const value = (request as IncomingMessage).headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
  // Where a header came twice, node keeps the first of some and joins others; here they are always joined, as in the Web face, so that a doubled credential is no credential.
  // By hand, for node would make a table of all headers for the one that is asked for.
  const { rawHeaders } = request
  let value: string | undefined
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const other = rawHeaders[index]!
    if (other.length !== name.length || (other !== name && other.toLowerCase() !== name)) continue
    const sent = rawHeaders[index + 1]!
    value = value === undefined ? sent : `${value}, ${sent}`
  }
  return value
}

/** What peers have sent, by connection. */
const sentChains = new WeakMap<object, readonly Uint8Array[]>()

function peerCertificates(socket: Partial<TLSSocket>): readonly Uint8Array[] {
  const own = socket.getPeerX509Certificate?.()
  if (own === undefined) return []
  // node hands the chain out once: asked again, it has the peer's own certificate alone. That one is asked for each time, since a peer may renegotiate.
  const sent = sentChains.get(socket)
  if (sent !== undefined && Buffer.compare(sent[0]!, own.raw) === 0) return sent
  const certificates: Uint8Array[] = []
  let certificate: X509Certificate | undefined = own
  // A certificate that issued itself ends the list.
  while (certificate !== undefined && !certificates.some(known => Buffer.compare(known, certificate!.raw) === 0)) {
    certificates.push(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  sentChains.set(socket, certificates)
  return certificates
}
