import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  encodeCertId,
  encodeOcspRequest,
  memoryKeyring,
  memoryStore,
  openFleet,
  parseCertificate,
} from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { createHub, toNodeHandler } from '@fleetcert/hub'
import type { HttpBenchMessage } from './ocsp-http.ts'

// A server of `ocsp-http`, a process of its own: `hub`, or `bare`, which is told what to answer.

const certificates = 1000

async function hub(): Promise<void> {
  const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring() })
  const handler = toNodeHandler(
    createHub({
      fleet,
      auth: createBrokerAuth({ fleet }),
      authorize: () => false,
      broker: { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 },
    }),
  )
  const requests: Record<'post' | 'get', string>[] = []
  for (let index = 0; index < certificates; index += 1) {
    const { certificate, chain } = await fleet.enroll(`device-${index}`)
    const certId = encodeCertId(parseCertificate(chain), parseCertificate(certificate).serialNumber, 'sha256')
    const request = Buffer.from(encodeOcspRequest([certId]))
    await fleet.ocsp(request)
    requests.push({
      post: base64(
        `POST /ocsp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/ocsp-request\r\ncontent-length: ${request.length}\r\n\r\n`,
        request,
      ),
      get: base64(`GET /ocsp/${encodeURIComponent(request.toString('base64'))} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`),
    })
  }
  serve(handler, requests)
}

function bare(): void {
  process.once('message', (message: HttpBenchMessage) => {
    if (message.type !== 'answers') return
    const headers = Object.fromEntries(message.head)
    const body = Buffer.from(message.body, 'base64')
    serve((_request, response) => {
      response.writeHead(200, headers)
      response.end(body)
    }, [])
  })
}

function serve(listener: RequestListener, requests: readonly Record<'post' | 'get', string>[]): void {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1', () => {
    process.send!({ type: 'ready', port: (server.address() as AddressInfo).port, requests } satisfies HttpBenchMessage)
  })
}

function base64(head: string, body: Uint8Array = new Uint8Array()): string {
  return Buffer.concat([Buffer.from(head), body]).toString('base64')
}

process.on('message', (message: HttpBenchMessage) => {
  if (message.type !== 'usage') return
  const { user, system } = process.cpuUsage()
  process.send!({ type: 'used', cpu: user + system } satisfies HttpBenchMessage)
})
if (process.argv[2] === 'hub') await hub()
else bare()
