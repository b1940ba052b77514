// A process of its own for `bench ocsp`: a fleet behind a bare node:http server, as openssl's responder is a process of its own.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { askable } from './ocsp-requests.ts'

/** What the child tells its parent. */
export interface OcspChildReady {
  readonly port: number
  /** Requests with a nonce, base64. */
  readonly requests: readonly string[]
}

const { fleet, withNonce } = await askable(
  await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false }),
)
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', async () => {
    const { der } = await fleet.ocsp(Buffer.concat(chunks))
    response.writeHead(200, { 'content-type': 'application/ocsp-response', 'content-length': der.length }).end(der)
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const requests = withNonce.map(request => Buffer.from(request).toString('base64'))
  process.send?.({ port, requests } satisfies OcspChildReady)
})
process.once('disconnect', () => process.exit())
