import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { type DeviceCredential, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, listening } from '../../../../test-support/ports.ts'
import { describeWith, runTool, temporaryDirectory } from '../../../../test-support/tools.ts'
import { haproxyConfig } from '../../src/haproxy/haproxy-config.ts'
import { mosquittoAcl, mosquittoConfig } from '../../src/mosquitto/index.ts'

const hub = { name: 'a', host: 'h', port: 3000 }
const options = { brokers: [{ name: 'emqx1', host: '10.0.0.1', port: 8883 }] }

describe('haproxyConfig', () => {
  it('renders the whole', () => {
    expect(
      haproxyConfig({ ...options, connectionsPerSecond: 500, proxyProtocol: { emqx: '6.2.1' } }),
    ).toMatchInlineSnapshot(`
      "# TLS is passed through: the brokers see the certificates of the devices.
      global
        maxconn 100000

      defaults
        mode tcp
        maxconn 100000
        timeout connect 5s
        timeout client 600s
        timeout server 600s
        # A device that is gone is noticed.
        option clitcpka
        option srvtcpka

      frontend mqtts
        bind :8883
        rate-limit sessions 500
        # What does not begin with a ClientHello is not TLS.
        tcp-request inspect-delay 5s
        tcp-request content accept if { req.ssl_hello_type 1 }
        tcp-request content reject
        default_backend brokers

      backend brokers
        balance leastconn
        # A broker that is being restarted: the next one gets the device.
        retries 3
        option redispatch 1
        server emqx1 10.0.0.1:8883 check send-proxy-v2 check-send-proxy
      "
    `)
  })
  it('speaks PROXY protocol only to an EMQX that keeps the certificate', () => {
    expect(haproxyConfig(options)).not.toContain('send-proxy')
    for (const emqx of ['4.4.19', '5.8.9', '6.0.2', '6.1', '6.2.0'] as const) {
      expect(() => haproxyConfig({ ...options, proxyProtocol: { emqx } })).toThrow('loses the certificate')
    }
  })
  it('speaks it to RabbitMQ, too', () => {
    expect(haproxyConfig({ ...options, proxyProtocol: { rabbitmq: true } })).toContain('send-proxy-v2 check-send-proxy')
  })
  it('has the hubs behind it only where they are named, and devices only where they may', () => {
    expect(haproxyConfig(options)).not.toContain('hubs')
    const servers = [{ name: 'hub1', host: '10.0.0.2', port: 3000, tlsPort: 3443 }]
    const plain = haproxyConfig({ ...options, hubs: { bind: '10.0.0.9:3000', servers } })
    expect(plain).toContain('  bind 10.0.0.9:3000\n')
    expect(plain).not.toContain('3443')
    const whole = haproxyConfig({ ...options, hubs: { bind: ':3000', deviceBind: ':8443', servers } })
    expect(whole.split('server hub1 10.0.0.2:3443')).toHaveLength(3)
  })
  it.each([
    ['no broker', { brokers: [] }],
    ['one name twice', { brokers: [...options.brokers, ...options.brokers] }],
    ['a name with a space', { brokers: [{ name: 'a b', host: 'h', port: 1 }] }],
    ['a host with a port', { brokers: [{ name: 'a', host: 'h:1', port: 1 }] }],
    ['a host with an option', { brokers: [{ name: 'a', host: 'h ssl verify none', port: 1 }] }],
    ['no port', { brokers: [{ name: 'a', host: 'h', port: 0 }] }],
    ['a bind with an option', { bind: ':8883 ssl crt x' }],
    ['a bind with a line end', { bind: ':8883\n' }],
    ['a bind with a comment', { bind: ':8883#' }],
    ['no time', { idleSeconds: 1 }],
    ['no connections', { maxConnections: 0 }],
    ['no new connections', { connectionsPerSecond: 0 }],
    ['an EMQX that is none', { proxyProtocol: { emqx: '9' } }],
    ['a RabbitMQ that is none', { proxyProtocol: { rabbitmq: false } }],
    ['an admin socket that is no path', { adminSocket: 'admin.sock' }],
    ['an admin socket with an option', { adminSocket: '/run/x level operator' }],
    ['no hub', { hubs: { bind: ':3000', servers: [] } }],
    ['a hub without an address to bind', { hubs: { servers: [hub] } }],
    ['a hub with an option in its host', { hubs: { bind: ':3000', servers: [{ ...hub, host: 'h check' }] } }],
    ['a hub without a port', { hubs: { bind: ':3000', servers: [{ name: 'a', host: 'h' }] } }],
    ['one hub twice', { hubs: { bind: ':3000', servers: [hub, hub] } }],
    ['devices to a hub that speaks no TLS', { hubs: { bind: ':3000', deviceBind: ':8443', servers: [hub] } }],
  ])('refuses %s', (_, change) => {
    expect(() => haproxyConfig({ ...options, ...change } as never)).toThrow(TypeError)
  })
})

describeWith(['haproxy', 'mosquitto', 'mosquitto_pub'], 'haproxyConfig and a real HAProxy', () => {
  const folder = temporaryDirectory()
  const running: ChildProcess[] = []
  let fleet: Fleet
  let port: number

  beforeAll(async () => {
    fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const issuers = (await Array.fromAsync(fleet.issuers())).map(({ certificate }) => certificate)
    const server = await fleet.issueServer({ hosts: ['localhost', '127.0.0.1'] })
    const write = (name: string, text: string): string => {
      writeFileSync(folder.path(name), text, { mode: 0o600 })
      return folder.path(name)
    }
    const [mosquittoPort, haproxyPort] = [await freePort(), await freePort()]
    port = haproxyPort
    const conf = mosquittoConfig({
      port: mosquittoPort,
      host: '127.0.0.1',
      tlsVersion: 'tlsv1.3',
      caFile: write('ca.pem', issuers.join('')),
      certFile: write('server.pem', server.certificate + server.chain),
      keyFile: write('server-key.pem', server.privateKey!),
      aclFile: write('acl', mosquittoAcl()),
    })
    // Started as root it would otherwise become somebody who may not read this folder.
    const user = process.getuid?.() === 0 ? 'user root\n' : ''
    start('mosquitto', ['-c', write('mosquitto.conf', conf + user)])
    const brokers = [{ name: 'mosquitto', host: '127.0.0.1', port: mosquittoPort }]
    // A soft limit of open files may be lower than the default asks for.
    const cfg = haproxyConfig({ bind: `127.0.0.1:${haproxyPort}`, brokers, maxConnections: 50 })
    start('haproxy', ['-db', '-f', write('haproxy.cfg', cfg)])
    await listening(mosquittoPort)
    await listening(haproxyPort)
  })
  afterAll(async () => {
    for (const child of running) {
      if (child.exitCode !== null) continue
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
    await fleet?.close()
    folder.remove()
  })

  it('is taken without a warning, with everything in it', () => {
    const cfg = haproxyConfig({
      bind: '*:8883',
      brokers: [
        ...options.brokers,
        { name: 'emqx2', host: '[::1]', port: 8883 },
        { name: 'emqx3', host: 'localhost', port: 8884 },
      ],
      proxyProtocol: { emqx: '6.2.1' },
      hubs: {
        bind: '127.0.0.1:3000',
        deviceBind: ':8443',
        servers: [
          { name: 'hub1', host: '127.0.0.1', port: 3001, tlsPort: 3002 },
          { name: 'hub2', host: '[::1]', port: 3001, tlsPort: 3002 },
        ],
      },
      adminSocket: folder.path('admin.sock'),
      maxConnections: 100,
      connectionsPerSecond: 500,
      idleSeconds: 120,
    })
    writeFileSync(folder.path('whole.cfg'), cfg)
    const { status, output } = runTool('haproxy', ['-c', '-f', folder.path('whole.cfg')])
    expect(output).not.toMatch(/WARNING|ALERT/)
    expect(status).toBe(0)
  })

  it('lets the broker see who it is', async () => {
    await publish(await fleet.enroll('d1'))
    await using other = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    await expect(publish(await other.enroll('stranger'))).rejects.toThrow()
  })

  it('cuts off what is not TLS', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    // A CONNECT of MQTT 3.1.1.
    socket.write(Buffer.from('101000044d5154540402003c000464657631', 'hex'))
    const chunks: Buffer[] = []
    socket.on('data', chunk => chunks.push(chunk))
    await once(socket, 'close')
    expect(Buffer.concat(chunks)).toHaveLength(0)
  })

  function start(name: string, args: readonly string[]): void {
    const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`
    running.push(spawn(name, args, { env: { ...process.env, PATH: path }, stdio: 'ignore' }))
  }

  function publish({ deviceId, certificate, chain, privateKey }: DeviceCredential): Promise<unknown> {
    writeFileSync(folder.path('device.pem'), certificate + chain)
    writeFileSync(folder.path('device-key.pem'), privateKey!, { mode: 0o600 })
    const tls = [
      '--cafile',
      folder.path('ca.pem'),
      '--cert',
      folder.path('device.pem'),
      '--key',
      folder.path('device-key.pem'),
    ]
    const message = ['-i', deviceId, '-q', '1', '-t', `devices/${deviceId}/x`, '-m', 'x']
    return promisify(execFile)('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(port), ...tls, ...message], {
      timeout: 20_000,
    })
  }
})
