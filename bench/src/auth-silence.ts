import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { type AedesEnforcer, attachAedes } from '@fleetcert/emqx-auth/aedes'
import { Aedes } from 'aedes'
import { table } from './auth-http.ts'

const count = 1000

/**
 * From the call of `revoke` to the moment at which the device sees its connection closed: a thousand devices connected to an aedes over TLS, revoked one after the other. Fleet, broker and devices are one process, so
 * that both moments are of one clock; the devices' part of the work is in it.
 */
export async function benchSilence(): Promise<string> {
  const held: { enforcer?: AedesEnforcer } = {}
  const fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    enforcers: [{ name: 'aedes', silence: (target, options) => held.enforcer!.silence(target, options) }],
  })
  const issued = await fleet.issueServer({ hosts: ['127.0.0.1'] })
  const broker = await Aedes.createBroker()
  held.enforcer = attachAedes(broker, createBrokerAuth({ fleet }))
  const ca = issued.chain + fleet.trustAnchors
  const server = createServer(
    { key: issued.privateKey!, cert: issued.certificate + issued.chain, ca, requestCert: true },
    socket => broker.handle(socket),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets: TLSSocket[] = []
  for (let index = 0; index < count; index += 1) {
    const { deviceId, certificate, chain, privateKey } = await fleet.enroll(`pump-${index}`)
    const socket = connect({ port, host: '127.0.0.1', ca, cert: certificate + chain, key: privateKey! })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    const head = Buffer.from([0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, deviceId.length])
    socket.write(Buffer.concat([Buffer.from([0x10, head.length + deviceId.length]), head, Buffer.from(deviceId)]))
    const [data] = (await once(socket, 'data')) as [Buffer]
    if (data.toString('hex') !== '20020000') throw new Error(`CONNACK ${data.toString('hex')}`)
    sockets.push(socket)
  }
  const closed: number[] = []
  const confirmed: number[] = []
  for (const [index, socket] of sockets.entries()) {
    const isClosed = once(socket, 'close')
    const start = performance.now()
    const { enforced } = await fleet.revoke(`pump-${index}`)
    const done = enforced.then(result => {
      if (result.confirmed.length !== 1) throw new Error('not confirmed')
      confirmed.push(performance.now() - start)
    })
    await isClosed
    closed.push(performance.now() - start)
    await done
  }
  await new Promise<void>(resolve => broker.close(resolve))
  server.close()
  await fleet.close()
  const row = (name: string, times: readonly number[]): string[] => {
    const sorted = times.toSorted((a, b) => a - b)
    return [name, ...[0.5, 0.99].map(part => sorted[Math.floor(count * part)]!.toFixed(2)), sorted.at(-1)!.toFixed(2)]
  }
  return table(
    [`${count.toLocaleString('en-US')} revocations, aedes`, 'p50, ms', 'p99, ms', 'max, ms'],
    [row('revoke → session closed, as the device sees it', closed), row('revoke → confirmed', confirmed)],
  )
}
