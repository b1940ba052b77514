import { createServer, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { connectDevice } from '../src/index.ts'
import { fixtures } from './support/fixtures.ts'

const { ca, identity, server } = fixtures

describeWith(['openssl'], 'what is sent again', () => {
  test.each([1, 2] as const)('carries DUP, and is the same otherwise (QoS %i)', async qos => {
    const sessions: number[][] = []
    // A broker that hangs up on the first message instead of acknowledging it.
    const tls = createServer(
      { cert: server.certificate, key: server.privateKey, ca: ca.certificate, requestCert: true },
      (socket: TLSSocket) => {
        const headers: number[] = []
        sessions.push(headers)
        socket.on('error', () => {})
        socket.on('data', (packet: Buffer) => {
          if (packet[0] === 0x10) return void socket.write(Uint8Array.of(0x20, 2, 0, 0))
          headers.push(packet[0]!)
          if (sessions.length === 1) return void socket.destroy()
          // PUBACK, or PUBREC, and PUBCOMP for what comes then, with the packet's identifier.
          const id =
            packet[0]! >> 4 === 3 ? packet.subarray(2 + 2 + 'topic'.length).subarray(0, 2) : packet.subarray(2, 4)
          const type = packet[0]! >> 4 === 6 ? 0x70 : qos === 1 ? 0x40 : 0x50
          socket.write(Uint8Array.of(type, 2, id[0]!, id[1]!))
        })
      },
    )
    await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve))
    const { port } = tls.address() as { port: number }
    const reconnect = { minSeconds: 0.01, spreadSeconds: 0.01, maxSeconds: 0.05 }
    await using device = await connectDevice(`mqtts://localhost:${port}`, { identity, reconnect })
    await device.client.publishAsync('topic', 'once', { qos })
    await device.client.publishAsync('topic', 'next', { qos })
    const type = 0x30 | (qos << 1)
    const publishes = sessions.map(headers => headers.filter(header => header >> 4 === 3))
    // The identifier of a message that is done may be used again: the next one is no repetition.
    expect(publishes).toEqual([[type], [type | 8, type]])
    await device.close()
    tls.close()
  })
})
