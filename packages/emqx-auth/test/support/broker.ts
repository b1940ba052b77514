import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { type DeviceCredential, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { Aedes } from 'aedes'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { type AedesEnforcer, type AttachAedesOptions, attachAedes } from '../../src/aedes/index.ts'
import { type BrokerAuth, type BrokerAuthOptions, createBrokerAuth } from '../../src/broker-auth.ts'
import type { Denial } from '../../src/deny-reason.ts'

export interface TestBroker extends AsyncDisposable {
  readonly fleet: Fleet
  readonly broker: Aedes
  readonly enforcer: AedesEnforcer
  readonly denials: Denial[]
  readonly port: number
  connect(credential: Partial<DeviceCredential>, options?: IClientOptions): Promise<MqttClient>
}

/** A real fleet and an aedes over TLS on a free port, joined by `attachAedes`. */
export async function startBroker(
  options: {
    readonly fleet?: Fleet
    readonly auth?: Partial<BrokerAuthOptions>
    readonly wrap?: (auth: BrokerAuth) => BrokerAuth
    readonly attach?: AttachAedesOptions
    /** Let clients reach the broker whose chain does not verify, or that have none. */
    readonly lenientTls?: boolean
    /** PEM of what TLS trusts. Default: the fleet's CAs. */
    readonly tlsAuthorities?: string
    /** The fleet is somebody else's to close. */
    readonly keepFleet?: boolean
  } = {},
): Promise<TestBroker> {
  const fleet = options.fleet ?? (await testFleet())
  const server = await fleet.issueServer({ hosts: ['localhost', '127.0.0.1'] })
  const broker = await Aedes.createBroker()
  const denials: Denial[] = []
  const auth = createBrokerAuth({ fleet, ...options.auth })
  const onDeny = (denial: Denial): void => void denials.push(denial)
  const enforcer = attachAedes(broker, options.wrap?.(auth) ?? auth, { onDeny, ...options.attach })
  const tls: Server = createServer(
    {
      key: server.privateKey,
      cert: server.certificate + server.chain,
      ca: options.tlsAuthorities ?? fleet.trustAnchors + server.chain,
      requestCert: true,
      rejectUnauthorized: options.lenientTls !== true,
    },
    socket => broker.handle(socket),
  )
  tls.on('tlsClientError', () => {})
  await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve))
  const { port } = tls.address() as AddressInfo
  const clients: MqttClient[] = []
  return {
    fleet,
    broker,
    enforcer,
    denials,
    port,
    async connect(credential, more = {}) {
      const { certificate, chain, privateKey, deviceId } = credential
      const client = await connectAsync(
        `mqtts://127.0.0.1:${port}`,
        {
          ca: fleet.trustAnchors,
          ...(certificate === undefined ? {} : { cert: certificate + chain, key: privateKey! }),
          clientId: deviceId ?? '',
          reconnectPeriod: 0,
          ...more,
        },
        false,
      )
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.end(true)
      await new Promise<void>(resolve => broker.close(resolve))
      await new Promise(resolve => tls.close(resolve))
      if (options.keepFleet !== true) await fleet.close()
    },
  }
}

export function testFleet(): Promise<Fleet> {
  return openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
}

/** Resolves when the connection is closed. */
export function closed(client: MqttClient): Promise<void> {
  return new Promise(resolve => (client.connected ? client.once('close', () => resolve()) : resolve()))
}

/** Collects what a client receives; `until` resolves once a message of that topic has come. */
export function inbox(client: MqttClient): { readonly topics: string[]; until(topic: string): Promise<void> } {
  const topics: string[] = []
  const waiting: { topic: string; resolve: () => void }[] = []
  client.on('message', topic => {
    topics.push(topic)
    for (const wait of waiting.filter(one => one.topic === topic)) wait.resolve()
  })
  return {
    topics,
    until: topic =>
      new Promise(resolve => (topics.includes(topic) ? resolve() : void waiting.push({ topic, resolve }))),
  }
}
