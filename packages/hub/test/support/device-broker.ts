import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import type { DeviceCredential, Fleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { attachAedes } from '@fleetcert/emqx-auth/aedes'
import { Aedes } from 'aedes'
import { connectAsync, type MqttClient } from 'mqtt'

/** An aedes over mutual TLS that lets a fleet's devices in, each to its own topics. */
export interface DeviceBroker extends AsyncDisposable {
  connect(credential: Pick<DeviceCredential, 'deviceId' | 'certificate' | 'chain'>, key: string): Promise<MqttClient>
}

export async function startDeviceBroker(fleet: Fleet): Promise<DeviceBroker> {
  const broker = await Aedes.createBroker()
  attachAedes(broker, createBrokerAuth({ fleet }))
  const server = await fleet.issueServer({ hosts: ['127.0.0.1'] })
  const tls = createServer(
    {
      cert: server.certificate + server.chain,
      key: server.privateKey,
      ca: fleet.trustAnchors + server.chain,
      requestCert: true,
      rejectUnauthorized: true,
    },
    socket => broker.handle(socket),
  )
  tls.on('tlsClientError', () => {})
  await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve))
  const { port } = tls.address() as AddressInfo
  const clients: MqttClient[] = []
  return {
    async connect({ deviceId, certificate, chain }, key) {
      const client = await connectAsync(
        `mqtts://127.0.0.1:${port}`,
        { ca: fleet.trustAnchors, cert: certificate + chain, key, clientId: deviceId, reconnectPeriod: 0 },
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
    },
  }
}
