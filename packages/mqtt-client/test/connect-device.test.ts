import { createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { connectDevice, type DeviceIdentity, pemIdentity } from '../src/index.ts'
import { startAedes } from './support/aedes-broker.ts'
import { fixtures, serverNames } from './support/fixtures.ts'
import { identityOf } from './support/identity-of.ts'
import { freePort, startMosquitto } from './support/mosquitto.ts'
import { rejection } from './support/rejection.ts'
import { daysFromNow } from './support/test-ca.ts'

const { ca, otherCa, server, device, identity } = fixtures
const names = serverNames

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  describeWith(['openssl'], `with aedes over ${version}`, () => {
    test('connects, with the device id as client identifier', async () => {
      await using broker = await startAedes({ clientCa: ca, server, version })
      const seen = new Promise<string>(resolve => broker.broker.once('clientReady', client => resolve(client.id)))
      await using connection = await connectDevice(broker.url, { identity })
      expect(await seen).toBe('sensor-1')
      expect(connection.deviceId).toBe('sensor-1')
      expect(connection.client.connected).toBe(true)
    })

    test.each([
      ['of another CA', 'ERR_PKI_SERVER_UNTRUSTED', () => otherCa.issue('localhost', { names })],
      ['for another name', 'ERR_PKI_SERVER_NAME', () => ca.issue('other', { names: 'DNS:other.example' })],
      [
        'that has expired',
        'ERR_PKI_SERVER_EXPIRED',
        () => ca.issue('localhost', { names, notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) }),
      ],
      [
        'that is not valid yet',
        'ERR_PKI_SERVER_NOT_YET_VALID',
        () => ca.issue('localhost', { names, notBefore: daysFromNow(1), notAfter: daysFromNow(9) }),
      ],
      ['that is for clients', 'ERR_PKI_SERVER_UNTRUSTED', () => ca.issue('localhost')],
    ] as const)('does not accept a server certificate %s: %s', async (_, code, issue) => {
      await using broker = await startAedes({ clientCa: ca, server: issue(), version })
      let connected = 0
      broker.broker.on('client', () => connected++)
      expect((await rejection(connectDevice(broker.url, { identity }))).code).toBe(code)
      expect(connected).toBe(0)
    })

    test('names the refusal of CONNACK', async () => {
      await using broker = await startAedes({ clientCa: ca, server, version, returnCode: () => 5 })
      const error = await rejection(connectDevice(broker.url, { identity }))
      expect(error).toMatchObject({
        code: 'ERR_PKI_BROKER_REFUSED',
        details: { reasonCode: 5, reason: 'not authorized' },
      })
    })

    test('a server of node:tls that does not accept the certificate just closes', async () => {
      await using broker = await startAedes({ clientCa: ca, server, version })
      const foreign = identityOf('sensor-1', otherCa.issue('sensor-1'), ca)
      const error = await rejection(connectDevice(broker.url, { identity: foreign }))
      // Under TLS 1.2 the server's Finished comes last, so the handshake is not over.
      expect(error.code).toBe(version === 'TLSv1.2' ? 'ERR_PKI_TLS' : 'ERR_PKI_BROKER_REFUSED')
      expect(error.message).toContain('it may not accept the certificate')
    })
  })

  describeWith(['openssl', 'mosquitto'], `with mosquitto over ${version}`, () => {
    const tlsVersion = version === 'TLSv1.2' ? '1.2' : '1.3'

    test.each([4, 5] as const)('connects with protocol version %i', async protocolVersion => {
      await using broker = await startMosquitto({ clientCa: ca, server, tlsVersion })
      await using connection = await connectDevice(broker.url, { identity, protocolVersion })
      expect(await connection.client.subscribeAsync('devices/sensor-1/#', { qos: 1 })).toMatchObject([{ qos: 1 }])
      const got = new Promise(resolve => connection.client.once('message', (_, payload) => resolve(String(payload))))
      await connection.client.publishAsync('devices/sensor-1/telemetry', '21.5', { qos: 1 })
      expect(await got).toBe('21.5')
    })

    test.each([
      ['revoked', 'ERR_PKI_CLIENT_REVOKED', 'certificate_revoked', () => revoked()],
      [
        'expired',
        'ERR_PKI_CLIENT_EXPIRED',
        'certificate_expired',
        () => ca.issue('sensor-1', { notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) }),
      ],
      ['of another CA', 'ERR_PKI_CLIENT_UNTRUSTED', 'unknown_ca', () => otherCa.issue('sensor-1')],
      [
        'for servers',
        'ERR_PKI_CLIENT_UNTRUSTED',
        'unsupported_certificate',
        () => ca.issue('sensor-1', { names: 'DNS:sensor-1' }),
      ],
    ] as const)('a client certificate %s is refused: %s', async (_, code, alert, issue) => {
      const credential = issue()
      await using broker = await startMosquitto({ clientCa: ca, server, tlsVersion })
      const error = await rejection(connectDevice(broker.url, { identity: identityOf('sensor-1', credential, ca) }))
      expect(error).toMatchObject({ code, details: { alert } })
    })

    test('says from when on a certificate is good', async () => {
      const early = ca.issue('sensor-1', { notBefore: daysFromNow(2) })
      await using broker = await startMosquitto({ clientCa: ca, server, tlsVersion })
      const error = await rejection(connectDevice(broker.url, { identity: identityOf('sensor-1', early, ca) }))
      expect(error.code).toBe('ERR_PKI_CLIENT_UNTRUSTED')
      expect(error.message).toContain(`not valid before ${daysFromNow(2).toISOString().slice(0, 10)}`)
    })
  })
}

describeWith(['openssl', 'mosquitto'], 'with mosquitto', () => {
  test('names a client identifier that the broker refuses, with MQTT 3.1.1 and 5', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server, lines: ['clientid_prefixes gateway-'] })
    const old = await rejection(connectDevice(broker.url, { identity, protocolVersion: 4 }))
    expect(old).toMatchObject({ code: 'ERR_PKI_BROKER_REFUSED', details: { reasonCode: 5 } })
    const error = await rejection(connectDevice(broker.url, { identity, protocolVersion: 5 }))
    expect(error).toMatchObject({ code: 'ERR_PKI_BROKER_REFUSED', details: { reasonCode: 135 } })
  })

  test('names a client certificate that was wanted and could not be sent', async () => {
    // The server takes RSA signatures only, so the client has no certificate that fits and sends none.
    await using broker = await startMosquitto({
      clientCa: ca,
      server: ca.issue('localhost', { names, key: 'RSA' }),
      tlsVersion: '1.3',
      clientSignatureAlgorithms: 'rsa_pss_rsae_sha256',
    })
    const error = await rejection(connectDevice(broker.url, { identity }))
    expect(error).toMatchObject({ code: 'ERR_PKI_CLIENT_REQUIRED', details: { alert: 'certificate_required' } })
  })

  test('a TLS version that is too old is refused on both sides', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server, tlsVersion: '1.1' })
    const error = await rejection(connectDevice(broker.url, { identity }))
    expect(error.code).toBe('ERR_PKI_TLS')
    expect(error.message).toContain('TLS 1.2 or 1.3')
  })
})

describeWith(['openssl'], 'names', () => {
  test('an IP address is checked as one', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using connection = await connectDevice(`mqtts://127.0.0.1:${broker.port}`, { identity })
    expect(connection.client.connected).toBe(true)
    await using nameOnly = await startAedes({ clientCa: ca, server: ca.issue('x', { names: 'DNS:localhost' }) })
    const error = await rejection(connectDevice(`mqtts://127.0.0.1:${nameOnly.port}`, { identity }))
    expect(error.code).toBe('ERR_PKI_SERVER_NAME')
  })

  test('serverName is the name that is checked and sent', async () => {
    const named = ca.issue('x', { names: 'DNS:broker.example' })
    await using broker = await startAedes({ clientCa: ca, server: named })
    expect((await rejection(connectDevice(broker.url, { identity }))).code).toBe('ERR_PKI_SERVER_NAME')
    await using connection = await connectDevice(broker.url, { identity, serverName: 'broker.example' })
    expect((connection.client.stream as unknown as { servername: string }).servername).toBe('broker.example')
    const wrong = connectDevice(broker.url, { identity, serverName: '127.0.0.1' })
    expect((await rejection(wrong)).code).toBe('ERR_PKI_SERVER_NAME')
  })
})

describeWith(['openssl'], 'servers that are none', () => {
  test('no listener', async () => {
    const port = await freePort()
    const error = await rejection(connectDevice(`mqtts://127.0.0.1:${port}`, { identity }))
    expect(error).toMatchObject({ code: 'ERR_PKI_UNREACHABLE', details: { host: '127.0.0.1', port } })
    expect(error.message).toContain('nothing listens there')
    // Two addresses are tried, and one AggregateError comes of it.
    expect((await rejection(connectDevice(`mqtts://localhost:${port}`, { identity }))).code).toBe('ERR_PKI_UNREACHABLE')
  })

  test('no such host', async () => {
    const error = await rejection(connectDevice('mqtts://broker.invalid', { identity }))
    expect(error).toMatchObject({ code: 'ERR_PKI_UNREACHABLE', details: { host: 'broker.invalid', port: 8883 } })
  })

  test.each([
    ['answers garbage', (write: (text: string) => void) => write('SSH-2.0-OpenSSH_9.2\r\n'), 'ERR_PKI_TLS'],
    ['answers HTTP', (write: (text: string) => void) => write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_PKI_TLS'],
    ['closes', (_: unknown, close: () => void) => close(), 'ERR_PKI_TLS'],
  ] as const)('plain TCP that %s', async (_, act, code) => {
    await using plain = await listen(
      createServer(socket => {
        socket.on('error', () => {})
        socket.once('data', () =>
          act(
            text => socket.write(text),
            () => socket.end(),
          ),
        )
      }),
    )
    const error = await rejection(connectDevice(plain.url, { identity }))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(/speak TLS/)
  })

  test('plain TCP that says nothing', async () => {
    await using plain = await listen(createServer(socket => socket.on('error', () => {})))
    const error = await rejection(connectDevice(plain.url, { identity, connectTimeoutSeconds: 0.2 }))
    expect(error.code).toBe('ERR_PKI_UNREACHABLE')
    expect(error.message).toContain('no answer to TLS in time')
  })

  test.each([
    ['speaks HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', /does not speak MQTT/],
    ['says nothing', undefined, /no answer to MQTT in time/],
  ] as const)('TLS that %s', async (_, answer, message) => {
    const tls = createTlsServer({ cert: server.certificate, key: server.privateKey }, socket => {
      socket.on('error', () => {})
      socket.once('data', () => answer && socket.write(answer))
    })
    await using listening = await listen(tls)
    const error = await rejection(connectDevice(listening.url, { identity, connectTimeoutSeconds: 0.3 }))
    expect(error.code).toBe('ERR_PKI_UNREACHABLE')
    expect(error.message).toMatch(message)
  })
})

describeWith(['openssl'], 'before any connect', () => {
  async function withoutConnect(bad: DeviceIdentity): Promise<string> {
    let connects = 0
    await using plain = await listen(createServer(() => void connects++))
    const error = await rejection(connectDevice(plain.url, { identity: bad }))
    expect(connects).toBe(0)
    return `${error.code} ${error.message}`
  }

  test('a key of another certificate', async () => {
    const { privateKey } = ca.issue('sensor-1')
    const { certificate } = device
    const mixed = pemIdentity({ deviceId: 'sensor-1', certificate, privateKey, trustAnchors: ca.certificate })
    expect(await withoutConnect(mixed)).toMatch(/^ERR_PKI_IDENTITY .*does not belong to the certificate/)
  })

  test('no trust anchor, which would mean those of the public web', async () => {
    const { certificate, privateKey } = device
    const none = pemIdentity({ deviceId: 'sensor-1', certificate, privateKey, trustAnchors: '# none yet' })
    expect(await withoutConnect(none)).toMatch(/^ERR_PKI_IDENTITY .*trust anchors text holds no certificate/)
  })

  test('an identity that rejects', async () => {
    const cause = new Error('the disk is gone')
    const rejecting: DeviceIdentity = { deviceId: 'sensor-1', credential: () => Promise.reject(cause) }
    expect(await withoutConnect(rejecting)).toMatch(/^ERR_PKI_IDENTITY .*cannot be read/)
    expect((await rejection(connectDevice('mqtts://127.0.0.1:1', { identity: rejecting }))).cause).toBe(cause)
  })
})

describeWith(['openssl'], 'options', () => {
  test('nothing switches the check of the server off', async () => {
    await using broker = await startAedes({ clientCa: ca, server: otherCa.issue('localhost', { names }) })
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      const options = { identity, rejectUnauthorized: false, ca: otherCa.certificate, checkServerIdentity: () => {} }
      expect((await rejection(connectDevice(broker.url, options))).code).toBe('ERR_PKI_SERVER_UNTRUSTED')
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
  })

  test('the client that is handed out holds no key', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using connection = await connectDevice(broker.url, { identity })
    expect(JSON.stringify(connection.client.options)).not.toContain('PRIVATE')
  })

  test.each([
    ['mqtt://localhost', /mqtts/],
    ['https://localhost', /mqtts/],
    ['mqtts://user:secret@localhost', /user or password/],
    ['mqtts://localhost/path', /end after the port/],
    ['mqtts://localhost?rejectUnauthorized=false', /end after the port/],
    ['localhost:8883', /mqtts/],
    ['', /must be a URL such as mqtts/],
  ])('the URL %j is a TypeError', async (url, message) => {
    await expect(connectDevice(url, { identity })).rejects.toThrow(message)
    await expect(connectDevice(url, { identity })).rejects.toBeInstanceOf(TypeError)
  })

  test.each([
    [{ identity: undefined as never }, TypeError],
    [{ identity, clientId: '' }, TypeError],
    [{ identity, protocolVersion: 3 as never }, RangeError],
    [{ identity, keepaliveSeconds: 1.5 }, RangeError],
    [{ identity, keepaliveSeconds: 70_000 }, RangeError],
    [{ identity, connectTimeoutSeconds: Number.NaN }, RangeError],
    [{ identity, serverName: '' }, TypeError],
    [{ identity, reconnect: { minSeconds: 5, maxSeconds: 1 } }, RangeError],
    [{ identity, reconnect: { spreadSeconds: 5, maxSeconds: 1 } }, RangeError],
    [{ identity, reconnect: { spreadSeconds: 0 } }, RangeError],
    [{ identity, reconnect: { maxSeconds: 100, refusedMaxSeconds: 99 } }, RangeError],
    [{ identity, maxInFlight: 0 }, RangeError],
    [{ identity, maxInFlight: 65_536 }, RangeError],
    [{ identity, maxQueuedMessages: -1 }, RangeError],
    [{ identity, maxQueuedBytes: 0.5 }, RangeError],
    [{ identity, reconnect: { minSeconds: 0 } }, RangeError],
    [{ identity, will: { topic: '', payload: 'x' } }, TypeError],
  ])('bad options %#', async (options, kind) => {
    await expect(connectDevice('mqtts://localhost:1', options)).rejects.toBeInstanceOf(kind)
  })

  test('the signal aborts the first connect', async () => {
    const sockets: unknown[] = []
    await using plain = await listen(createServer(socket => sockets.push(socket.on('error', () => {}))))
    const reason = new Error('enough')
    await expect(connectDevice(plain.url, { identity, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(sockets).toHaveLength(0)
    const controller = new AbortController()
    const connecting = connectDevice(plain.url, { identity, signal: controller.signal })
    setTimeout(() => controller.abort(reason), 50)
    await expect(connecting).rejects.toBe(reason)
  })
})

function revoked(): ReturnType<typeof ca.issue> {
  const credential = ca.issue('sensor-1')
  ca.revoke(credential)
  return credential
}

async function listen(listener: Server): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<{ destroy(): void }>()
  listener.on('connection', socket => sockets.add(socket))
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  return {
    url: `mqtts://localhost:${(listener.address() as { port: number }).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => listener.close(resolve))
    },
  }
}
