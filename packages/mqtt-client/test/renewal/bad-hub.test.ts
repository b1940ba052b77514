import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fleet } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseHubUrl } from '../../src/hub/hub-address.ts'
import { createHubClient } from '../../src/hub/hub-client.ts'
import type { Speaker } from '../../src/hub/hub-transport.ts'
import { makePendingKey } from '../../src/identity/pending-key.ts'
import {
  connectDevice,
  type DeviceConnection,
  memoryIdentity,
  type RenewableIdentity,
  type RenewalFailedEvent,
} from '../../src/index.ts'
import { prepareCredential } from '../../src/read-credential.ts'
import { openTestFleet } from '../support/device-certificates.ts'
import { type DeviceWorld, openDeviceWorld } from '../support/device-world.ts'
import { firstFingerprint } from '../support/first-fingerprint.ts'
import { next } from '../support/next-event.ts'
import { expectNoPem, rejection } from '../support/rejection.ts'

const dayMilliseconds = 86_400_000

let world: DeviceWorld
let otherFleet: Fleet
let pastFleet: Fleet
let identities: RenewableIdentity[]

beforeAll(async () => {
  world = await openDeviceWorld()
  otherFleet = await openTestFleet()
  pastFleet = await openTestFleet({ clock: () => new Date(Date.now() - 100 * dayMilliseconds) })
  identities = []
  for (let number = 0; number < 40; number++) {
    const deviceId = `sensor-${number}`
    identities.push(memoryIdentity({ deviceId, ...(await world.overdueCredential(deviceId)) }))
  }
  world.begin()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await otherFleet.close()
  await pastFleet.close()
})

type Answer = { readonly clientCert?: unknown; readonly caCert?: unknown }
type Reply = (response: ServerResponse, csr: string, deviceId: string) => Promise<void> | void

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Lets the hub answer renewals so, and nothing else. */
function answerRenewals(reply: Reply): void {
  world.interference = (request, response, pass) => {
    if (request.url !== '/api/device/renew') return pass()
    void bodyOf(request).then(text => reply(response, JSON.parse(text).csr, `sensor-${used}`))
  }
}

const fromFleet =
  (fleetOf: () => Fleet, change: (answer: Required<Answer>) => Answer, idOf = (deviceId: string) => deviceId): Reply =>
  async (response, csr, deviceId) => {
    const fleet = fleetOf()
    const id = idOf(deviceId)
    const known = (await fleet.device(id)) !== undefined
    const made = known ? await fleet.renew(id, { csr }) : await fleet.enroll(id, { csr, validitySeconds: 80 * 86_400 })
    const answer = { clientCert: made.certificate + made.chain, caCert: made.chain + made.trustAnchors }
    json(response, 201, change(answer))
  }
const ours = (): Fleet => world.fleet
const firstOf = (pem: string): string => `${pem.split('-----END CERTIFICATE-----')[0]}-----END CERTIFICATE-----\n`

let used = -1

async function failedRenewal(): Promise<{
  failed: RenewalFailedEvent
  device: DeviceConnection
  before: string
  identity: RenewableIdentity
}> {
  used += 1
  const identity = identities[used]!
  const before = (await identity.credential()).certificate
  const device = await connectDevice(world.brokerUrl, { identity, renewal: { hub: world.hubUrl } })
  const failed = await next(device, 'renewalFailed')
  expectNoPem(failed.error)
  return { failed, device, before, identity }
}

const another = async (): Promise<string> => (await makePendingKey('x')).csr

const cases: [string, Reply, { code: string; text: string; retrySeconds?: number }][] = [
  ['garbage', response => json(response, 201, '{"clientCert": "'), { code: 'ANSWER', text: 'not JSON' }],
  [
    'HTML',
    response => json(response, 200, '<html>', { 'content-type': 'text/html' }),
    { code: 'ANSWER', text: 'not JSON' },
  ],
  ['JSON of another shape', response => json(response, 201, []), { code: 'ANSWER', text: 'a part of it is missing' }],
  ['no certificate', fromFleet(ours, ({ caCert }) => ({ caCert })), { code: 'ANSWER', text: 'holds no certificate' }],
  [
    'a certificate that is none',
    fromFleet(ours, answer => ({
      ...answer,
      clientCert: '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n',
    })),
    { code: 'ANSWER', text: 'cannot be read' },
  ],
  [
    'a private key beside it',
    fromFleet(ours, answer => ({
      ...answer,
      clientCert: `${answer.clientCert}-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n`,
    })),
    { code: 'ANSWER', text: 'more than certificates' },
  ],
  [
    'a certificate for another key',
    async (response, _, deviceId) => fromFleet(ours, answer => answer)(response, await another(), deviceId),
    { code: 'ANSWER', text: 'another key' },
  ],
  [
    'a certificate of another device',
    fromFleet(
      ours,
      answer => answer,
      id => `${id}-other`,
    ),
    { code: 'ANSWER', text: 'another device id' },
  ],
  [
    'an expired certificate',
    fromFleet(
      () => pastFleet,
      answer => answer,
    ),
    { code: 'ANSWER', text: 'expired' },
  ],
  [
    'a truncated chain',
    fromFleet(ours, answer => ({ ...answer, clientCert: firstOf(answer.clientCert as string) })),
    { code: 'ANSWER', text: 'leads to no CA' },
  ],
  [
    'a chain of strangers',
    fromFleet(
      () => otherFleet,
      answer => ({ ...answer, caCert: world.fleet.trustAnchors }),
    ),
    { code: 'ANSWER', text: 'leads to no CA' },
  ],
  [
    'a chain that does not hold together',
    fromFleet(ours, answer => ({
      ...answer,
      clientCert:
        firstOf(answer.clientCert as string) + firstOf(otherFleet.trustAnchors) + firstOf(otherFleet.trustAnchors),
    })),
    { code: 'ANSWER', text: 'does not hold together' },
  ],
  [
    'no trust anchors',
    fromFleet(ours, answer => ({ ...answer, caCert: '' })),
    { code: 'ANSWER', text: 'no trust anchor that is valid' },
  ],
  [
    'trust anchors that are none',
    fromFleet(ours, answer => ({ ...answer, caCert: 7 })),
    { code: 'ANSWER', text: 'names no trust anchors' },
  ],
  [
    'trust anchors that are no CAs',
    fromFleet(ours, answer => ({ ...answer, caCert: answer.clientCert })),
    { code: 'ANSWER', text: 'no CA certificate' },
  ],
  ['too much', response => json(response, 201, ' '.repeat(300_000)), { code: 'ANSWER', text: 'longer than' }],
  [
    'a redirect',
    response => json(response, 307, '', { location: `${world.hubUrl}/api/device/confirm` }),
    { code: 'REFUSED', text: 'a redirect, which is not followed' },
  ],
  [
    '503 with seconds',
    response => json(response, 503, '', { 'retry-after': '9000' }),
    { code: 'REFUSED', text: 'HTTP status 503', retrySeconds: 9000 },
  ],
  [
    '429 with a date',
    response => json(response, 429, '', { 'retry-after': new Date(Date.now() + 9_000_000).toUTCString() }),
    { code: 'REFUSED', text: 'HTTP status 429', retrySeconds: 8990 },
  ],
  [
    'words with PEM in them',
    response => json(response, 500, { error: { code: 'ERR_PKI_X', message: 'see -----BEGIN PRIVATE KEY-----' } }),
    { code: 'REFUSED', text: '(see)' },
  ],
  [
    'a connection that is reset',
    response => void response.socket?.destroy(),
    { code: 'ERR_PKI_UNREACHABLE', text: 'reset' },
  ],
]

describe('what a hub may answer', () => {
  test.each(cases)(
    '%s: the credential in use stays, and the event says why',
    async (_, reply, { code, text, retrySeconds = 30 }) => {
      answerRenewals(reply)
      const { failed, device, before, identity } = await failedRenewal()
      await using _device = device
      expect(failed.step).toBe('request')
      expect(failed.error.code).toContain(code)
      expect(failed.error.message).toContain(text)
      expect(failed.retrySeconds).toBeGreaterThanOrEqual(retrySeconds)
      expect((await identity.credential()).certificate).toBe(before)
      expect((await identity.storage.load()).state.pending?.certificate).toBeUndefined()
      expect(device.client.connected).toBe(true)
      expect(await world.statusOf(before)).toBe('active')
    },
  )

  test('a revoked device is told so', async () => {
    world.interference = undefined
    used += 1
    const identity = identities[used]!
    const device = await connectDevice(world.brokerUrl, { identity, renewal: { hub: world.hubUrl } })
    await using _device = device
    // Between the connection and the renewal.
    await world.fleet.revoke(`sensor-${used}`)
    const [failed, refused] = await Promise.all([next(device, 'renewalFailed'), next(device, 'refused')])
    expect(failed.error).toMatchObject({
      code: 'ERR_PKI_HUB_REFUSED',
      details: { status: 403, code: 'ERR_PKI_CLIENT_REVOKED' },
    })
    expect(refused).toBe(failed.error)
  })
})

describe('a hub that is none', () => {
  async function speaker(): Promise<Speaker> {
    const { certificate, privateKey, trustAnchors } = await identities.at(-1)!.credential()
    const tls = prepareCredential({ certificate, privateKey, trustAnchors })
    return { fingerprint: firstFingerprint(certificate), privateKey: privateKey as string, tls }
  }
  const client = (url = world.hubUrl, deadlineSeconds = 5): ReturnType<typeof createHubClient> =>
    createHubClient(parseHubUrl(url), { deadlineSeconds })

  test('a body that comes too slowly ends with the deadline', async () => {
    answerRenewals(response => {
      response.writeHead(201, { 'content-type': 'application/json' })
      const timer = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(timer))
    })
    const error = await rejection(client(world.hubUrl, 0.5).renew(await speaker(), ''))
    expect(error).toMatchObject({ code: 'ERR_PKI_UNREACHABLE', details: { reason: 'no whole answer in time' } })
  })

  test('an answer that never comes, too', async () => {
    answerRenewals(() => {})
    const error = await rejection(client(world.hubUrl, 0.3).renew(await speaker(), ''))
    expect(error.details).toMatchObject({ reason: 'no whole answer in time' })
  })

  test('an abort ends it with its reason', async () => {
    answerRenewals(() => {})
    const abort = new AbortController()
    const asked = createHubClient(parseHubUrl(world.hubUrl), { signal: abort.signal }).renew(await speaker(), '')
    setTimeout(() => abort.abort(new Error('enough')), 50)
    await expect(asked).rejects.toThrow('enough')
  })

  test('another name than the one in its certificate is not believed', async () => {
    const url = world.hubUrl.replace('localhost', '127.0.0.1')
    expect((await rejection(client(url).renew(await speaker(), ''))).code).toBe('ERR_PKI_SERVER_NAME')
  })

  test('a CA that is not among the trust anchors is not believed, and no token is sent to it', async () => {
    let heard = 0
    world.interference = () => {
      heard += 1
    }
    const asked = client().enroll({
      deviceId: 'sensor-1',
      csr: '',
      token: 'x'.repeat(43),
      trustAnchors: otherFleet.trustAnchors,
    })
    expect((await rejection(asked)).code).toBe('ERR_PKI_SERVER_UNTRUSTED')
    expect(heard).toBe(0)
    world.interference = undefined
  })

  test('a server that repeats the token does not bring it into the error', async () => {
    const token = 'secret'.repeat(8)
    world.interference = (request, response) =>
      json(response, 401, { error: { code: 'ERR_PKI_TOKEN', message: `no ${request.headers.authorization}` } })
    const { trustAnchors } = world.fleet
    const error = await rejection(client().enroll({ deviceId: 'sensor-1', csr: '', token, trustAnchors }))
    expect(error).toMatchObject({ code: 'ERR_PKI_HUB_REFUSED', details: { status: 401, code: 'ERR_PKI_TOKEN' } })
    expect(JSON.stringify([error.message, error.details, error.stack])).not.toContain('secret')
    world.interference = undefined
  })

  test('nothing listens there', async () => {
    const asked = client('https://localhost:1').renew(await speaker(), '')
    expect(await rejection(asked)).toMatchObject({
      code: 'ERR_PKI_UNREACHABLE',
      details: { host: 'localhost', port: 1 },
    })
  })
})
