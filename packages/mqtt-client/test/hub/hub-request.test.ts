import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { hubRequest } from '../../src/hub/hub-request.ts'
import { prepareCredential } from '../../src/read-credential.ts'
import { fixtures } from '../support/fixtures.ts'
import { rejection } from '../support/rejection.ts'

const { ca, server, device } = fixtures

/** What is asked of a server that writes these octets, whatever it is sent. */
async function answered(write: (socket: TLSSocket) => void, token?: string): Promise<unknown> {
  const sockets = new Set<TLSSocket>()
  const listener = createServer(
    { key: server.privateKey, cert: server.certificate, requestCert: true, rejectUnauthorized: false },
    socket => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('data', () => write(socket))
    },
  )
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = listener.address() as AddressInfo
    return await hubRequest(
      { host: 'localhost', port, basePath: '' },
      {
        ...{ method: 'POST', path: '/api/device/renew', body: { csr: '' }, deadlineSeconds: 2 },
        credential: prepareCredential({ ...device, trustAnchors: ca.certificate }),
        ...(token === undefined ? {} : { token }),
      },
    )
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => listener.close(resolve))
  }
}

const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

// Each of these has to come to an end: a renewal that waits for ever is none.
describeWith(['openssl'], 'a hub that is none', () => {
  test.each<[string, (socket: TLSSocket) => void, string, string]>([
    [
      'changes the protocol',
      socket => socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'ERR_PKI_HUB_REFUSED',
      '101',
    ],
    [
      'changes the protocol and hangs up',
      socket => socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx'),
      'ERR_PKI_HUB_REFUSED',
      '101',
    ],
    [
      'says early hints for ever',
      socket => {
        const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'), 20)
        socket.on('close', () => clearInterval(timer))
      },
      'ERR_PKI_UNREACHABLE',
      'in time',
    ],
    ['says nothing', () => {}, 'ERR_PKI_UNREACHABLE', 'in time'],
    ['hangs up', socket => socket.end(), 'ERR_PKI_UNREACHABLE', 'reset'],
    ['stops within the head', socket => socket.end('HTTP/1.1 200 OK\r\n'), 'ERR_PKI_UNREACHABLE', ''],
    [
      'stops within the body',
      socket => socket.end(`${head}content-length: 10\r\n\r\n{}`),
      'ERR_PKI_UNREACHABLE',
      'reset',
    ],
    [
      'breaks off a chunk',
      socket => socket.end(`${head}transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\nZZ\r\n`),
      'ERR_PKI_UNREACHABLE',
      '',
    ],
    ['speaks something else', socket => socket.write('SSH-2.0-x\r\n'), 'ERR_PKI_UNREACHABLE', ''],
  ])('a server that %s', async (_, write, code, text) => {
    const error = await rejection(answered(write))
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
  })

  test.each([
    ['as it is', 'secret'.repeat(8)],
    ['with a word that JSON escapes', 'secret"'.repeat(7)],
  ])('a token that a server repeats so late that it is cut off, %s', async (_, token) => {
    const body = JSON.stringify({ error: { message: `${'x'.repeat(180)} ${token}` } })
    const refusal = 'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n'
    const error = await rejection(
      answered(socket => socket.end(`${refusal}content-length: ${body.length}\r\n\r\n${body}`), token),
    )
    expect(error.code).toBe('ERR_PKI_HUB_REFUSED')
    expect(error.message).toContain('HTTP status 400')
    expect(error.message).not.toContain('secret')
  })

  test('a good answer, with a protocol offered beside it', async () => {
    const offer = `${head}upgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\n{}`
    expect(await answered(socket => socket.end(offer))).toEqual({ json: {} })
  })
})
