import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Emqx4Fault = { readonly status: number; readonly body: string } | 'silent' | 'slow' | 'destroyed'

export interface Emqx4Ban {
  readonly as: string
  readonly who: string
  readonly by: string
  /** Seconds since 1970. */
  readonly until: number
}

/** How the management API of EMQX 4.4 answers, as read in the sources of 4.4.19 (apps/emqx_management) and minirest 0.3.12; the parts that ending a session needs. */
export interface Emqx4ApiServer extends AsyncDisposable {
  readonly url: string
  /** Method and path of each request, in order. */
  readonly requests: string[]
  /** Live and kept sessions, by client id. */
  readonly sessions: Set<string>
  /** By `as/who`. */
  readonly bans: Map<string, Emqx4Ban>
  /** Answers instead of the API; `undefined` leaves it to the API. */
  fault: ((request: string, count: number) => Emqx4Fault | undefined) | undefined
  /** Called after a request was answered as usual. */
  after: ((request: string) => void) | undefined
}

export async function startEmqx4Api(
  options: {
    /** 4.3 says so when a client is not there, and no ban ends a session. Default 4.4. */
    readonly version?: '4.3' | '4.4'
    readonly pageSize?: number
    readonly key?: string
    readonly secret?: string
  } = {},
): Promise<Emqx4ApiServer> {
  const { version = '4.4', pageSize = 10_000, key = 'the-key', secret = 'the-s3cret' } = options
  const expected = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`
  const counts = new Map<string, number>()
  const sockets = new Set<Socket>()

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const url = new URL(request.url!, 'http://emqx')
    const name = `${request.method} ${url.pathname.replace('/api/v4', '')}`
    self.requests.push(name)
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    const plain = (status: number, body: string): void =>
      void response.writeHead(status, { 'content-type': 'text/plain' }).end(body)
    const json = (body: object): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const fault = self.fault?.(name, count)
    if (fault === 'silent') return
    if (fault === 'slow') await new Promise(resolve => setTimeout(resolve, 100))
    if (fault === 'destroyed') return void request.socket.destroy()
    if (typeof fault === 'object') return void response.writeHead(fault.status).end(fault.body)
    if (!url.pathname.startsWith('/api/v4/')) return plain(404, '')
    if (request.headers.authorization !== expected) return plain(401, 'UNAUTHORIZED')
    // Segments are cut before they are decoded.
    const [, resource = '', ...rest] = url.pathname.replace('/api/v4', '').split('/')
    const [first = '', second = ''] = rest.map(segment => decodeURIComponent(segment))
    const page = Number(url.searchParams.get('_page') ?? 1)
    const limit = Math.min(Number(url.searchParams.get('_limit') ?? 10_000), pageSize)
    const pageOf = <T>(all: readonly T[]): T[] => all.slice((page - 1) * limit, page * limit)
    const method = `${request.method} ${resource} ${rest.length}`
    if (method === 'GET clients 0') {
      const like = url.searchParams.get('_like_clientid') ?? ''
      const all = [...self.sessions].filter(id => id.includes(like))
      const data = pageOf(all).map(clientid => ({ clientid, node: 'emqx@127.0.0.1', connected: true }))
      return json({ code: 0, data, meta: { page, limit, count: -1, hasnext: page * limit < all.length } })
    }
    if (method === 'GET clients 1') {
      return json({ code: 0, data: self.sessions.has(first) ? [{ clientid: first, connected: true }] : [] })
    }
    if (method === 'DELETE clients 1') {
      const wasThere = self.sessions.delete(first)
      return wasThere || version === '4.4' ? json({ code: 0 }) : json({ code: 112, message: 'not_found' })
    }
    if (method === 'GET banned 0') {
      const all = [...self.bans.values()]
      return json({ code: 0, data: pageOf(all), meta: { page, limit, count: all.length } })
    }
    if (method === 'POST banned 0') {
      const ban = JSON.parse(text) as Emqx4Ban
      if (typeof ban.who !== 'string' || typeof ban.as !== 'string') {
        return json({ code: 107, message: "missing mandatory params: ['who', 'as']" })
      }
      if (!['clientid', 'username', 'peerhost'].includes(ban.as)) return json({ code: 108, message: 'as' })
      // mnesia:dirty_write: whatever was there is replaced, and nothing looks at the type of a time.
      self.bans.set(`${ban.as}/${ban.who}`, ban)
      if (version === '4.4' && ban.as === 'clientid') self.sessions.delete(ban.who)
      return json({ code: 0, data: ban })
    }
    if (method === 'DELETE banned 2') {
      self.bans.delete(`${first}/${second}`)
      return json({ code: 0 })
    }
    return plain(404, 'Not found.')
  }

  const server = createServer((request, response) => {
    void handle(request, response).then(() => {
      if (response.writableEnded) self.after?.(self.requests.at(-1)!)
    })
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const self: Emqx4ApiServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
