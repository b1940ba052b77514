import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type Fleet, fileKeyring, openFleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import {
  anyOf,
  bearerToken,
  createDrain,
  createHub,
  type DeviceTlsOptions,
  deviceTlsOptions,
  sharedSecret,
  toNodeHandler,
} from '@fleetcert/hub'
import { redisStore } from '@fleetcert/store-redis'
import { createClient } from 'redis'
import { rabbitmqHooks } from './rabbitmq-hooks.ts'
import { readSettings } from './settings.ts'

// One of several hubs: they share a Redis and the folder of the keys, and know nothing of each other.

const week = 7 * 86_400_000
const settings = readSettings(process.env)
const client = createClient({ url: settings.redisUrl })
// node-redis connects again by itself; the fleet's calls say when it cannot.
client.on('error', error => console.error(`redis: ${error.message}`))
await client.connect()
const fleet = await openFleet({
  store: redisStore({ client, durability: 'everysec' }),
  keyring: fileKeyring(settings.keys),
  publish: { baseUrl: settings.publishUrl, crl: 'pemFirst' },
})
const auth = createBrokerAuth({ fleet })
const drain = createDrain()
const { hostname, port } = new URL(settings.brokerUrl)
const hub = createHub({
  fleet,
  auth,
  authorize: anyOf(
    bearerToken(settings.operatorToken),
    sharedSecret({ header: 'x-broker-secret', secret: settings.brokerSecret }),
  ),
  broker: { url: `mqtts://${hostname}:${port || 8883}`, mqttSecurePort: Number(port || 8883) },
  drain,
  onDeny: ({ reason, action, deviceId }) => console.log(`denied ${action}: ${reason} ${deviceId ?? ''}`),
})
const handler = toNodeHandler(hub)
// A load balancer and EMQX keep their connections; node's default of 5 s would close them under their hands.
const options = { keepAliveTimeout: 75_000 }
const hooks = rabbitmqHooks(fleet, settings.brokerSecret)
// For brokers and operators, in the private network.
const server = createServer(options, (request, response) => {
  if (!hooks(request, response)) handler(request, response)
})
// For devices.
const tlsServer = createTlsServer({ ...options, ...(await tlsOptions(fleet)) }, handler)
setInterval(() => {
  tlsOptions(fleet).then(
    renewed => tlsServer.setSecureContext(renewed),
    error => console.error(`the hub's own certificate: ${error.message}`),
  )
}, week).unref()

async function tlsOptions(fleet: Fleet): Promise<DeviceTlsOptions> {
  return deviceTlsOptions(await fleet.issueServer({ hosts: settings.hosts }))
}

await new Promise<void>(resolve => server.listen(settings.port, settings.address, resolve))
await new Promise<void>(resolve => tlsServer.listen(settings.tlsPort, settings.address, resolve))
console.log('ready')

process.once('SIGTERM', async () => {
  console.log('leaving')
  await drain.end([server, tlsServer], { noticeSeconds: settings.noticeSeconds })
  await fleet.close()
  client.destroy()
})
