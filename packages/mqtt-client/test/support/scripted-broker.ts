import { createServer, type TLSSocket } from 'node:tls'
import type { TestCredential } from './test-ca.ts'

export interface ScriptedBroker extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** How many connections there were. */
  connections(): number
}

/** A TLS server that answers CONNECT as it is told; `count` is 1 for the first connection. */
export async function startScripted(
  server: Pick<TestCredential, 'certificate' | 'privateKey'>,
  answer: (socket: TLSSocket, count: number) => void,
): Promise<ScriptedBroker> {
  let count = 0
  const sockets = new Set<TLSSocket>()
  const listener = createServer({ cert: server.certificate, key: server.privateKey }, socket => {
    const mine = ++count
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    socket.once('data', () => answer(socket, mine))
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as { port: number }
  return {
    url: `mqtts://localhost:${port}`,
    port,
    connections: () => count,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => listener.close(resolve))
    },
  }
}

/** What stands beside a reason code in MQTT 5. */
export interface PacketProperties {
  readonly reasonString?: string
  readonly serverReference?: string
  readonly user?: readonly (readonly [string, string])[]
}

/** CONNACK of MQTT 5 with a reason code; 0 lets in. */
export function connack5(code: number, properties?: PacketProperties): Buffer {
  return packet(0x20, [0, code], properties)
}

/** DISCONNECT of MQTT 5. */
export function disconnect5(code: number, properties?: PacketProperties): Buffer {
  return packet(0xe0, [code], properties)
}

function packet(type: number, head: readonly number[], properties: PacketProperties = {}): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value)
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
  }
  const one = (id: number, value: string | undefined): Buffer[] =>
    value === undefined ? [] : [Buffer.from([id]), text(value)]
  const body = Buffer.concat([
    ...one(0x1f, properties.reasonString),
    ...one(0x1c, properties.serverReference),
    ...(properties.user ?? []).flatMap(([name, value]) => [Buffer.from([0x26]), text(name), text(value)]),
  ])
  return Buffer.concat([Buffer.from([type, head.length + 1 + body.length, ...head, body.length]), body])
}
