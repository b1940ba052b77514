// Works on a fleet at full rate until it is killed, and writes down what it sees at the moment it sees it: what it asks a key to sign before, what it gets back after.
import { generateKeyPairSync, sign } from 'node:crypto'
import { openSync } from 'node:fs'
import { createCertificationRequest, fileKeyring, openFleet } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { pickOperation, requireExpected } from '../../../core/test/crash/concurrent-operations.ts'
import { createProcess } from '../../../core/test/crash/faulty-process.ts'
import { observeFleet } from '../../../core/test/crash/observe-fleet.ts'
import { seededRandom } from '../../../core/test/crash/random.ts'
import { journaledObservations, writeLine } from './journal.ts'

const [file, keys, journal, seed, aheadSeconds] = process.argv.slice(2) as [string, string, string, string, string]
const callers = 8
const deviceIds = Array.from({ length: 60 }, (_, index) => `sensor-${index + 1}`)

const random = seededRandom(Number(seed))
const clock = (): Date => new Date(Date.now() + Number(aheadSeconds) * 1000)
const descriptor = openSync(journal, 'a')
const observations = journaledObservations(descriptor)

async function newRequest(): Promise<Uint8Array> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return createCertificationRequest({
    subject: [[{ type: 'CN', value: 'not copied' }]],
    signer: {
      algorithm: 'ecdsa-with-SHA256',
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      sign: async message => sign('sha256', message as Uint8Array, privateKey),
    },
  })
}

writeLine(descriptor, 'opening', {})
const store = sqliteStore({ file, clock })
// No fault befalls it: it is there to see what is signed.
const seen = createProcess({ store, keyring: fileKeyring(keys), observations })
const fleet = observeFleet(await openFleet({ store: seen.store, keyring: seen.keyring, clock }), store, observations)
writeLine(descriptor, 'opened', {})

async function caller(): Promise<never> {
  for (;;) {
    const request = await newRequest()
    const { run } = pickOperation(random)
    const deviceId = random.pick(deviceIds)
    try {
      await run(fleet, { random, deviceId, csr: () => request, returned: observations.returned.slice(-50) })
    } catch (error) {
      requireExpected(error)
    }
  }
}

await Promise.all(Array.from({ length: callers }, caller)).catch((error: unknown) => {
  writeLine(descriptor, 'error', String((error as Error).stack))
  process.exitCode = 1
})
process.exit()
