import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Fleet, OpenFleetOptions } from '@fleetcert/core'
import { deviceTlsOptions, type HubOptions, toNodeHandler } from '@fleetcert/hub'
import { openTestHub, type Reply, type TestHub } from './test-hub.ts'

/** A hub behind a real HTTPS server that asks for certificates, as devices meet it. */
export interface DeviceHub extends TestHub {
  readonly port: number
  /** `https://127.0.0.1:<port>` */
  readonly url: string
  /** Asks as a device does; an object as `body` is sent as JSON. */
  ask(method: string, path: string, options?: AskOptions): Promise<Reply>
  close(): Promise<void>
}

export interface AskOptions {
  readonly identity?: { readonly cert: string; readonly key: string } | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | string | Uint8Array
}

export async function openDeviceHub(
  options: Partial<HubOptions> & { readonly open?: Partial<OpenFleetOptions> } = {},
): Promise<DeviceHub> {
  const hub = await openTestHub(options)
  const credential = await hub.fleet.issueServer({ hosts: ['127.0.0.1', 'localhost'] })
  const server = createServer(deviceTlsOptions(credential), toNodeHandler(hub.hub))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...hub,
    port,
    url: `https://127.0.0.1:${port}`,
    ask: (method, path, asked) => askOver(port, hub.fleet, method, path, asked),
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
      await hub.fleet.close()
    },
  }
}

function askOver(
  port: number,
  fleet: Fleet,
  method: string,
  path: string,
  { identity, headers = {}, body }: AskOptions = {},
): Promise<Reply> {
  const isObject = typeof body === 'object' && !(body instanceof Uint8Array)
  const octets = isObject ? JSON.stringify(body) : body
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: '127.0.0.1', port, method, path, agent: false, ca: fleet.trustAnchors },
        headers: {
          ...(isObject ? { 'content-type': 'application/json' } : {}),
          ...(octets === undefined ? {} : { 'content-length': String(Buffer.byteLength(octets)) }),
          ...headers,
        },
        ...identity,
      },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', part => {
          text += part
        })
        response.on('end', () => {
          const replied = new Headers(response.headers as Record<string, string>)
          const isJson = replied.get('content-type') === 'application/json' && text !== ''
          resolve({ status: response.statusCode!, headers: replied, text, json: isJson ? JSON.parse(text) : undefined })
        })
      },
    )
    sent.on('error', reject)
    sent.end(octets)
  })
}
