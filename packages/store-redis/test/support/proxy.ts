import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What stands between a client and its server, and may fail. */
export interface FaultyProxy {
  readonly url: string
  /** How many connections there were. */
  readonly connections: number
  /** The connection ends with the next octets of a client, which the server never gets. */
  loseNextRequest(): void
  /** The connection ends with the next octets of the server, which the client never gets. */
  loseNextReply(): void
  /** Nothing passes any more, and nobody is told; what was sent meanwhile is lost, so a connection that had anything under way is of no use afterwards. */
  stall(isStalled: boolean): void
  /** Nothing passes any more on the connections that there are, and nobody is told: the other end is gone without a word. New ones are well. */
  halfOpen(): void
  /** Every connection ends, and new ones end at once. */
  cut(isCut: boolean): void
  /** Whatever passes takes so long each way, in its order. */
  delay(milliseconds: number): void
  close(): Promise<void>
}

export async function startProxy(port: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>()
  const open = new Set<() => void>()
  let fault: 'request' | 'reply' | undefined
  let stalled = false
  let isDown = false
  let latency = 0
  let connections = 0
  const server = createServer(near => {
    connections += 1
    if (isDown) {
      near.destroy()
      return
    }
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
    let isHalfOpen = false
    const abandon = (): void => {
      isHalfOpen = true
    }
    open.add(abandon)
    near.on('close', () => open.delete(abandon))
    const pass = (from: Socket, to: Socket, kind: 'request' | 'reply'): void => {
      let last = Promise.resolve<unknown>(undefined)
      let underWay = 0
      from.on('data', octets => {
        if (stalled || isHalfOpen) return
        if (fault === kind) {
          fault = undefined
          end()
          return
        }
        if (latency === 0 && underWay === 0) {
          to.write(octets)
          return
        }
        // In their order, whatever becomes of the latency meanwhile.
        const [before, passed] = [last, sleep(latency)]
        underWay += 1
        last = Promise.all([before, passed]).then(() => {
          underWay -= 1
          if (!to.destroyed) to.write(octets)
        })
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
    halfOpen() {
      for (const abandon of open) abandon()
    },
    cut(isCut) {
      isDown = isCut
      if (isCut) for (const socket of sockets) socket.destroy()
    },
    delay(milliseconds) {
      latency = milliseconds
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
