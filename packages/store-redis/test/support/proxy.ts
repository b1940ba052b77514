import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** What stands between a client and its server, and may fail. */
export interface FaultyProxy {
  readonly url: string
  /** How many connections there were. */
  readonly connections: number
  /** The connection ends with the next octets of a client, which the server never gets. */
  loseNextRequest(): void
  /** The connection ends with the next octets of the server, which the client never gets. */
  loseNextReply(): void
  /** Nothing passes any more, and nobody is told. */
  stall(isStalled: boolean): void
  close(): Promise<void>
}

export async function startProxy(port: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>()
  let fault: 'request' | 'reply' | undefined
  let stalled = false
  let connections = 0
  const server = createServer(near => {
    connections += 1
    const far = connect(port, '127.0.0.1')
    const end = (): void => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    const pass = (from: Socket, to: Socket, kind: 'request' | 'reply'): void => {
      from.on('data', octets => {
        if (stalled) return
        if (fault !== kind) {
          to.write(octets)
          return
        }
        fault = undefined
        end()
      })
    }
    pass(near, far, 'request')
    pass(far, near, 'reply')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
  return {
    url: `redis://127.0.0.1:${address.port}`,
    get connections() {
      return connections
    },
    loseNextRequest() {
      fault = 'request'
    },
    loseNextReply() {
      fault = 'reply'
    },
    stall(isStalled) {
      stalled = isStalled
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
