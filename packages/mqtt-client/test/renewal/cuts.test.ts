import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileStorage } from '../../src/identity/file-storage.ts'
import type { IdentityState, StoredCredential } from '../../src/identity/identity-state.ts'
import { connectDevice, type DeviceConnection, type RenewalOptions, storedIdentity } from '../../src/index.ts'
import { type DeviceWorld, openDeviceWorld } from '../support/device-world.ts'
import { firstFingerprint } from '../support/first-fingerprint.ts'
import { createPowerCutDisk, type PowerCutDisk, type Survival } from '../support/power-cut-disk.ts'

/** What a device does, as seen from outside: calls of its disk, requests and answers at the hub, handshakes and sessions at the broker. The power goes at one of them. */
interface Power {
  readonly seen: string[]
  readonly isGone: boolean
  /** One more; `true` when the power is gone. */
  tick(name: string): boolean
  readonly gone: Promise<void>
}

function createPower(cutAt: number): Power {
  const seen: string[] = []
  let isGone = false
  let onGone = (): void => {}
  const gone = new Promise<void>(resolve => {
    onGone = resolve
  })
  return {
    seen,
    gone,
    get isGone() {
      return isGone
    },
    tick(name) {
      if (isGone) return true
      if (seen.length === cutAt) {
        isGone = true
        onGone()
        return true
      }
      seen.push(name)
      return false
    },
  }
}

const survivals: Survival[] = [
  { nameChanges: 'none', contents: 'none' },
  { nameChanges: 'all', contents: 'all' },
  { nameChanges: 'all', contents: 'zeros' },
  { nameChanges: 'none', contents: 'all' },
]

const isLong = process.env['FLEETCERT_LONG'] === '1'

let world: DeviceWorld
let credentials: StoredCredential[]
/** By device id. */
const powers = new Map<string, Power>()

function tick(deviceId: string, name: string): boolean {
  return powers.get(deviceId)?.tick(name) ?? false
}

beforeAll(async () => {
  world = await openDeviceWorld()
  credentials = []
  for (let number = 0; number < (isLong ? 900 : 300); number++)
    credentials.push(await world.overdueCredential(`sensor-${number}`))
  world.begin()
  await world.serveTopics()
  // The power of the device is gone before the hub has heard of the request, or when its answer is on the way.
  world.interference = (request, response, pass) => {
    const { url } = request
    const deviceId = String((request.socket as TLSSocket).getPeerCertificate().subject['CN'])
    if (tick(deviceId, `request ${url}`)) return void request.socket.destroy()
    const end = response.end.bind(response)
    response.end = ((body: Uint8Array) => {
      if (!tick(deviceId, `answer ${url}`)) return end(body)
      request.socket.destroy()
      return response
    }) as typeof response.end
    pass()
  }
  world.aedes.on('client', client => {
    if (tick(client.id, 'session')) client.conn.destroy()
  })
  world.aedes.on('publish', ({ topic }, client) => {
    const [, deviceId = '', what] = /^devices\/(.*)\/(pki\/(?:request|response))$/.exec(topic) ?? []
    if (client !== null && what !== undefined) tick(deviceId, what)
  })
})
afterAll(() => world[Symbol.asyncDispose]())

function isSettled({ current, pending }: IdentityState, old: string): boolean {
  return pending === undefined && current !== undefined && firstFingerprint(current.certificate) !== old
}

/** A device until its renewal is done, or its power is gone. */
async function run(disk: PowerCutDisk, deviceId: string, old: string, renewal: RenewalOptions): Promise<void> {
  const power = powers.get(deviceId)!
  const storage = createFileStorage('/certs', deviceId, disk.fileSystem)
  let device: DeviceConnection | undefined
  const connecting = connectDevice(world.brokerUrl, { identity: storedIdentity({ deviceId, storage }), renewal })
  connecting.then(
    made => {
      device = made
    },
    () => undefined,
  )
  await Promise.race([connecting, power.gone])
  const settled = async (): Promise<void> => {
    while (!isSettled((await storage.load()).state, old)) await sleep(5)
    // What comes late.
    await sleep(20)
  }
  if (!power.isGone) await Promise.race([settled(), power.gone])
  if (power.isGone) {
    device?.client.stream?.destroy()
    await connecting.catch(() => undefined)
  }
  await device?.close()
}

let used = 0

/** Cuts the renewal of a device of its own behind so many things that are seen of it; what was seen. */
async function cut(cutAt: number, way: 'https' | 'mqtt', survival?: Survival): Promise<readonly string[]> {
  const number = used++
  const deviceId = `sensor-${number}`
  const credential = credentials[number]!
  const old = firstFingerprint(credential.certificate)
  const renewal: RenewalOptions =
    way === 'https' ? { hub: world.hubUrl } : { over: 'mqtt', topicPrefix: `devices/${deviceId}` }
  const power = createPower(cutAt)
  powers.set(deviceId, power)
  const disk = createPowerCutDisk({ isCut: name => power.tick(`disk ${name}`) })
  disk.put(`/certs/devices/${deviceId}-cert.pem`, credential.certificate)
  disk.put(`/certs/devices/${deviceId}-key.pem`, credential.privateKey)
  disk.put('/certs/devices/ca-cert.pem', credential.trustAnchors)
  await run(disk, deviceId, old, renewal)
  const { seen } = power
  if (!power.isGone) return seen

  // The power is back.
  powers.set(deviceId, createPower(Number.POSITIVE_INFINITY))
  const after = disk.afterCut(survival ?? survivals[cutAt % survivals.length]!)
  await run(after, deviceId, old, renewal)
  const { state } = await createFileStorage('/certs', deviceId, after.fileSystem).load()
  const context = `cut ${cutAt}, behind ${seen.at(-1)}`
  expect(isSettled(state, old), context).toBe(true)
  const { certificate } = state.current!
  expect(await world.statusOf(certificate), context).toBe('active')
  expect(world.sessions, context).toContain(firstFingerprint(certificate))
  return seen
}

describe.each(['https', 'mqtt'] as const)('over %s', way => {
  test('a renewal that is cut at every step ends well: the device is back with a certificate that works, each time', async () => {
    const whole = await cut(Number.POSITIVE_INFINITY, way)
    expect(whole.filter(name => name.startsWith('disk')).length).toBeGreaterThan(30)
    expect(whole.filter(name => name === 'session')).toHaveLength(2)
    expect(whole).toContain(way === 'https' ? 'answer /api/device/confirm' : 'pki/response')
    const kept = isLong ? survivals : [undefined]
    const cuts = [...whole.keys()].flatMap(cutAt => kept.map(survival => ({ cutAt, survival })))
    const worker = async (): Promise<void> => {
      for (let next = cuts.shift(); next !== undefined; next = cuts.shift()) await cut(next.cutAt, way, next.survival)
    }
    await Promise.all(Array.from({ length: 8 }, worker))
  }, 300_000)
})
