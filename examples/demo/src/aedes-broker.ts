import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from 'node:tls'
import { type BrokerAuth, denyReasonSentences } from '@fleetcert/emqx-auth'
import { attachAedes } from '@fleetcert/emqx-auth/aedes'
import { Aedes } from 'aedes'
import type { DemoBroker } from './demo-broker.ts'
import type { FleetFolder } from './fleet-folder.ts'

/** An embedded broker on TLS that wants a client certificate and asks `auth` for everything. */
export async function startAedes(auth: BrokerAuth, folder: FleetFolder, port: number): Promise<DemoBroker> {
  const broker = await Aedes.createBroker()
  const refusals: string[] = []
  const enforcer = attachAedes(broker, auth, {
    onDeny: ({ reason }) => refusals.push(`${reason}: ${denyReasonSentences[reason]}`),
  })
  const server = createServer(
    {
      key: readFileSync(folder.path('server-key.pem')),
      cert: readFileSync(folder.path('server-cert.pem')),
      ca: readFileSync(folder.caCert),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    },
    broker.handle,
  )
  server.on('tlsClientError', error => {
    // OpenSSL's own words; a chain that does not verify is only a connection that Node has closed.
    refusals.push((error as { reason?: string }).reason ?? 'the certificate does not verify: connection closed')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    name: 'aedes',
    port,
    enforcer,
    async lastRefusal() {
      for (let attempt = 0; attempt < 100 && refusals.length === 0; attempt += 1) await sleep(20)
      return refusals.splice(0).at(-1) ?? 'nothing'
    },
    crlChanged: async () => {},
    async close() {
      await new Promise<void>(resolve => {
        broker.close(() => server.close(() => resolve()))
      })
    },
  }
}
