import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DeviceCredential, type Fleet, fileKeyring, openFleet, type Store } from '@fleetcert/core'
import { type BrokerAuth, createBrokerAuth } from '@fleetcert/emqx-auth'
import {
  bearerToken,
  createHub,
  type DeviceTopics,
  deviceTlsOptions,
  serveDeviceTopics,
  toNodeHandler,
} from '@fleetcert/hub'
import { connectDevice, type DeviceConnection } from '@fleetcert/mqtt-client'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { createAedesBroker } from './aedes-broker.ts'
import { type CertificateCount, countCertificates } from './count-certificates.ts'
import { freePort } from './free-port.ts'
import { createMosquittoBroker } from './mosquitto-broker.ts'
import { createReceipts, type ReceiptsReport } from './receipts.ts'
import type { BrokerFiles } from './sim-broker.ts'

export interface BackendOptions {
  /** Made if it is missing; a fleet that is there already is opened. */
  readonly directory: string
  readonly broker: 'aedes' | 'mosquitto'
  /** How often devices ask when to renew. Default 5. */
  readonly renewalInfoSeconds?: number
  /** Called before the hub sees a request, when the answer is made but not sent, and when it is sent: a test cuts devices off here. */
  readonly gate?: (
    moment: 'request' | 'answer' | 'sent',
    request: { readonly method: string; readonly path: string },
  ) => Promise<void>
}

/** Where devices find it, and whom they believe. */
export interface BackendAddress {
  readonly brokerUrl: string
  readonly hubUrl: string
  /** PEM. */
  readonly trustAnchors: string
  /** For the operator's routes of the hub. */
  readonly operatorToken: string
}

export interface BackendReport {
  readonly receipts: ReceiptsReport
  /** When each session at the broker began, of `Date.now()`. */
  readonly sessions: readonly number[]
  /** How often the broker said no, by reason. */
  readonly denials: Readonly<Record<string, number>>
  readonly cpuSeconds: number
  readonly residentMiB: number
}

/** A whole fleet's other side in one process: CA, hub and broker. */
export interface Backend extends AsyncDisposable {
  readonly address: BackendAddress
  readonly fleet: Fleet
  stopBroker(hangSeconds?: number): Promise<void>
  startBroker(): Promise<void>
  /** Announces the second CA beside the first: devices hear of it when they next ask. */
  announceCa(): Promise<void>
  /** Restarts the broker: from now on it and the hub show certificates of the second CA, and renewals come from it. */
  useAnnouncedCa(): Promise<void>
  /** By device, of the fleet that issues now. */
  certificates(): Promise<CertificateCount>
  report(): BackendReport
  close(): Promise<void>
}

const service = 'backend'
const hosts = ['localhost', '127.0.0.1']

interface Authority {
  readonly fleet: Fleet
  readonly store: Store
  readonly auth: BrokerAuth
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void
}

/** Starts CA, hub and broker on free ports of the loopback interface. */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const { directory, broker: brokerName, renewalInfoSeconds = 5, gate } = options
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const operatorToken = randomBytes(24).toString('base64url')
  const receipts = createReceipts()
  const denials: Record<string, number> = {}
  const mqttPort = await freePort()
  const brokerUrl = `mqtts://localhost:${mqttPort}`
  const brokerAddress = { url: brokerUrl, mqttSecurePort: mqttPort }

  async function openAuthority(name: string, alsoTrust?: string): Promise<Authority> {
    mkdirSync(join(directory, name), { recursive: true, mode: 0o700 })
    const store = sqliteStore({ file: join(directory, name, 'fleet.db') })
    const fleet = await openFleet({
      store,
      keyring: fileKeyring(join(directory, name)),
      ...(alsoTrust === undefined ? {} : { alsoTrust }),
    })
    const auth = createBrokerAuth({ fleet })
    const hub = createHub({
      fleet,
      auth,
      authorize: bearerToken(operatorToken),
      broker: brokerAddress,
      device: { renewalInfoSeconds },
    })
    return { fleet, store, auth, listener: toNodeHandler(hub) }
  }

  let current = await openAuthority('fleet')
  let serviceCredential: DeviceCredential | undefined
  let announced: Authority | undefined
  const retired: Authority[] = []

  const broker =
    brokerName === 'aedes'
      ? createAedesBroker({
          port: mqttPort,
          service,
          auth: () => current.auth,
          receipts,
          onDeny: ({ reason }) => {
            denials[reason] = (denials[reason] ?? 0) + 1
          },
        })
      : createMosquittoBroker({ directory, port: mqttPort, service })

  async function brokerFiles(): Promise<BrokerFiles> {
    const { certificate, chain, privateKey } = await current.fleet.issueServer({ hosts })
    let clientCas = ''
    let crl = ''
    const seen = new Set<string>()
    for (const { fleet } of [current, ...(announced ? [announced] : []), ...retired]) {
      for await (const issuer of fleet.issuers()) {
        if (seen.has(issuer.issuerKeyId)) continue
        seen.add(issuer.issuerKeyId)
        clientCas += issuer.certificate
        crl += (await fleet.crl({ issuerKeyId: issuer.issuerKeyId })).pem
      }
    }
    return { certificate: certificate + chain, privateKey: privateKey!, clientCas, crl }
  }

  const hubServer = createServer(deviceTlsOptions(await current.fleet.issueServer({ hosts })), (request, response) => {
    void serve(request, response)
  })
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const what = { method: request.method ?? '', path: request.url ?? '' }
    if (gate !== undefined) {
      await gate('request', what)
      response.on('finish', () => void gate('sent', what))
      const end = response.end.bind(response) as (...parts: unknown[]) => unknown
      response.end = ((...parts: unknown[]) => {
        void gate('answer', what).then(() => end(...parts))
        return response
      }) as typeof response.end
    }
    current.listener(request, response)
  }
  await new Promise<void>((resolve, reject) => {
    hubServer.once('error', reject)
    hubServer.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve)
  })

  await broker.start(await brokerFiles())
  const connection = await connectService()
  let topics = await serveTopics()

  /** The backend is a client of the broker like everybody else: it answers devices that renew over MQTT. */
  async function connectService(): Promise<DeviceConnection> {
    serviceCredential = await current.fleet.enroll(service, { role: 'service' })
    const opened = await connectDevice(brokerUrl, {
      identity: {
        deviceId: service,
        credential: async () => ({ ...serviceCredential!, privateKey: serviceCredential!.privateKey! }),
      },
      clean: false,
      reconnect: { minSeconds: 0.1, spreadSeconds: 0.1, maxSeconds: 1 },
    })
    if (brokerName === 'mosquitto') {
      // aedes says itself what it has taken; of mosquitto only a subscriber can tell.
      opened.client.on('message', (topic, payload, { dup }) => receipts.arrived(topic, payload, dup))
      await opened.client.subscribeAsync('users/+/devices/+/telemetry', { qos: 1 })
    }
    return opened
  }

  /** A subscription fails with the session that it is made in; after a restart that is soon the next one. */
  async function serveTopics(): Promise<DeviceTopics> {
    const { client } = connection
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await serveDeviceTopics({
          fleet: current.fleet,
          client,
          broker: brokerAddress,
          device: { renewalInfoSeconds },
        })
      } catch (error) {
        if (attempt === 100) throw error
        await sleep(200)
      }
    }
  }

  async function close(): Promise<void> {
    await topics.close()
    await connection.close()
    await broker.stop()
    hubServer.closeAllConnections()
    await new Promise(resolve => hubServer.close(resolve))
    for (const { fleet } of [current, ...(announced ? [announced] : []), ...retired]) await fleet.close()
  }

  return {
    address: {
      brokerUrl,
      hubUrl: `https://localhost:${(hubServer.address() as { port: number }).port}`,
      trustAnchors: current.fleet.trustAnchors,
      operatorToken,
    },
    get fleet() {
      return current.fleet
    },
    stopBroker: hangSeconds => broker.stop(hangSeconds),
    startBroker: async () => broker.start(await brokerFiles()),
    async announceCa() {
      announced = await openAuthority('next', current.fleet.trustAnchors)
      // What a device is told comes with the fleet that it asks: opened a second time, with the new root beside its own.
      const asked = await openAuthority('fleet', announced.fleet.trustAnchors)
      retired.push(current)
      current = asked
      await topics.close()
      topics = await serveTopics()
    },
    async useAnnouncedCa() {
      if (announced === undefined) throw new Error('there is no announced CA')
      for await (const { deviceId } of current.fleet.devices()) {
        await registerAll(current.store, announced.fleet, deviceId)
      }
      serviceCredential = await announced.fleet.enroll(service, { role: 'service' })
      await topics.close()
      await broker.stop()
      retired.push(current)
      current = announced
      announced = undefined
      hubServer.setSecureContext(deviceTlsOptions(await current.fleet.issueServer({ hosts })))
      await broker.start(await brokerFiles())
      topics = await serveTopics()
    },
    certificates: () => countCertificates(current.fleet, current.store),
    report: () => {
      const { user, system } = process.cpuUsage()
      return {
        receipts: receipts.report(),
        sessions: broker.sessions,
        denials: { ...denials },
        cpuSeconds: (user + system) / 1e6,
        residentMiB: process.memoryUsage.rss() / 2 ** 20,
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The device's good certificates are pinned in the other fleet: that is how it knows who renews. */
async function registerAll(store: Store, fleet: Fleet, deviceId: string): Promise<void> {
  const { items } = await store.certificates({ list: 'device', deviceId }, { limit: 100 })
  const now = Date.now()
  for (const { der, role, owner, supersededAt, revocation } of items) {
    const isOver = revocation !== undefined || (supersededAt !== undefined && supersededAt.getTime() <= now)
    if (der === undefined || role !== 'device' || isOver) continue
    await fleet.register(deviceId, der, owner === undefined ? {} : { owner })
  }
}
