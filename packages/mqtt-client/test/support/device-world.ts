import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import {
  type ConfirmRequest,
  type Fleet,
  memoryKeyring,
  memoryStore,
  openFleet,
  type ServerCredential,
} from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { attachAedes } from '@fleetcert/emqx-auth/aedes'
import { createHub, deviceTlsOptions, type HubOptions, serveDeviceTopics, toNodeHandler } from '@fleetcert/hub'
import { Aedes } from 'aedes'
import type { StoredCredential } from '../../src/identity/identity-state.ts'
import { makePendingKey } from '../../src/identity/pending-key.ts'
import { connectDevice, type DeviceConnection, pemIdentity } from '../../src/index.ts'

const dayMilliseconds = 86_400_000

/** What happens to a request of a device at the hub; `pass` lets the real hub answer. */
export type Interference = (request: IncomingMessage, response: ServerResponse, pass: () => void) => void

export interface DeviceWorld extends AsyncDisposable {
  readonly fleet: Fleet
  readonly aedes: Aedes
  readonly hubUrl: string
  readonly brokerUrl: string
  /** Fingerprints in the order in which they were let in. */
  readonly sessions: string[]
  /** What stands between devices and the hub; `undefined`: nothing. */
  interference: Interference | undefined
  /** A first credential that was due for renewal ten days ago, and ends in ten days. Before {@link DeviceWorld.begin}. */
  overdueCredential(deviceId: string, validityDays?: number): Promise<StoredCredential>
  /** A first credential that is good for 80 days from now on; {@link DeviceWorld.begin} is called before. */
  currentCredential(deviceId: string): Promise<StoredCredential>
  /** Gives broker and hub another certificate, for connections to come. */
  serveUnder(server: ServerCredential): void
  /** Moves the fleet's clock to the present. */
  begin(): void
  /** Moves it by so many days from the present. */
  travel(days: number): void
  /** Serves devices over MQTT. */
  serveTopics(): Promise<void>
  /** How a device's certificate stands at the fleet. */
  statusOf(certificate: string): Promise<string>
}

/** A fleet of 90-day certificates with a hub over HTTPS and a broker, both real, and both asking the fleet. */
export async function openDeviceWorld({
  alsoTrust,
  ...options
}: Partial<Pick<HubOptions, 'device'>> & { readonly alsoTrust?: string } = {}): Promise<DeviceWorld> {
  let offset = -70 * dayMilliseconds
  const clock = (): Date => new Date(Date.now() + offset)
  const fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    background: false,
    clock,
    ...(alsoTrust === undefined ? {} : { alsoTrust }),
  })
  const auth = createBrokerAuth({ fleet, clock })
  // A confirmation ends the old certificate in the same moment: the hardest case for a device that does not hear the answer.
  const abrupt = new Proxy(fleet, {
    get: (target, name) =>
      name === 'confirm'
        ? (deviceId: string, request: ConfirmRequest) => fleet.confirm(deviceId, { ...request, overlapSeconds: 0 })
        : Reflect.get(target, name),
  })
  const broker = { url: 'mqtts://localhost:8883', mqttSecurePort: 8883 }
  const hub = createHub({ fleet: abrupt, auth, authorize: () => false, broker, clock, onError: () => {}, ...options })
  const tls = deviceTlsOptions(await fleet.issueServer({ hosts: ['localhost'], validitySeconds: 365 * 86_400 }))
  const handler = toNodeHandler(hub)
  const https = createHttpsServer(tls, (request, response) => {
    const pass = (): void => handler(request, response)
    if (world.interference === undefined) pass()
    else world.interference(request, response, pass)
  })
  const aedes = await Aedes.createBroker()
  attachAedes(aedes, auth, { clock })
  const sessions: string[] = []
  aedes.on('client', client => {
    const { fingerprint256 } = (client.conn as unknown as TLSSocket).getPeerCertificate()
    sessions.push(fingerprint256)
  })
  const mqtts = createTlsServer(tls, aedes.handle)
  mqtts.on('tlsClientError', () => {})
  for (const server of [https, mqtts]) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const portOf = (server: typeof https | typeof mqtts): number => (server.address() as AddressInfo).port
  const services: DeviceConnection[] = []
  const world: DeviceWorld = {
    fleet,
    aedes,
    hubUrl: `https://localhost:${portOf(https)}`,
    brokerUrl: `mqtts://localhost:${portOf(mqtts)}`,
    sessions,
    interference: undefined,
    async overdueCredential(deviceId, validityDays = 80) {
      const { privateKey, csr } = await makePendingKey(deviceId)
      const { certificate, chain, trustAnchors } = await fleet.enroll(deviceId, {
        csr,
        validitySeconds: validityDays * 86_400,
      })
      return { certificate: certificate + chain, privateKey, trustAnchors }
    },
    currentCredential(deviceId) {
      offset = 0
      return world.overdueCredential(deviceId)
    },
    serveUnder(server) {
      for (const tlsServer of [https, mqtts]) tlsServer.setSecureContext(deviceTlsOptions(server))
    },
    begin() {
      offset = 0
    },
    travel(days) {
      offset = days * dayMilliseconds
    },
    async serveTopics() {
      const credential = await fleet.enroll('backend', { role: 'service' })
      const identity = pemIdentity({ ...credential, privateKey: credential.privateKey! })
      const connection = await connectDevice(world.brokerUrl, { identity })
      services.push(connection)
      await serveDeviceTopics({ fleet: abrupt, client: connection.client, broker, clock })
    },
    async statusOf(certificate) {
      const der = Buffer.from(certificate.split('-----')[2]!.replace(/\s/g, ''), 'base64')
      return (await fleet.identify({ der: new Uint8Array(der) })).status
    },
    async [Symbol.asyncDispose]() {
      for (const service of services) await service.close()
      await new Promise<void>(resolve => aedes.close(resolve))
      https.closeAllConnections()
      for (const server of [https, mqtts]) await new Promise(resolve => server.close(resolve))
      await fleet.close()
    },
  }
  return world
}
