import { connect, type Socket } from 'node:net'
import { type BenchDevice, deviceMaker, emqxRequest, type Template } from './auth-devices.ts'
import type { AuthLoad, AuthLoaded, AuthMessage } from './auth-messages.ts'

// The client of `auth`, a process of its own, as EMQX is one: a few kept connections, and on each many requests under way, whose answers come in order.

const requestsInPool = 40_000
const allowed = Buffer.from('{"result":"allow"')
const headEnd = Buffer.from('\r\n\r\n')

/** Requests one behind the other in memory, each of the same length: what is due is written as it lies there. */
interface Pool {
  /** The next `count` requests. */
  take(count: number): Buffer
}

function makePool({ template, devices }: AuthLoad): Pool {
  const deviceOf: (index: number) => BenchDevice = deviceMaker(template as Template)
  const draw = (): Buffer => emqxRequest(deviceOf(Math.floor(Math.random() * devices)), template.secret)
  const first = draw()
  const all = Buffer.allocUnsafe(first.length * requestsInPool)
  for (let index = 0; index < requestsInPool; index += 1) draw().copy(all, index * first.length)
  let next = 0
  return {
    take(count) {
      if (next + count > requestsInPool) next = 0
      const part = all.subarray(next * first.length, (next + count) * first.length)
      next += count
      return part
    },
  }
}

/** Counts answers in what a socket receives; `refuse` is told of each that is no allow, and throws where there must be none. */
function answerCounter(refuse: (answer: string) => void): (part: Buffer) => number {
  let rest: Buffer = Buffer.alloc(0)
  return part => {
    let octets = rest.length === 0 ? part : Buffer.concat([rest, part])
    let count = 0
    for (;;) {
      const end = octets.indexOf(headEnd)
      if (end === -1) break
      const head = octets.toString('latin1', 0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
      const next = end + 4 + length
      if (!head.startsWith('HTTP/1.1 200 ') || !(length > 0)) throw new Error(`not an answer: ${head}`)
      if (octets.length < next) break
      if (octets.compare(allowed, 0, allowed.length, end + 4, end + 4 + allowed.length) !== 0) {
        refuse(octets.toString('latin1', end + 4, next))
      }
      count += 1
      octets = octets.subarray(next)
    }
    rest = octets
    return count
  }
}

async function openSockets({ port, connections }: AuthLoad): Promise<Socket[]> {
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
      socket.on('error', reject)
    })
  return Promise.all(Array.from({ length: connections }, open))
}

/** As many as are answered: `depth` are always under way on each connection. */
async function loadClosed(load: AuthLoad): Promise<AuthLoaded> {
  const pool = makePool(load)
  const sockets = await openSockets(load)
  let answers = 0
  let isOver = false
  const start = process.hrtime.bigint()
  const stop = setTimeout(() => {
    isOver = true
  }, load.seconds * 1000)
  let seconds = 0
  const work = sockets.map(
    socket =>
      new Promise<void>((resolve, reject) => {
        const counted = answerCounter(answer => {
          throw new Error(`not an allow: ${answer}`)
        })
        let underWay = load.depth
        socket.on('data', part => {
          try {
            const count = counted(part as Buffer)
            if (count === 0) return
            underWay -= count
            if (isOver) {
              // What comes after the end is not counted.
              if (underWay === 0) socket.end(() => resolve())
              return
            }
            answers += count
            seconds = Number(process.hrtime.bigint() - start) / 1e9
            socket.write(pool.take(count))
            underWay += count
          } catch (error) {
            reject(error)
          }
        })
        socket.on('error', reject)
        socket.on('close', () => reject(new Error('the server has closed a connection')))
        socket.write(pool.take(load.depth))
      }),
  )
  try {
    await Promise.all(work)
  } finally {
    clearTimeout(stop)
    for (const socket of sockets) socket.destroy()
  }
  return { rate: answers / seconds, answers }
}

/** At moments of their own, as devices come: the time between two is exponentially distributed, and nobody waits for an answer. */
async function loadOpen(load: AuthLoad, rate: number): Promise<AuthLoaded> {
  const pool = makePool(load)
  const sockets = await openSockets(load)
  const total = Math.round(rate * load.seconds)
  const times: number[] = []
  let failure: unknown
  let refused = 0
  const due: number[][] = sockets.map(() => [])
  for (const [index, socket] of sockets.entries()) {
    // Where a server falls behind it refuses what it cannot answer in time.
    const counted = answerCounter(() => {
      refused += 1
    })
    socket.on('data', part => {
      try {
        const now = performance.now()
        for (let left = counted(part as Buffer); left > 0; left -= 1) times.push(now - due[index]!.shift()!)
      } catch (error) {
        failure = error
      }
    })
    socket.on('error', error => {
      failure = error
    })
  }
  const start = performance.now()
  let next = start
  let sent = 0
  // A timer of node's is late by up to a millisecond: the loop looks at the clock itself.
  while (times.length < total && failure === undefined) {
    const now = performance.now()
    // It does not keep up: what is not answered by now counts with the time that it has waited.
    if (now - start > load.seconds * 2000) break
    while (sent < total && next <= now) {
      const index = sent % sockets.length
      due[index]!.push(next)
      sockets[index]!.write(pool.take(1))
      sent += 1
      next += (-Math.log(1 - Math.random()) / rate) * 1000
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  const end = performance.now()
  const seconds = (end - start) / 1000
  for (const socket of sockets) socket.destroy()
  if (failure !== undefined) throw failure
  const answers = times.length
  for (const moment of due.flat()) times.push(end - moment)
  const sorted = Float64Array.from(times).sort()
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
  return { rate: answers / seconds, answers, refused, p50: at(0.5), p99: at(0.99) }
}

process.on('message', (message: AuthMessage) => {
  if (message.type !== 'load') return
  const loaded = message.rate === undefined ? loadClosed(message) : loadOpen(message, message.rate)
  void loaded.then(result => process.send!({ type: 'loaded', ...result } satisfies AuthMessage))
})
process.on('disconnect', () => process.exit())
