import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectDevice, type DeviceConnection } from '@fleetcert/mqtt-client'
import { afterAll, expect, test } from 'vitest'
import { startAedes } from '../../../packages/mqtt-client/test/support/aedes-broker.ts'
import { fixtures } from '../../../packages/mqtt-client/test/support/fixtures.ts'
import { identityOf } from '../../../packages/mqtt-client/test/support/identity-of.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { runDevice } from '../src/device.ts'

const { ca, device, identity, server } = fixtures
const prefix = 'users/alice/devices/sensor-1'
const root = fileURLToPath(new URL('../../..', import.meta.url))
const children = new Set<{ kill(signal: 'SIGKILL'): unknown }>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

async function connectBackend(url: string): Promise<DeviceConnection & { next(topic: string): Promise<unknown> }> {
  const backend = await connectDevice(url, { identity: identityOf('backend', ca.issue('backend'), ca) })
  await backend.client.subscribeAsync(`${prefix}/#`, { qos: 1 })
  const next = (topic: string): Promise<unknown> =>
    new Promise(resolve => {
      backend.client.on('message', (at, payload) => {
        if (at === `${prefix}/${topic}`) resolve(JSON.parse(String(payload)))
      })
    })
  return { ...backend, next }
}

describeWith(['openssl'], 'runDevice', () => {
  test('answers, publishes telemetry, and ends', async () => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using backend = await connectBackend(broker.url)
    const lines: string[] = []
    const telemetry = backend.next('telemetry')
    const running = await runDevice({
      userId: 'alice',
      deviceId: 'sensor-1',
      url: broker.url,
      identity,
      log: line => lines.push(line),
    })
    expect(await telemetry).toMatchObject({ uptimeSeconds: expect.any(Number), celsius: expect.any(Number) })

    const request = `${prefix}/rpc/request`
    const pong = backend.next('rpc/response')
    await backend.client.publishAsync(request, 'not JSON', { qos: 1 })
    await backend.client.publishAsync(request, '{"id":"1","method":"ping","params":{}}', { qos: 1 })
    expect(await pong).toMatchObject({ id: '1', result: { pong: true, deviceId: 'sensor-1' } })
    const unknown = backend.next('rpc/response')
    await backend.client.publishAsync(request, '{"id":"2","method":"reboot","params":{}}', { qos: 1 })
    expect(await unknown).toMatchObject({ id: '2', error: { code: 'METHOD_UNKNOWN' } })

    await running.close()
    expect(lines).toEqual([
      `connected to ${broker.url} as sensor-1`,
      `listening on ${prefix}/rpc/request`,
      expect.stringMatching(/^telemetry \{/),
      'ignored a request of 8 octets: not a JSON object',
      'request "1": ping answered',
      'request "2": unknown method "reboot"',
      'closed',
    ])
  })

  test('answers again after its broker was away', async () => {
    const first = await startAedes({ clientCa: ca, server })
    const lines: string[] = []
    await using running = await runDevice({
      ...{ userId: 'alice', deviceId: 'sensor-1', url: first.url, identity, telemetrySeconds: 0 },
      connect: { reconnect: { minSeconds: 0.05, maxSeconds: 0.1 } },
      log: line => lines.push(line),
    })
    await first[Symbol.asyncDispose]()
    await using again = await startAedes({ clientCa: ca, server, port: first.port })
    await once(again.broker, 'subscribe')
    await using backend = await connectBackend(again.url)
    const pong = backend.next('rpc/response')
    await backend.client.publishAsync(`${prefix}/rpc/request`, '{"id":"1","method":"ping"}', { qos: 1 })
    expect(await pong).toMatchObject({ id: '1' })
    expect(running.connection.client.connected).toBe(true)
    expect(lines).toContain('connected again')
  })

  test('refuses ids that mean something in a topic', async () => {
    const options = { userId: 'alice', deviceId: 'sensor-1', url: 'mqtts://localhost:1', identity }
    await expect(runDevice({ ...options, userId: '+' })).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
    await expect(runDevice({ ...options, deviceId: 'a/#' })).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
  })
})

describeWith(['openssl'], 'the command', () => {
  function simulate(flags: readonly string[]): { child: ReturnType<typeof spawn>; output: () => string } {
    const main = 'examples/device-simulator/src/main.ts'
    const child = spawn(process.execPath, ['--conditions=fleetcert-source', main, ...flags], { cwd: root })
    children.add(child)
    let output = ''
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => (output += chunk))
    return { child, output: () => output }
  }
  const flagsFor = (port: number): string[] => [
    ...['--user-id', 'alice', '--device-id', 'sensor-1'],
    ...['--mqtt-host', 'localhost', '--mqtt-secure-port', String(port), '--use-tls'],
    ...['--cert-path', device.certificatePath, '--key-path', device.privateKeyPath, '--ca-path', ca.certificatePath],
  ]

  test.each(['--help', '-h'])('%s: its usage', async flag => {
    const { child, output } = simulate([flag])
    expect(await once(child, 'close')).toEqual([0, null])
    expect(output()).toMatch(/^Usage: /)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('runs until %s, and leaves the broker with a DISCONNECT', async signal => {
    await using broker = await startAedes({ clientCa: ca, server })
    let errors = 0
    broker.broker.on('clientError', () => errors++).on('connectionError', () => errors++)
    const { child, output } = simulate(flagsFor(broker.port))
    await expect.poll(output, { timeout: 10_000 }).toContain('telemetry {')
    const gone = once(broker.broker, 'clientDisconnect')
    child.kill(signal)
    expect(await once(child, 'close')).toEqual([0, null])
    await gone
    expect(errors).toBe(0)
    expect(output().trim().split('\n').slice(-2)).toEqual(['closed', 'ended'])
  })

  test('a signal ends it while it connects', async () => {
    const { createServer } = await import('node:net')
    const silent = createServer(socket => socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { child, output } = simulate(flagsFor((silent.address() as { port: number }).port))
    await once(silent, 'connection')
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([0, null])
    expect(output()).toBe('ended\n')
    silent.close()
  })

  test('says why it cannot connect', async () => {
    await using broker = await startAedes({ clientCa: ca, server, returnCode: () => 5 })
    const { child, output } = simulate(flagsFor(broker.port))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(output()).toBe(
      'cannot connect: ERR_PKI_BROKER_REFUSED The broker refused the connection. (not authorized)\n',
    )
  })

  test('without TLS it does not begin', async () => {
    const { child, output } = simulate(flagsFor(1).filter(flag => flag !== '--use-tls'))
    expect(await once(child, 'close')).toEqual([2, null])
    expect(output()).toMatch(/^This simulator speaks MQTT over mutual TLS only: add --use-tls\.\n\nUsage:/)
  })
})
