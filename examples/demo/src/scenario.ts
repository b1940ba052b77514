import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { type Fleet, isPkiError, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { type RunningDevice, runDevice } from '@fleetcert/example-device-simulator'
import { connectDevice, type DeviceConnection, fileIdentity, pathIdentity, pemIdentity } from '@fleetcert/mqtt-client'
import type { DemoBroker } from './demo-broker.ts'
import type { FleetFolder } from './fleet-folder.ts'
import type { Report } from './report.ts'
import type { DemoHub } from './start-hub.ts'

export const deviceId = 'sensor-1'
export const owner = 'alice'
const prefix = `users/${owner}/devices/${deviceId}`
const patience = 10_000

export interface ScenarioParts {
  readonly fleet: Fleet
  readonly hub: DemoHub
  readonly broker: DemoBroker
  readonly folder: FleetFolder
  readonly report: Report
}

/** The story of the README, each step checked on the wire. */
export async function playScenario({ fleet, hub, broker, folder, report }: ScenarioParts): Promise<void> {
  const { step } = report
  const url = `mqtts://127.0.0.1:${broker.port}`
  let device: RunningDevice | undefined
  let backend: DeviceConnection | undefined
  const identity = fileIdentity(folder.directory, deviceId)

  await step('enrol', async () => {
    const answer = await hub.call('POST', `/api/devices/certificates/${deviceId}`, { owner })
    writeAnswer(folder, answer)
    return String(answer['fingerprint']).slice(0, 23).concat('…')
  })
  await step('connect', async () => {
    device = await runDevice({
      userId: owner,
      deviceId,
      url,
      identity: pathIdentity({
        deviceId,
        certificatePath: folder.path(`devices/${deviceId}-cert.pem`),
        privateKeyPath: folder.path(`devices/${deviceId}-key.pem`),
        trustAnchorsPath: folder.caCert,
      }),
      telemetrySeconds: 1,
      log: () => {},
    })
    return `mutual TLS, client id ${deviceId}`
  })
  await step('ping answered', async () => {
    const credential = await fleet.enroll('backend', { role: 'service' })
    folder.writeDevice(credential)
    backend = await connectDevice(url, { identity: fileIdentity(folder.directory, 'backend') })
    const reply = nextMessage(backend, `${prefix}/rpc/response`)
    await backend.client.subscribeAsync(`${prefix}/rpc/response`, { qos: 1 })
    await backend.client.publishAsync(`${prefix}/rpc/request`, '{"id":"1","method":"ping","params":{}}', { qos: 1 })
    return (await reply).toString()
  })
  await step('telemetry received', async () => {
    if (backend === undefined) throw new Error('the backend is not connected')
    const telemetry = nextMessage(backend, `${prefix}/telemetry`)
    await backend.client.subscribeAsync(`${prefix}/telemetry`)
    return (await telemetry).toString()
  })

  const foreignId = 'foreign client id refused'
  if (broker.name === 'mosquitto') {
    report.notApplicable(
      foreignId,
      'mosquitto asks nobody; by default it replaces a client id by the device id, here it leaves them (anyClientId)',
    )
  } else {
    await step(foreignId, async () => {
      const error = await refused(connectDevice(url, { identity, clientId: 'sensor-2', reconnect: false }))
      return `${error}; broker: ${await broker.lastRefusal()}`
    })
  }
  await step('no certificate: refused', async () => {
    const alert = await connectWithoutCertificate(broker.port, folder)
    return `${alert}; broker: ${await broker.lastRefusal()}`
  })
  await step('certificate of another CA: refused', async () => {
    const other = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const foreign = await other.enroll(deviceId)
    const mixed = pemIdentity({
      deviceId,
      certificate: foreign.certificate + foreign.chain,
      privateKey: foreign.privateKey!,
      trustAnchors: fleet.trustAnchors,
    })
    const error = await refused(connectDevice(url, { identity: mixed, reconnect: false }))
    await other.close()
    return `${error}; broker: ${await broker.lastRefusal()}`
  })
  await step('publish outside its topics: refused', async () => {
    if (backend === undefined) throw new Error('the backend is not connected')
    const stolen = 'users/alice/devices/sensor-2/telemetry'
    await backend.client.subscribeAsync(stolen)
    const heard = nextMessage(backend, stolen, 700).then(
      () => true,
      () => false,
    )
    const probe = await connectDevice(url, { identity, clientId: `${deviceId}/probe`, reconnect: false })
    const closed = clientClosed(probe.client)
    probe.client.publish(stolen, 'not mine')
    if (await heard) throw new Error('the message got through')
    if (broker.name === 'mosquitto') {
      await probe.close()
      return 'dropped by the ACL file'
    }
    await closed
    return `connection closed; broker: ${await broker.lastRefusal()}`
  })

  await revokeAndWatch({ fleet, hub, broker, folder, report, device, url, identity })
  await device?.close()
  await backend?.close()
}

async function revokeAndWatch(
  parts: ScenarioParts & {
    readonly device: RunningDevice | undefined
    readonly url: string
    readonly identity: ReturnType<typeof fileIdentity>
  },
): Promise<void> {
  const { fleet, hub, broker, folder, report, device, url, identity } = parts
  const closed =
    device === undefined
      ? Promise.reject(new Error('the device is not connected'))
      : clientClosed(device.connection.client).then(() => performance.now())
  closed.catch(() => {})
  let start = Number.NaN
  await report.step('revoke', async () => {
    start = performance.now()
    const answer = await hub.call('DELETE', `/api/devices/certificates/${deviceId}`, { reason: 'keyCompromise' })
    if (broker.enforcer === undefined) {
      await folder.writeCrls(fleet)
      await broker.crlChanged()
    }
    return `keyCompromise at ${String(answer['revokedAt'])}`
  })
  const sessionClosed = 'session closed'
  if (broker.name === 'mosquitto') {
    report.notApplicable(
      sessionClosed,
      'mosquitto rereads its CRL on SIGHUP for new connections; it does not cut an open one',
    )
  } else {
    await report.step(sessionClosed, async () => `${((await closed) - start).toFixed(1)} ms from revoke to close`)
  }
  await report.step('reconnect refused', async () => {
    const error = await refused(connectDevice(url, { identity, reconnect: false }))
    return `${error}; broker: ${await broker.lastRefusal()}`
  })
}

/** What the device hears. Throws if it was let in. */
async function refused(attempt: Promise<DeviceConnection>): Promise<string> {
  let connection: DeviceConnection
  try {
    connection = await attempt
  } catch (error) {
    if (!isPkiError(error)) throw error
    return error.code
  }
  await connection.close()
  throw new Error('it was let in')
}

async function nextMessage(connection: DeviceConnection, topic: string, timeout = patience): Promise<Buffer> {
  const { client } = connection
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(() => reject(new Error(`nothing on ${topic}`))), timeout)
    const listener = (heard: string, payload: Buffer): void => {
      if (heard === topic) done(() => resolve(payload))
    }
    const done = (settle: () => void): void => {
      clearTimeout(timer)
      client.off('message', listener)
      settle()
    }
    client.on('message', listener)
  })
}

/** Resolves when the MQTT client's connection is closed; rejects when it stays open. */
function clientClosed(client: DeviceConnection['client']): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the session stayed open')), patience)
    client.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** A bare TLS client: ours will not connect without a certificate. Resolves the alert it got. */
async function connectWithoutCertificate(port: number, folder: FleetFolder): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: readFileSync(folder.caCert) })
  // In TLS 1.3 the client is done before the server has seen its (missing) certificate, so the alert comes after the handshake.
  const outcome = await Promise.race([
    once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code ?? String(error)),
    once(socket, 'secureConnect')
      .then(() => sleep(2000))
      .then(() => undefined),
  ])
  socket.destroy()
  if (outcome === undefined) throw new Error('the TLS connection stayed open')
  return outcome
}

/** The API's answer as files, the way a guide would have it: no library needed. */
function writeAnswer(folder: FleetFolder, answer: Record<string, unknown>): void {
  folder.writeFiles(String(answer['deviceId']), {
    certificate: String(answer['clientCert']),
    privateKey: String(answer['clientKey']),
  })
}
