import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { anyOf, bearerToken, createHub, sharedSecret, toNodeHandler } from '@fleetcert/hub'
import { sqliteStore } from '@fleetcert/store-sqlite'
import express from 'express'

const { PORT = '3000', FLEET_FOLDER = 'fleet', OPERATOR_TOKEN, BROKER_SECRET, PUBLISH_URL } = process.env
const authorize = anyOf(
  bearerToken(OPERATOR_TOKEN!),
  sharedSecret({ header: 'x-broker-secret', secret: BROKER_SECRET! }),
)

mkdirSync(FLEET_FOLDER, { recursive: true, mode: 0o700 })
const fleet = await openFleet({
  store: sqliteStore({ file: `${FLEET_FOLDER}/fleet.db` }),
  keyring: fileKeyring(`${FLEET_FOLDER}/keys`),
  // Where brokers find CRLs and OCSP: written into every certificate from the first one on.
  publish: { baseUrl: PUBLISH_URL ?? `http://127.0.0.1:${PORT}` },
})
const hub = createHub({
  fleet,
  auth: createBrokerAuth({ fleet }),
  authorize,
  broker: { url: 'mqtts://localhost:8883', mqttSecurePort: 8883 },
  onDeny: denial => console.warn('broker: denied', denial),
})

const app = express()
// Before express.json(): the hub reads its own bodies, and answers the broker also when one is not JSON.
app.use(toNodeHandler(hub))
app.use(express.json())
app.get('/', (_request, response) => void response.send('the application around it'))

const server = app.listen(Number(PORT), '127.0.0.1', error => {
  if (error !== undefined) {
    console.error(error.message)
    process.exitCode = 1
    return void fleet.close()
  }
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
// EMQX keeps its connections for 30 s; node's default of 5 s would close them under its hands.
server.keepAliveTimeout = 65_000
process.once('SIGTERM', () => server.close(() => void fleet.close()))
