// One of several hubs on one store, with the folder of the keys that all share. What a test wants to see or to slow down, it says in the environment.
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Enforcer, fileKeyring, type Keyring, openFleet, type Signer, type Store } from '@fleetcert/core'
import { lastKnownWhileStoreIsAway } from '@fleetcert/core/unsafe'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { createHub, toNodeHandler } from '@fleetcert/hub'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { createClient } from 'redis'

const { STORE = '', KEYS = '', NAME = '', SILENCED, SILENCE_MS = '0', HOLD_AT, LAST_KNOWN } = process.env

// A test run that was cut off leaves nobody behind.
process.stdin.on('end', () => process.exit()).resume()

/** Says where it is, and stops there for good when the test wants so: it ends it, or lets it go on. */
async function reach(point: string): Promise<void> {
  if (HOLD_AT !== point) return
  process.stdout.write(`${JSON.stringify({ reached: point })}\n`)
  await new Promise(resolve => process.once('SIGUSR2', resolve))
}

async function openStore(): Promise<Store> {
  if (!STORE.startsWith('redis:')) return sqliteStore({ file: STORE })
  const client = createClient({ url: STORE })
  client.on('error', () => {})
  await client.connect()
  return redisStore({ client, durability: 'everysec', timeoutSeconds: 2 })
}

/** The keyring, which says when a key is made and when a CRL is about to be signed. */
function watchedKeyring(keyring: Keyring): Keyring {
  const watched = (name: string, signer: Signer): Signer => ({
    algorithm: signer.algorithm,
    publicKey: signer.publicKey,
    async sign(message, options) {
      // CRLs come in parts.
      await reach(`${message instanceof Uint8Array ? 'sign' : 'crl'}-${name}`)
      return signer.sign(message, options)
    },
  })
  return {
    ...keyring,
    async create(name, algorithm) {
      await reach(`create-${name}`)
      const signer = await keyring.create(name, algorithm)
      await reach(`created-${name}`)
      return watched(name, signer)
    },
    async open(name) {
      const signer = await keyring.open(name)
      return signer === undefined ? undefined : watched(name, signer)
    },
  }
}

/** Writes down whom it has silenced. */
const enforcer: Enforcer = {
  name: 'broker',
  shared: true,
  async silence({ deviceId }) {
    appendFileSync(SILENCED!, `${NAME} ${deviceId}\n`)
    await new Promise(resolve => setTimeout(resolve, Number(SILENCE_MS)))
    return 'gone'
  },
}

const fleet = await openFleet({
  store: await openStore(),
  keyring: watchedKeyring(fileKeyring(KEYS)),
  publish: { baseUrl: 'http://hub.example' },
  ...(SILENCED === undefined ? {} : { enforcers: [enforcer] }),
  ...(LAST_KNOWN === undefined ? {} : { identityView: { [lastKnownWhileStoreIsAway]: Number(LAST_KNOWN) } }),
  onWarning: ({ type }) => process.stderr.write(`${type}\n`),
})
const hub = createHub({
  fleet,
  auth: createBrokerAuth({ fleet }),
  authorize: () => true,
  broker: { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 },
  onError: () => {},
})
const server = createServer({ keepAliveTimeout: 60_000 }, toNodeHandler(hub)).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ port, anchors: fleet.trustAnchors })}\n`)
})
