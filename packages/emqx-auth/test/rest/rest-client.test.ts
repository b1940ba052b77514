import { type AddressInfo, createServer, type Socket } from 'node:net'
import { isPkiError } from '@fleetcert/core'
import { expect, test } from 'vitest'
import { apiAddress, createRestClient, type RestAnswer } from '../../src/rest/rest-client.ts'

/** What is asked of a server that writes these octets, whatever it is sent. */
async function answered(write: (socket: Socket) => void, signal?: AbortSignal): Promise<RestAnswer> {
  const sockets = new Set<Socket>()
  const listener = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => write(socket))
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const client = createRestClient('x', apiAddress('apiUrl', `http://127.0.0.1:${port}`), { requestSeconds: 1 })
  try {
    return await client.ask({ method: 'GET', path: '/clients' }, signal)
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => listener.close(resolve))
  }
}

/** Writes again and again, as long as anybody is there. */
function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 20)
  socket.on('close', () => clearInterval(timer))
}

const change = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'

// Each of these has to come to an end, for a revocation waits for it, and none may be taken for an answer.
test.each<[string, (socket: Socket) => void, string]>([
  ['changes the protocol', socket => socket.write(change), 'the connection failed'],
  ['changes the protocol and hangs up', socket => socket.end(change), 'the connection failed'],
  ['hangs up', socket => socket.end(), 'ECONNRESET'],
  ['says nothing', () => {}, 'no answer within 1 s'],
  ['says early hints for ever', socket => drip(socket, 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'), 'within 1 s'],
  [
    'never ends its answer',
    socket => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n{"data":[]}')
      drip(socket, ' ')
    },
    'no answer within 1 s',
  ],
  [
    'never ends its answer of a known length',
    socket => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":[]}'),
    'no answer within 1 s',
  ],
  ['breaks off', socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":[]}'), 'ECONNRESET'],
  [
    'has no end',
    socket => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(1024 * 1024)));
      }
      socket.on('drain', more)
      more()
    },
    'too large',
  ],
])('a server that %s', async (_, write, reason) => {
  const error = await answered(write).then(
    answer => expect.fail(JSON.stringify(answer)),
    (thrown: unknown) => thrown,
  )
  expect(isPkiError(error, 'ERR_PKI_ENFORCER') && error.details.reason).toContain(reason)
})

test('a signal that is aborted within the answer', async () => {
  const aborting = new AbortController()
  const asked = answered(socket => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":[]}')
    setTimeout(() => aborting.abort(new Error('enough')), 50)
  }, aborting.signal)
  await expect(asked).rejects.toThrow('enough')
})

test('a redirect is an answer, and is not followed', async () => {
  const moved = 'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'
  expect(await answered(socket => socket.write(moved))).toEqual({ status: 302, json: undefined })
})
