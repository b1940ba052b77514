import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** How EMQX's management API answers, as observed on 5.8.9 and read in the sources; the parts that ending a session needs. */
export interface EmqxApiServer extends AsyncDisposable {
  readonly url: string
  /** Method and path of each request, in order. */
  readonly requests: string[]
  /** Live and kept sessions, by client id. */
  readonly sessions: Set<string>
  readonly bans: Map<string, { readonly until: string; readonly by?: string }>
  /** Answers instead of the API; `undefined` leaves it to the API. */
  fault: ((request: string, count: number) => Fault | undefined) | undefined
  /** Called after a request was answered as usual. */
  after: ((request: string) => void) | undefined
}

export type Fault = { readonly status: number; readonly body?: string } | 'silent' | 'destroyed'

export interface EmqxApiServerOptions {
  readonly key?: string
  readonly secret?: string
  /** Without them, the paths that came with 5.1 and 5.9 are unknown. */
  readonly version?: '5.0' | '5.8' | '6.2'
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly pageSize?: number
}

export async function startEmqxApi(options: EmqxApiServerOptions = {}): Promise<EmqxApiServer> {
  const { key = 'the-key', secret = 'the-s3cret', version = '6.2' } = options
  const expected = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`
  const counts = new Map<string, number>()
  const sockets = new Set<Socket>()

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const url = new URL(request.url!, 'http://emqx')
    const path = url.pathname.replace('/api/v5', '')
    const name = `${request.method} ${path}`
    self.requests.push(name)
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    const answer = (status: number, body?: unknown): void => {
      response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    }
    const fault = self.fault?.(name, count)
    if (fault === 'silent') return
    if (fault === 'destroyed') return void request.socket.destroy()
    if (fault !== undefined) {
      response.writeHead(fault.status, { 'content-type': 'application/json' })
      return void response.end(fault.body ?? '{"code":"INTERNAL_ERROR","message":"x"}')
    }
    if (request.headers.authorization !== expected) return answer(401, { code: 'BAD_API_KEY_OR_SECRET' })
    if (!url.pathname.startsWith('/api/v5/')) return answer(404, { code: 'NOT_FOUND' })
    const client = decodeURIComponent(path.split('/')[2] ?? '')
    if (/^POST \/auth(?:entication|orization)\/node_cache\/reset$/.test(name)) {
      return version === '6.2' ? answer(204) : answer(404, { code: 'API_NOT_EXIST' })
    }
    if (name === 'POST /clients/kickout/bulk') {
      if (version === '5.0') return answer(404, { code: 'API_NOT_EXIST' })
      for (const id of JSON.parse(text) as string[]) self.sessions.delete(id)
      return answer(204)
    }
    if (name === 'GET /clients') {
      const { like_clientid: like = '', page = '1', limit = '100' } = Object.fromEntries(url.searchParams)
      const size = Math.min(Number(limit), options.pageSize ?? 10_000)
      const all = [...self.sessions].filter(id => id.includes(like))
      const data = all.slice((Number(page) - 1) * size, Number(page) * size).map(clientid => ({ clientid }))
      return answer(200, { data, meta: { page: Number(page), limit: size, hasnext: Number(page) * size < all.length } })
    }
    if (/^(GET|DELETE) \/clients\//.test(name)) {
      if (!self.sessions.has(client)) return answer(404, { code: 'CLIENTID_NOT_FOUND', message: 'Client ID not found' })
      if (request.method === 'GET') return answer(200, { clientid: client, connected: true })
      self.sessions.delete(client)
      return answer(204)
    }
    if (name === 'POST /banned') {
      const ban = JSON.parse(text) as { as: string; who: string; until: string }
      if (ban.as !== 'clientid' || Number.isNaN(Date.parse(ban.until))) return answer(400, { code: 'BAD_REQUEST' })
      if (self.bans.has(ban.who)) return answer(400, { code: 'ALREADY_EXISTS', message: 'Entry already exists' })
      self.bans.set(ban.who, ban)
      // Only this kind of ban ends the session, too.
      self.sessions.delete(ban.who)
      return answer(200, ban)
    }
    if (name === 'GET /banned') {
      const { like_clientid: like = '', page = '1', limit = '100' } = Object.fromEntries(url.searchParams)
      // A regular expression, that came with 5.8.1; before, a parameter that is not known is passed over.
      const filter = version === '6.2' ? new RegExp(like) : /^/
      const all = [...self.bans].map(([who, ban]) => ({ as: 'clientid', who, ...ban }))
      const found = all.filter(({ who }) => filter.test(who))
      const size = Math.min(Number(limit), options.pageSize ?? 10_000)
      const data = found.slice((Number(page) - 1) * size, Number(page) * size)
      return answer(200, {
        data,
        meta: { page: Number(page), limit: size, hasnext: Number(page) * size < found.length },
      })
    }
    if (name.startsWith('DELETE /banned/clientid/')) {
      return self.bans.delete(decodeURIComponent(path.split('/')[3]!))
        ? answer(204)
        : answer(404, { code: 'NOT_FOUND' })
    }
    return answer(404, { code: 'NOT_FOUND' })
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void handle(request, response).then(() => {
      if (response.writableEnded) self.after?.(self.requests.at(-1)!)
    })
  }
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  if (options.tls !== undefined) server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const self: EmqxApiServer = {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests: [],
    sessions: new Set(),
    bans: new Map(),
    fault: undefined,
    after: undefined,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return self
}
