import { connect } from 'node:net'
import type { HttpBenchMessage } from './ocsp-http.ts'

// The client of `ocsp-http`, a process of its own: 32 kept connections, each with one request under way.

const connections = 32

process.on('message', (message: HttpBenchMessage) => {
  if (message.type !== 'load') return
  const requests = message.requests.map(request => Buffer.from(request, 'base64'))
  void load(message.port, requests, message.seconds).then(result => process.send!({ type: 'loaded', ...result }))
})

async function load(
  port: number,
  requests: readonly Buffer[],
  seconds: number,
): Promise<{ answers: number; seconds: number }> {
  let answers = 0
  let isOver = false
  let next = 0
  const client = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      let left = -1
      const ask = (): void => {
        socket.write(requests[next % requests.length]!)
        next += 1
      }
      socket.on('connect', ask)
      socket.on('error', reject)
      socket.on('data', (part: Buffer) => {
        if (left === -1) {
          if (part.toString('latin1', 9, 12) !== '200') return reject(new Error(part.toString('latin1', 0, 200)))
          // An answer of this size comes with its whole head in one piece.
          const end = part.indexOf('\r\n\r\n') + 4
          const length = Number(/content-length: (\d+)/i.exec(part.toString('latin1', 0, end))?.[1])
          if (end < 4 || !(length > 0)) return reject(new Error('the head of the answer came in pieces'))
          left = end + length
        }
        left -= part.length
        if (left > 0) return
        left = -1
        answers += 1
        if (isOver) socket.end(resolve)
        else ask()
      })
    })
  const start = process.hrtime.bigint()
  setTimeout(() => {
    isOver = true
  }, seconds * 1000)
  await Promise.all(Array.from({ length: connections }, client))
  return { answers, seconds: Number(process.hrtime.bigint() - start) / 1e9 }
}
