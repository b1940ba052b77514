import { readFileSync } from 'node:fs'
import { connect, createSecureContext, type SecureContext } from 'node:tls'
import type { AuthMessage, ConnectIdentity } from './auth-messages.ts'

// Devices that connect by mutual TLS, one process for all: handshake, CONNECT, CONNACK, DISCONNECT, and again as somebody else. No TLS session is taken up again.

const { ca, identities } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  readonly ca: string
  readonly identities: readonly ConnectIdentity[]
}
const devices = identities.map(({ deviceId, cert, key }) => ({
  packet: connectPacket(deviceId),
  context: createSecureContext({ ca, cert, key }),
}))
const accepted = '20020000'
const callers = 16

/** MQTT 3.1.1, clean session, keep-alive of a minute. */
function connectPacket(clientId: string): Buffer {
  const head = Buffer.from([0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 60, 0, clientId.length])
  return Buffer.concat([Buffer.from([0x10, head.length + clientId.length]), head, Buffer.from(clientId)])
}

function connectOnce(port: number, packet: Buffer, secureContext: SecureContext): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', secureContext, ca })
    socket.once('secureConnect', () => socket.write(packet))
    socket.once('data', (data: Buffer) => {
      if (data.toString('hex') !== accepted) return void socket.destroy(new Error(`CONNACK ${data.toString('hex')}`))
      socket.end(Buffer.from([0xe0, 0]))
      resolve()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without a CONNACK')))
  })
}

let next = 0
async function load(port: number, seconds: number): Promise<{ rate: number; answers: number }> {
  const start = performance.now()
  const end = start + seconds * 1000
  let answers = 0
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const { packet, context } = devices[next++ % devices.length]!
      await connectOnce(port, packet, context)
      answers += 1
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return { rate: (answers / (performance.now() - start)) * 1000, answers }
}

process.on('message', (message: AuthMessage) => {
  if (message.type !== 'connect') return
  void load(message.port, message.seconds).then(result =>
    process.send!({ type: 'loaded', ...result } satisfies AuthMessage),
  )
})
process.on('disconnect', () => process.exit())
process.send!({ type: 'ready', port: 0 } satisfies AuthMessage)
