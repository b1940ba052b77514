import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { BrokerAuth, Denial } from '@fleetcert/emqx-auth'
import { attachAedes } from '@fleetcert/emqx-auth/aedes'
import { Aedes } from 'aedes'
import type { Receipts } from './receipts.ts'
import type { BrokerFiles, SimBroker } from './sim-broker.ts'

/** aedes, which asks `auth` about everything. What it has taken counts as arrived. */
export function createAedesBroker(options: {
  readonly port: number
  /** Client id of the backend, whose sessions are not counted. */
  readonly service: string
  readonly auth: () => BrokerAuth
  readonly receipts: Receipts
  readonly onDeny: (denial: Denial) => void
}): SimBroker {
  const sessions: number[] = []
  const sockets = new Set<TLSSocket>()
  let running: { readonly broker: Aedes; readonly server: Server } | undefined
  let { port } = options
  let isHanging = false

  async function start({ certificate, privateKey, clientCas }: BrokerFiles): Promise<void> {
    isHanging = false
    const broker = await Aedes.createBroker({
      authorizePublish: (_client, _packet, done) => {
        if (!isHanging) done(null)
      },
    })
    const auth: BrokerAuth = {
      authenticate: input => options.auth().authenticate(input),
      authorize: input => options.auth().authorize(input),
    }
    attachAedes(broker, auth, { onDeny: options.onDeny })
    broker.on('clientReady', ({ id }) => {
      if (id !== options.service) sessions.push(Date.now())
    })
    broker.on('publish', ({ topic, payload }, client) => {
      if (client !== null) options.receipts.arrived(topic, Buffer.from(payload))
    })
    const server = createServer(
      {
        cert: certificate,
        key: privateKey,
        ca: clientCas,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
      },
      socket => {
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
        socket.on('error', () => {})
        broker.handle(socket)
      },
    )
    // A device that was cut in the middle of a handshake.
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // A whole fleet may knock in one moment.
      server.listen({ port, host: '127.0.0.1', backlog: 4096 }, resolve)
    })
    port = (server.address() as { port: number }).port
    running = { broker, server }
  }

  return {
    get port() {
      return port
    },
    sessions,
    start,
    async stop(hangSeconds = 0) {
      if (running === undefined) return
      if (hangSeconds > 0) {
        isHanging = true
        await sleep(hangSeconds * 1000)
      }
      const { broker, server } = running
      running = undefined
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => broker.close(() => resolve()))
      await closed
    },
  }
}
