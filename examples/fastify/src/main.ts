import { mkdirSync } from 'node:fs'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { anyOf, bearerToken, createHub, sharedSecret, toNodeHandler } from '@fleetcert/hub'
import { sqliteStore } from '@fleetcert/store-sqlite'
import fastify from 'fastify'

const { PORT = '3000', FLEET_FOLDER = 'fleet', OPERATOR_TOKEN, BROKER_SECRET, PUBLISH_URL } = process.env
const ofBroker = sharedSecret({ header: 'x-broker-secret', secret: BROKER_SECRET! })
const authorize = anyOf(bearerToken(OPERATOR_TOKEN!), ofBroker)

mkdirSync(FLEET_FOLDER, { recursive: true, mode: 0o700 })
const fleet = await openFleet({
  store: sqliteStore({ file: `${FLEET_FOLDER}/fleet.db` }),
  keyring: fileKeyring(`${FLEET_FOLDER}/keys`),
  // Where brokers find CRLs and OCSP: written into every certificate from the first one on.
  publish: { baseUrl: PUBLISH_URL ?? `http://127.0.0.1:${PORT}` },
})
const broker = { url: 'mqtts://localhost:8883', mqttSecurePort: 8883 }
const onDeny = (denial: object): void => console.warn('broker: denied', denial)
const handler = toNodeHandler(createHub({ fleet, auth: createBrokerAuth({ fleet }), authorize, broker, onDeny }))

// EMQX keeps its connections for 30 s; the default of 5 s of node would close them under its hands.
const app = fastify({ keepAliveTimeout: 65_000 })
app.register(async scope => {
  // The hub reads its own bodies, and answers the broker also when one is not JSON.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
  for (const url of ['/api/devices/*', '/api/health', '/api/health/*', '/crl/*', '/ca/*', '/ocsp', '/ocsp/*']) {
    scope.all(url, (request, reply) => {
      reply.hijack()
      handler(request.raw, reply.raw)
    })
  }
})
app.get('/', async () => 'the application around it')

process.once('SIGTERM', () => void app.close().then(() => fleet.close()))
try {
  console.log(`listening on ${await app.listen({ port: Number(PORT), host: '127.0.0.1' })}`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
  await fleet.close()
}
