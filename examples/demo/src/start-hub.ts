import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { Fleet } from '@fleetcert/core'
import type { BrokerAuth } from '@fleetcert/emqx-auth'
import { anyOf, bearerToken, createHub, sharedSecret, toNodeHandler } from '@fleetcert/hub'

/** The HTTP face on loopback, with an operator token and a broker secret made for this run. */
export interface DemoHub {
  readonly url: string
  readonly operatorToken: string
  /** Calls the API as the operator. Rejects with the error's sentence unless the status is 2xx. */
  call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  close(): Promise<void>
}

export async function startHub(
  fleet: Fleet,
  auth: BrokerAuth,
  port: number,
  broker: { readonly url: string; readonly mqttSecurePort: number },
): Promise<DemoHub> {
  const operatorToken = randomBytes(24).toString('base64url')
  const hub = createHub({
    fleet,
    auth,
    broker,
    authorize: anyOf(
      bearerToken(operatorToken),
      sharedSecret({ header: 'x-broker-secret', secret: randomBytes(24).toString('base64url') }),
    ),
  })
  const server: Server = createServer(toNodeHandler(hub))
  // EMQX keeps its connections for 30 s; node's default of 5 s would close them under it.
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    operatorToken,
    async call(method, path, body) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${operatorToken}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const answer = (await response.json()) as Record<string, unknown>
      if (response.ok) return answer
      const { code, message } = answer['error'] as { code: string; message: string }
      throw new Error(`${response.status} ${code}: ${message}`)
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
