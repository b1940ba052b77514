import { setTimeout as sleep } from 'node:timers/promises'
import { certificateFingerprint, type Fleet, memoryKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { deviceMaker } from './auth-devices.ts'
import { type Contestant, formatTable, measureInTurn } from './measure.ts'
import { fillDevices } from './store-fill.ts'
import { type BenchClient, processorTimeWith, startedThings } from './store-servers.ts'

const inFlight = 64
const bare = 'bare node-redis, HMGET of a row'

/** `identify` of devices that nobody asked for before, beside what a question and an answer of that size cost over the same client. */
export async function benchStoreIdentify(count: number, rounds: number): Promise<string> {
  await using started = startedThings()
  const server = await started.redis()
  const { url } = server
  const cpu = (): number => processorTimeWith(server)
  const store = redisStore({ client: await started.client(url), durability: 'everysec' })
  const keyring = memoryKeyring()
  // One of the first round, which warms up.
  const devices = count * (rounds + 1) + 1
  const filling = await openFleet({ store, keyring, background: false })
  const deviceOf = deviceMaker({ certificate: await fillDevices(filling, store, devices) })
  await filling.close()
  const fingerprints = Array.from({ length: devices }, (_, index) => certificateFingerprint(deviceOf(index).der))

  const fleet = await openFleet({
    store: redisStore({ client: await started.client(url), durability: 'everysec' }),
    keyring,
    background: false,
  })
  started.later(() => fleet.close())
  const client = await started.client(url)
  const row = Buffer.alloc(rowOctets, 7)
  for (let index = 0; index < devices; index += 1) {
    const sent = client.hSet(bareKey(index), { ordinal: 'abcdef', row })
    if (index % 1000 === 0) await sent
  }
  return formatTable(
    await measureInTurn(
      [
        { name: bare, count, run: askBare(client), cpu, rest: () => sleep(clientTimersSeconds * 1000) },
        { name: 'identify, Redis, asked for the first time', count, run: identifyFresh(fleet, fingerprints), cpu },
      ],
      rounds,
    ),
    [bare],
  )
}

/** Of what the store answers for a device: head, body and DER. */
const rowOctets = 900

function bareKey(index: number): string {
  return `bare:${index}`
}

function askBare(client: BenchClient): Contestant['run'] {
  // '$' of RESP: strings as octets, as the store asks for them.
  const octets = client.withTypeMapping({ 36: Buffer })
  let first = 1
  return async units => {
    let next = first
    const end = next + units
    first = end
    const caller = async (): Promise<void> => {
      while (next < end) {
        next += 1
        const [, row] = await octets.hmGet(bareKey(next - 1), ['ordinal', 'row'])
        if (!(row instanceof Buffer)) throw new Error('no octets')
      }
    }
    await Promise.all(Array.from({ length: inFlight }, caller))
  }
}

/** node-redis sets a timer for each command, which runs out after it was answered as well: what comes next must not pay for that. */
const clientTimersSeconds = 5.5

function identifyFresh(fleet: Fleet, fingerprints: readonly string[]): Contestant['run'] {
  let first = 1
  return async units => {
    let next = first
    const end = next + units
    first = end
    const caller = async (): Promise<void> => {
      while (next < end) {
        next += 1
        const { status } = await fleet.identify({ fingerprint: fingerprints[next - 1]! })
        if (status !== 'active') throw new Error(status)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, caller))
  }
}
