import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { PkiError } from '@fleetcert/core'

const defaultRequestSeconds = 5
const answerLimit = 4 * 1024 * 1024
// A broker's management API is one process beside millions of sessions.
const sockets = 16

/** Options of a REST client. */
export interface RestOptions {
  /** PEM: the CAs of the API's https certificate. Default: those of Node. There is no switch that leaves the certificate unchecked. */
  readonly ca?: string
  /** How long one request may take. Default 5. */
  readonly requestSeconds?: number
}

/** What a server said. */
export interface RestAnswer {
  readonly status: number
  /** The body's JSON; `undefined` where there is none that can be read. */
  readonly json: unknown
}

export interface RestRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Behind the base address, encoded, with its query. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks one server. */
export interface RestClient {
  /** The server's host and port, for messages. */
  readonly host: string
  /**
   * Resolves whatever the server answers, a redirect too: none is followed.
   * Rejects `ERR_PKI_ENFORCER` where there is no answer in time, or one that is too large; with the signal's reason when that is aborted.
   */
  ask(request: RestRequest, signal: AbortSignal | undefined): Promise<RestAnswer>
}

/** The address of an API: http or https, without user, query or fragment. The error never holds it: it may hold a password. */
export function apiAddress(label: string, url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined
  if (address === undefined || (address.protocol !== 'http:' && address.protocol !== 'https:')) {
    throw new TypeError(`${label}: expected an http or https address`)
  }
  if (address.username !== '' || address.password !== '' || address.search !== '' || address.hash !== '') {
    throw new TypeError(`${label}: expected an address without user, query and fragment`)
  }
  address.pathname = address.pathname.replace(/\/+$/, '')
  return address
}

/** A client with keep-alive, whose sockets keep no process alive while nobody waits for an answer. */
export function createRestClient(name: string, base: URL, options: RestOptions = {}): RestClient {
  const { requestSeconds = defaultRequestSeconds, ca } = options
  if (!(requestSeconds > 0 && requestSeconds <= 60))
    throw new RangeError('requestSeconds: expected more than 0, at most 60')
  const isTls = base.protocol === 'https:'
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, maxSockets: sockets, ...(ca === undefined ? {} : { ca }) })
    : new HttpAgent({ keepAlive: true, maxSockets: sockets })
  const prefix = base.pathname === '/' ? '' : base.pathname
  const fail = (reason: string, cause?: unknown): PkiError =>
    new PkiError('ERR_PKI_ENFORCER', { name, reason: `${base.host}: ${reason}` }, cause === undefined ? {} : { cause })

  return {
    host: base.host,
    async ask({ method, path, body, headers = {} }, signal) {
      signal?.throwIfAborted()
      const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      // Of the whole exchange, the wait for a free socket included.
      const deadline = AbortSignal.timeout(requestSeconds * 1000)
      const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
      const init = {
        method,
        agent,
        signal: either,
        headers: {
          accept: 'application/json',
          ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length }),
          ...headers,
        },
      }
      const url = new URL(`${base.origin}${prefix}${path}`)
      try {
        const request = isTls ? requestHttps(url, init) : requestHttp(url, init)
        const response = await answerOf(request, text)
        const json = await jsonOf(response, fail)
        // Node ends the body of a request that is aborted as if it were whole.
        either.throwIfAborted()
        return { status: response.statusCode ?? 0, json }
      } catch (error) {
        signal?.throwIfAborted()
        if (deadline.aborted) throw fail(`no answer within ${requestSeconds} s`)
        throw error instanceof PkiError ? error : fail(reasonOf(error), error)
      }
    },
  }
}

function answerOf(request: ClientRequest, body: Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
    // Node tells of neither where the server changes the protocol (101), and an abort does nothing any more.
    request.once('close', () => reject(new Error('closed without an answer')))
    request.end(body)
  })
}

async function jsonOf(response: IncomingMessage, fail: (reason: string) => PkiError): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > answerLimit) throw fail('the answer is too large')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}

/** The code of a system or TLS error: its message may hold what was sent. */
function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'the connection failed'
}
