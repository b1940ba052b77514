import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fleet, memoryKeyring, memoryStore, type OpenFleetOptions, openFleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { createHub, toNodeHandler } from '@fleetcert/hub'

/** A fleet whose certificates name a hub that answers there, on a free port of the loopback interface. */
export interface PublishedFleet {
  readonly fleet: Fleet
  /** Without a slash at the end. */
  readonly url: string
  /** What was asked for so far, `GET /crl/…`. */
  readonly requests: string[]
  readonly errors: unknown[]
  close(): Promise<void>
}

export async function publishFleet(
  options: Partial<OpenFleetOptions> & {
    /** In front of the hub's paths. */
    readonly prefix?: string
    /** Of `publish`, beside the base URL. */
    readonly published?: { readonly crl?: 'der' | 'pemFirst' }
    /** Puts the hub's handler into a server of another kind. */
    readonly around?: (handler: ReturnType<typeof toNodeHandler>) => RequestListener
  } = {},
): Promise<PublishedFleet> {
  const {
    prefix = '',
    published,
    around = handler => (request, response) => handler(request, response),
    ...rest
  } = options
  const requests: string[] = []
  const errors: unknown[] = []
  let listener: RequestListener = (_request, response) => response.writeHead(503).end()
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    listener(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`
  const fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    background: false,
    publish: { baseUrl: url, ...published },
    ...rest,
  })
  const hub = createHub({
    fleet,
    auth: createBrokerAuth({ fleet }),
    authorize: () => false,
    broker: { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 },
    onError: error => errors.push(error),
  })
  listener = around(toNodeHandler(hub))
  return {
    fleet,
    url,
    requests,
    errors,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
      await fleet.close()
    },
  }
}
