import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { inspect } from 'node:util'
import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { PkiError } from '@fleetcert/x509'
import { expect, test } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { diagnoseAt } from '../../src/diagnose/diagnose.ts'
import { findingTable } from '../../src/diagnose/finding-table.ts'
import { explain } from '../../src/diagnose/probe-mqtt.ts'
import {
  type DeviceIdentity,
  type DiagnoseOptions,
  type Diagnosis,
  diagnose,
  fileIdentity,
  formatDiagnosis,
  pemIdentity,
} from '../../src/index.ts'
import { startAedes } from '../support/aedes-broker.ts'
import { fixtures, serverNames } from '../support/fixtures.ts'
import { identityOf } from '../support/identity-of.ts'
import { freePort, startMosquitto } from '../support/mosquitto.ts'
import { startOpensslServer } from '../support/openssl-server.ts'
import { connack5, startScripted } from '../support/scripted-broker.ts'
import { createTestCa, daysFromNow } from '../support/test-ca.ts'

const { ca, otherCa, server, device, identity } = fixtures

/** The codes of a diagnosis that are not `ok`. Every diagnosis that tests see is searched for keys, and its form checked. */
async function problems(
  url: string,
  of: DeviceIdentity = identity,
  options: DiagnoseOptions = {},
): Promise<{ readonly codes: string[]; readonly diagnosis: Diagnosis }> {
  const diagnosis = await diagnose(url, of, { timeoutSeconds: 2, ...options })
  const text = `${inspect(diagnosis, { depth: 10 })}\n${formatDiagnosis(diagnosis)}`
  expect(text).not.toContain('-----BEGIN')
  expect(text).not.toContain(device.privateKey.split('\n')[1])
  for (const { code, advice, level, sentence, step } of diagnosis.findings) {
    expect(findingTable[code]).toMatchObject({ step, level })
    expect(sentence).toMatch(/^\S.*[.)]$/)
    if (level !== 'ok') expect(advice).toMatch(/[.?)]$/)
  }
  expect(diagnosis.ok).toBe(diagnosis.findings.every(({ level }) => level !== 'problem'))
  const codes = diagnosis.findings.filter(({ level }) => level !== 'ok').map(({ code }) => code)
  return { diagnosis, codes: codes.filter(code => code !== 'CLOCK_UNKNOWN') }
}

function sentenceOf({ findings }: Diagnosis, code: string): string {
  return findings.find(found => found.code === code)?.sentence ?? ''
}

describeWith(['openssl', 'mosquitto'], 'nothing is the matter', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('with aedes over %s', async version => {
    await using broker = await startAedes({ clientCa: ca, server, version })
    const { codes, diagnosis } = await problems(broker.url)
    expect(codes).toEqual([])
    expect(diagnosis.findings.map(({ code }) => code)).toEqual([
      ...['IDENTITY_OK', 'CLOCK_UNKNOWN', 'DNS_OK', 'TCP_OK', 'TLS_OK', 'SERVER_OK', 'CLIENT_ACCEPTED', 'MQTT_OK'],
    ])
    expect(diagnosis.server).toMatchObject({ version, asksForCertificate: true })
    expect(diagnosis.server?.certificates[0]?.names).toEqual(['DNS:localhost', 'IP Address:127.0.0.1'])
    expect(diagnosis.client?.subject).toBe('CN=sensor-1')
    expect(formatDiagnosis(diagnosis)).toMatch(/^ok {7}IDENTITY_OK: .*\n/)
  })

  test.each([4, 5] as const)('with mosquitto and MQTT %i, by address', async protocolVersion => {
    await using broker = await startMosquitto({ clientCa: ca, server })
    const { codes, diagnosis } = await problems(`mqtts://127.0.0.1:${broker.port}`, identity, { protocolVersion })
    expect(codes).toEqual([])
    expect(diagnosis.ok).toBe(true)
  })

  test('a session that waits at the broker is still there', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server })
    const { connectDevice } = await import('../../src/index.ts')
    const connected = await connectDevice(broker.url, { identity, clean: false })
    await connected.client.subscribeAsync('commands', { qos: 1 })
    await connected.close()
    expect((await problems(broker.url)).codes).toEqual([])
    await using again = await connectDevice(broker.url, { identity, clean: false })
    expect(again.client['connackPacket']?.sessionPresent).toBe(true)
  })
})

describeWith(['openssl'], "the server's certificate", () => {
  const cases: Record<
    string,
    {
      readonly made: () => Pick<typeof server, 'certificate' | 'privateKey'>
      readonly codes: string[]
      readonly says: RegExp
    }
  > = {
    'of another CA': {
      made: () => otherCa.issue('localhost', { names: serverNames }),
      codes: ['SERVER_UNKNOWN_CA'],
      says: /"CN=Other CA".*trusts "CN=Fleet CA" alone/,
    },
    'of another CA, whose root it sends': {
      made: () => {
        const issued = otherCa.issue('localhost', { names: serverNames })
        return { ...issued, certificate: issued.certificate + otherCa.certificate }
      },
      codes: ['SERVER_UNKNOWN_CA'],
      says: /lead to the CA "CN=Other CA" \(fingerprint ([0-9A-F]{2}:){31}/,
    },
    'of a CA of the same name': {
      made: () => {
        using again = createTestCa('Fleet CA')
        return again.issue('localhost', { names: serverNames })
      },
      codes: ['SERVER_CA_REPLACED'],
      says: /CA of the name "CN=Fleet CA", which is not the one/,
    },
    expired: {
      made: () => ca.issue('localhost', { names: serverNames, notBefore: daysFromNow(-10), notAfter: daysFromNow(-3) }),
      codes: ['SERVER_EXPIRED'],
      says: /expired on 20.*Z, 3 days ago/,
    },
    'not yet valid': {
      made: () => ca.issue('localhost', { names: serverNames, notBefore: daysFromNow(5) }),
      codes: ['CLOCK_BEHIND', 'SERVER_NOT_YET_VALID'],
      says: /good from 20.*Z on: .* 5 days earlier/,
    },
    'about to expire': {
      made: () => ca.issue('localhost', { names: serverNames, notAfter: daysFromNow(2) }),
      codes: ['SERVER_EXPIRES_SOON'],
      says: /2 days left|48 hours left/,
    },
    'for other names': {
      made: () => ca.issue('broker', { names: 'DNS:broker.example,DNS:mqtt.example' }),
      codes: ['SERVER_NAME'],
      says: /not for localhost\. It has DNS:broker\.example, DNS:mqtt\.example\./,
    },
    "that is a client's": {
      made: () => ca.issue('sensor-3'),
      codes: ['SERVER_NAME', 'SERVER_PURPOSE'],
      says: /no names at all; its subject is "CN=sensor-3"/,
    },
    'expired, of another CA and for another name': {
      made: () => otherCa.issue('x', { names: 'DNS:x', notBefore: daysFromNow(-10), notAfter: daysFromNow(-3) }),
      codes: ['SERVER_UNKNOWN_CA', 'SERVER_EXPIRED', 'SERVER_NAME'],
      says: /Other CA/,
    },
  }

  test.each(Object.entries(cases))('%s', async (_, { made, codes, says }) => {
    let applicationBytes = 0
    let shown = 0
    const listener = createTlsServer(
      { ...keyAndCertificate(made()), requestCert: true, rejectUnauthorized: false },
      socket => {
        shown += Object.keys(socket.getPeerCertificate() ?? {}).length
        socket.on('error', () => {})
        socket.on('data', chunk => {
          applicationBytes += chunk.length
        })
      },
    )
    listener.on('tlsClientError', () => {})
    await using broker = await listening(listener)
    const found = await problems(`mqtts://localhost:${broker.port}`)
    const isNote = codes.every(code => code === 'SERVER_EXPIRES_SOON')
    if (isNote) expect(found.codes).toEqual([...codes, 'MQTT_NO_ANSWER'])
    else expect(found.codes).toEqual([...codes, 'MQTT_NOT_ASKED'])
    expect(found.diagnosis.findings.map(({ sentence }) => sentence).join('\n')).toMatch(says)
    // Who is not trusted is told nothing, and shown nothing.
    if (!isNote) expect([applicationBytes, shown]).toEqual([0, 0])
  })

  test('issued by nobody but itself', async () => {
    const { generateSelfSigned } = await import('../support/self-signed.ts')
    const listener = createTlsServer(keyAndCertificate(generateSelfSigned('localhost')))
    listener.on('tlsClientError', () => {})
    await using broker = await listening(listener)
    const { codes } = await problems(`mqtts://localhost:${broker.port}`)
    expect(codes).toContain('SERVER_SELF_SIGNED')
  })

  test('of an issuing CA that it does not send', async () => {
    await using fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring() })
    const issued = await fleet.issueServer({ hosts: ['localhost'] })
    const own = await fleet.enroll('sensor-1')
    const of = pemIdentity({ ...own, privateKey: own.privateKey! })
    const listener = createTlsServer({ cert: issued.certificate, key: issued.privateKey! })
    listener.on('tlsClientError', () => {})
    await using broker = await listening(listener)
    const { codes, diagnosis } = await problems(`mqtts://localhost:${broker.port}`, of)
    expect(codes).toContain('SERVER_CHAIN_INCOMPLETE')
    expect(sentenceOf(diagnosis, 'SERVER_CHAIN_INCOMPLETE')).toMatch(/does not send the certificate of the CA "/)
  })

  test('by name option', async () => {
    const named = ca.issue('broker', { names: 'DNS:broker.example' })
    await using broker = await startAedes({ clientCa: ca, server: named })
    expect((await problems(broker.url, identity, { serverName: 'broker.example' })).codes).toEqual([])
  })
})

describeWith(['openssl', 'mosquitto'], "the device's certificate at the server", () => {
  const cases = {
    revoked: {
      code: 'CLIENT_REVOKED',
      also: [],
      made: () => {
        const issued = ca.issue('sensor-2')
        ca.revoke(issued)
        return issued
      },
    },
    expired: {
      code: 'CLIENT_EXPIRED',
      also: ['IDENTITY_EXPIRED'],
      made: () => ca.issue('sensor-2', { notBefore: daysFromNow(-9), notAfter: daysFromNow(-2) }),
    },
    'of another CA': {
      code: 'CLIENT_UNTRUSTED',
      also: ['IDENTITY_CHAIN_INCOMPLETE'],
      made: () => otherCa.issue('sensor-2'),
    },
  } as const

  test.each((['1.2', '1.3'] as const).flatMap(version => Object.keys(cases).map(name => [name, version] as const)))(
    '%s, over TLS %s',
    async (name, tlsVersion) => {
      const { code, also, made } = cases[name as keyof typeof cases]
      const credential = made()
      await using broker = await startMosquitto({ clientCa: ca, server, tlsVersion })
      const { codes } = await problems(broker.url, identityOf('sensor-2', credential, ca))
      expect(codes).toEqual([...also, code])
    },
  )

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('refused without a word, over %s', async version => {
    await using broker = await startAedes({ clientCa: ca, server, version })
    const { codes, diagnosis } = await problems(broker.url, identityOf('sensor-1', otherCa.issue('sensor-1'), ca))
    expect(codes).toEqual(['IDENTITY_CHAIN_INCOMPLETE', 'CLIENT_MAYBE_REFUSED'])
    expect(sentenceOf(diagnosis, 'TLS_OK')).toContain('asks for a client certificate')
  })

  test('nobody asks for it', async () => {
    await using broker = await startScripted(server, socket => socket.write(connack5(0)))
    const { codes, diagnosis } = await problems(broker.url, identity, { protocolVersion: 5 })
    expect(codes).toEqual(['CLIENT_NOT_ASKED'])
    expect(diagnosis).toMatchObject({ ok: true, server: { asksForCertificate: false } })
  })
})

describeWith(['openssl', 'mosquitto'], 'TLS', () => {
  test('too old', async () => {
    await using broker = await startMosquitto({ clientCa: ca, server, tlsVersion: '1.1' })
    const { codes, diagnosis } = await problems(broker.url)
    expect(codes).toEqual(['TLS_VERSION', 'MQTT_NOT_ASKED'])
    expect(sentenceOf(diagnosis, 'TLS_VERSION')).toBe('The server speaks TLSv1.1 and nothing newer.')
  })

  test('too weak', async () => {
    const cipher = ['-tls1_2', '-cipher', 'ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0']
    await using broker = await startOpensslServer(server, ...cipher)
    const { codes, diagnosis } = await problems(broker.url)
    expect(codes).toEqual(['TLS_CIPHER', 'MQTT_NOT_ASKED'])
    expect(sentenceOf(diagnosis, 'TLS_CIPHER')).toMatch(/weak cipher suite .*NULL/)
  })

  test.each(['-tls1_2', '-tls1_3'])('openssl s_server %s that wants a certificate', async version => {
    const wants = ['-Verify', '2', '-verify_return_error', '-CAfile', ca.certificatePath]
    await using broker = await startOpensslServer(server, version, ...wants)
    const { codes, diagnosis } = await problems(broker.url)
    expect(codes).toEqual(['MQTT_NO_ANSWER'])
    expect(diagnosis.server?.asksForCertificate).toBe(true)
  })

  const plain: Record<string, readonly [string, (socket: Socket) => void]> = {
    'an HTTP server': [
      'TLS_NOT_SPOKEN',
      socket => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
    'unencrypted MQTT': ['TLS_NOT_SPOKEN', socket => socket.once('data', () => socket.destroy())],
    'a socket that is closed at once': ['TLS_NOT_SPOKEN', socket => socket.destroy()],
    'a server that says nothing': ['TLS_NOT_SPOKEN', () => {}],
    'an internal error': [
      'TLS_FAILED',
      socket => socket.once('data', () => socket.end(Buffer.from('15030300020250', 'hex'))),
    ],
  }
  test.each(Object.entries(plain))('not spoken: %s', async (_, [code, answer]) => {
    await using broker = await listening(
      createServer(socket => {
        socket.on('error', () => {})
        answer(socket)
      }),
    )
    const { codes } = await problems(`mqtts://localhost:${broker.port}`, identity, { timeoutSeconds: 0.5 })
    expect(codes).toEqual([code, 'MQTT_NOT_ASKED'])
  })
})

describeWith(['openssl'], 'MQTT', () => {
  test.each([
    [0x87, 'MQTT_REFUSED', /not authorized/],
    [0x89, 'MQTT_BUSY', /server busy/],
    [0x9d, 'MQTT_REFUSED', /server moved/],
  ] as const)('CONNACK %i is %s', async (reason, code, says) => {
    await using broker = await startScripted(server, socket => socket.write(connack5(reason)))
    const { codes, diagnosis } = await problems(broker.url, identity, { protocolVersion: 5 })
    expect(codes).toEqual(['CLIENT_NOT_ASKED', code])
    expect(sentenceOf(diagnosis, code)).toMatch(says)
  })

  test('HTTPS answers', async () => {
    const listener = createHttpsServer(keyAndCertificate(server), (_, response) => response.end('hello'))
    await using web = await listening(listener)
    const { codes } = await problems(`mqtts://localhost:${web.port}`)
    expect(codes).toEqual(['CLIENT_NOT_ASKED', 'MQTT_NOT_SPOKEN'])
  })
})

test.each([
  [new PkiError('ERR_PKI_CLIENT_REQUIRED', {}), 'CLIENT_REQUIRED'],
  [new PkiError('ERR_PKI_SERVER_UNTRUSTED', { reason: 'EE certificate key too weak' }), 'SERVER_REFUSED'],
  [new PkiError('ERR_PKI_SERVER_EXPIRED', {}), 'SERVER_EXPIRED'],
  [new PkiError('ERR_PKI_SERVER_NAME', {}), 'SERVER_NAME'],
  [new PkiError('ERR_PKI_IDENTITY', { reason: 'gone' }), 'IDENTITY_UNUSABLE'],
  [new PkiError('ERR_PKI_TLS', { reason: 'internal_error' }), 'TLS_FAILED'],
  [new PkiError('ERR_PKI_BROKER_REFUSED', { reasonCode: 3, reason: 'server unavailable' }), 'MQTT_BUSY'],
  [new PkiError('ERR_PKI_UNREACHABLE', { reason: 'no answer to MQTT in time' }), 'MQTT_NO_ANSWER'],
] as const)('an attempt that ends with %s is %s', (error, code) => {
  expect(explain(error).code).toBe(code)
})

describeWith(['openssl'], 'the way there', () => {
  test('nothing listens', async () => {
    const { codes } = await problems(`mqtts://localhost:${await freePort()}`)
    expect(codes).toEqual(['TCP_REFUSED'])
  })

  test('no such host', async () => {
    const { codes } = await problems('mqtts://no-such-host.invalid')
    // Without any name service it cannot be known.
    expect(['DNS_UNKNOWN_HOST', 'DNS_UNAVAILABLE']).toContain(codes[0])
    expect(codes).toHaveLength(1)
  })

  test('no route', async () => {
    // TCP has no broadcast: the system itself says no.
    const { codes } = await problems('mqtts://255.255.255.255')
    expect(codes).toEqual(['TCP_NO_ROUTE'])
  })

  test('a URL that is none, and an abort', async () => {
    await expect(diagnose('mqtt://localhost', identity)).rejects.toThrow(TypeError)
    await expect(diagnose('mqtts://localhost', identity, { hubUrl: 'http://hub.example' })).rejects.toThrow('hubUrl')
    const withPassword = { hubUrl: 'https://user:password@hub.example' }
    await expect(diagnose('mqtts://localhost', identity, withPassword)).rejects.toThrow(TypeError)
    const reason = new Error('enough')
    await expect(diagnose('mqtts://localhost', identity, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await using silent = await listening(createServer(() => {}))
    const ended = new AbortController()
    const looking = diagnose(`mqtts://localhost:${silent.port}`, identity, { signal: ended.signal })
    setTimeout(() => ended.abort(reason), 100)
    await expect(looking).rejects.toBe(reason)
  })
})

describeWith(['openssl'], "the device's own files", () => {
  const trustAnchors = () => ca.certificate
  const made = (change: object): DeviceIdentity =>
    pemIdentity({
      deviceId: 'sensor-1',
      certificate: device.certificate,
      privateKey: device.privateKey,
      trustAnchors: trustAnchors(),
      ...change,
    })
  const cases: Record<string, readonly [() => DeviceIdentity, string[]]> = {
    'a key of another enrolment': [
      () => made({ privateKey: ca.issue('sensor-1').privateKey }),
      ['IDENTITY_KEY_MISMATCH', 'MQTT_NOT_ASKED'],
    ],
    'a chain in the wrong order': [
      () => made({ certificate: device.certificate + otherCa.certificate + ca.certificate }),
      ['IDENTITY_CHAIN_ORDER'],
    ],
    "a server's certificate": [
      () => made(ca.issue('sensor-1', { names: 'DNS:x' })),
      ['IDENTITY_PURPOSE', 'CLIENT_MAYBE_REFUSED'],
    ],
    'not yet valid': [
      () => made(ca.issue('sensor-1', { notBefore: daysFromNow(3) })),
      ['IDENTITY_NOT_YET_VALID', 'CLOCK_BEHIND', 'CLIENT_MAYBE_REFUSED'],
    ],
    'almost run out': [
      () => made(ca.issue('sensor-1', { notBefore: daysFromNow(-15), notAfter: daysFromNow(1) })),
      ['IDENTITY_EXPIRES_SOON'],
    ],
    'no certificate': [() => made({ certificate: 'none' }), ['IDENTITY_UNUSABLE', 'MQTT_NOT_ASKED']],
    'trust anchors that are none': [
      () => made({ trustAnchors: 'none' }),
      ['IDENTITY_UNUSABLE', 'SERVER_NOT_EXAMINED', 'MQTT_NOT_ASKED'],
    ],
    'an identity that fails': [
      () => ({ deviceId: 'sensor-1', credential: () => Promise.reject(new Error(device.privateKey)) }),
      ['IDENTITY_UNUSABLE', 'SERVER_NOT_EXAMINED', 'MQTT_NOT_ASKED'],
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, [of, codes]) => {
    await using broker = await startAedes({ clientCa: ca, server })
    expect((await problems(broker.url, of())).codes).toEqual(codes)
  })

  test('an empty folder', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fleetcert-diagnose-'))
    try {
      await using broker = await startAedes({ clientCa: ca, server })
      const { codes, diagnosis } = await problems(broker.url, fileIdentity(directory, 'sensor-1'))
      expect(codes).toEqual(['IDENTITY_UNUSABLE', 'SERVER_NOT_EXAMINED', 'MQTT_NOT_ASKED'])
      expect(sentenceOf(diagnosis, 'IDENTITY_UNUSABLE')).toContain('ENOENT')
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('trust anchors that have run out', async () => {
    const later = new Date(daysFromNow(100))
    const { findings } = await diagnoseAt(() => later, `mqtts://localhost:${await freePort()}`, identity, {})
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['IDENTITY_EXPIRED', 'TRUST_ANCHOR_EXPIRED']),
    )
  })
})

describeWith(['openssl'], "the device's clock", () => {
  async function hub(
    of: Pick<typeof server, 'certificate' | 'privateKey'>,
    date?: string,
  ): Promise<AsyncDisposable & { readonly hubUrl: string; asked(): number }> {
    let asked = 0
    const listener = createHttpsServer(keyAndCertificate(of), (request, response) => {
      asked++
      expect(request.method).toBe('HEAD')
      if (date !== undefined) response.setHeader('date', date)
      response.end()
    })
    const { port, [Symbol.asyncDispose]: end } = await listening(listener)
    return { hubUrl: `https://localhost:${port}`, asked: () => asked, [Symbol.asyncDispose]: end }
  }

  test.each([
    ['agrees', 0, 'CLOCK_OK', /agrees/],
    ['is behind', 90 * 60, 'CLOCK_OFF', /is 90 minutes behind/],
    ['is ahead', -3 * 86_400, 'CLOCK_OFF', /is 3 days ahead/],
  ] as const)('%s', async (_, ahead, code, says) => {
    await using time = await hub(server, new Date(Date.now() + ahead * 1000).toUTCString())
    await using broker = await startAedes({ clientCa: ca, server })
    const { diagnosis } = await problems(broker.url, identity, time)
    expect(sentenceOf(diagnosis, code)).toMatch(says)
    expect(Math.abs(diagnosis.clockOffsetSeconds! + ahead)).toBeLessThan(5)
  })

  test('is told by a hub whose certificate only seems to have run out', async () => {
    const expired = ca.issue('localhost', { names: serverNames, notBefore: daysFromNow(-9), notAfter: daysFromNow(-2) })
    await using time = await hub(expired, new Date(Date.now() - 5 * 86_400_000).toUTCString())
    const { diagnosis } = await problems(`mqtts://localhost:${await freePort()}`, identity, time)
    expect(sentenceOf(diagnosis, 'CLOCK_OFF')).toMatch(/is 5 days ahead/)
  })

  test.each([
    ['of another CA', () => otherCa.issue('localhost', { names: serverNames })],
    ['of another name', () => ca.issue('x', { names: 'DNS:x.example' })],
  ])('a hub %s is not asked', async (_, made) => {
    await using time = await hub(made())
    const { diagnosis } = await problems(`mqtts://localhost:${await freePort()}`, identity, time)
    expect(time.asked()).toBe(0)
    expect(diagnosis.findings.map(({ code }) => code)).toContain('CLOCK_UNKNOWN')
    expect(diagnosis.clockOffsetSeconds).toBeUndefined()
  })

  test.each(['garbage', ''])('a hub that says %j for the time', async date => {
    await using time = await hub(server, date)
    const { diagnosis } = await problems(`mqtts://localhost:${await freePort()}`, identity, time)
    expect(diagnosis.findings.map(({ code }) => code)).toContain('CLOCK_UNKNOWN')
  })

  test('a hub that changes the protocol', async () => {
    const answer = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'
    await using listener = await listening(
      createTlsServer(keyAndCertificate(server), socket => {
        socket.on('error', () => {})
        socket.once('data', () => socket.end(answer))
      }),
    )
    const hubUrl = `https://localhost:${listener.port}`
    const { diagnosis } = await problems(`mqtts://localhost:${await freePort()}`, identity, { hubUrl })
    expect(diagnosis.findings.map(({ code }) => code)).toContain('CLOCK_UNKNOWN')
  })

  test('began in 1970: what was issued already says so', async () => {
    const { findings } = await diagnoseAt(() => new Date(0), `mqtts://localhost:${await freePort()}`, identity, {})
    const behind = findings.find(({ code }) => code === 'CLOCK_BEHIND')
    expect(behind?.sentence).toMatch(/says 1970-01-01T00:00:00Z.*behind by at least 5\d years/)
  })
})

function keyAndCertificate(of: { readonly certificate: string; readonly privateKey: string }): {
  cert: string
  key: string
} {
  return { cert: of.certificate, key: of.privateKey }
}

async function listening(
  listener: ReturnType<typeof createServer>,
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>()
  listener.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  return {
    port: (listener.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => listener.close(resolve))
    },
  }
}
