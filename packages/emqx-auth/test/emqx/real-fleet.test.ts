import { decodePem, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import type { Denial } from '../../src/deny-reason.ts'
import { createEmqxResponder } from '../../src/emqx/create-emqx-responder.ts'

async function setUp() {
  let now = new Date('2026-06-01T00:00:00Z').getTime()
  const clock = (): Date => new Date(now)
  const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), clock, background: false })
  const denials: Denial[] = []
  const auth = createBrokerAuth({ fleet, clock })
  const responder = createEmqxResponder(auth, { dialect: 'emqx5', onDeny: denial => denials.push(denial) })
  return {
    fleet,
    denials,
    pass(seconds: number): void {
      now += seconds * 1000
    },
    /** As EMQX asks when a client with this certificate (PEM) connects. */
    async connect(clientid: string, certificate: string, cert_common_name = clientid) {
      const cert_pem = Buffer.from(decodePem(certificate)[0]!.der).toString('base64')
      const fields = { clientid, username: '', peerhost: '127.0.0.1', cert_pem, cert_common_name, cert_subject: '' }
      return JSON.parse((await responder.authenticate('application/json', Buffer.from(JSON.stringify(fields)))).body)
    },
    async ask(clientid: string, action: string, topic: string) {
      const fields = {
        clientid,
        username: '',
        cert_common_name: clientid.split('/')[0],
        action,
        topic,
        qos: '1',
        retain: 'false',
      }
      return JSON.parse((await responder.authorize('application/json', Buffer.from(JSON.stringify(fields)))).body)
        .result
    },
    [Symbol.asyncDispose]: () => fleet.close(),
  }
}

describe('EMQX and a fleet', () => {
  it('let a device in until it is revoked', async () => {
    await using test = await setUp()
    const device = await test.fleet.enroll('d1', { owner: 'alice' })
    expect(await test.connect('d1', device.certificate)).toMatchObject({
      result: 'allow',
      expire_at: device.notAfter.getTime() / 1000,
      client_attrs: {
        device_id: 'd1',
        owner: 'alice',
        fingerprint: device.fingerprint,
        serial: device.serialNumber,
        role: 'device',
      },
      acl: [{ topics: ['users/alice/devices/d1/#'] }, { permission: 'deny' }, { permission: 'deny' }],
    })
    expect(await test.ask('d1/tool', 'publish', 'users/alice/devices/d1/x')).toBe('allow')
    expect(await test.ask('d1', 'subscribe', 'users/+/devices/d1/x')).toBe('deny')
    await test.fleet.revoke('d1')
    expect(await test.connect('d1', device.certificate)).toEqual({ result: 'deny' })
    expect(await test.ask('d1', 'publish', 'users/alice/devices/d1/x')).toBe('deny')
    expect(test.denials.map(denial => denial.reason)).toEqual(['topicNotAllowed', 'revoked', 'revoked'])
  })

  it('let nobody in with a certificate of the fleet that is no device’s, or of another fleet', async () => {
    await using test = await setUp()
    await using other = await setUp()
    const server = await test.fleet.issueServer({ hosts: ['d1'] })
    await test.fleet.enroll('d1')
    const foreign = await other.fleet.enroll('d1')
    for (const certificate of [server.certificate, server.chain, test.fleet.trustAnchors, foreign.certificate]) {
      expect(await test.connect('d1', certificate)).toEqual({ result: 'deny' })
    }
    expect(test.denials.map(denial => denial.reason)).toEqual(Array(4).fill('certificateUnknown'))
  })

  it('end the session of a renewed certificate with its overlap', async () => {
    await using test = await setUp()
    const old = await test.fleet.enroll('d1')
    const renewed = await test.fleet.renew('d1', { overlapSeconds: 3600 })
    const answer = await test.connect('d1', old.certificate)
    expect(answer).toMatchObject({ result: 'allow', expire_at: new Date('2026-06-01T01:00:00Z').getTime() / 1000 })
    test.pass(3600)
    expect(await test.connect('d1', old.certificate)).toEqual({ result: 'deny' })
    expect(test.denials.map(denial => denial.reason)).toEqual(['superseded'])
    expect(await test.connect('d1', renewed.certificate)).toMatchObject({ result: 'allow' })
  })

  it('let nobody in when validity cannot be judged, or is over', async () => {
    await using test = await setUp()
    const device = await test.fleet.enroll('d1')
    test.pass(-60)
    expect(await test.connect('d1', device.certificate)).toEqual({ result: 'deny' })
    expect(await test.ask('d1', 'publish', 'devices/d1/x')).toBe('deny')
    test.pass(400 * 86_400)
    expect(await test.connect('d1', device.certificate)).toEqual({ result: 'deny' })
    await test.fleet.close()
    expect(await test.connect('d1', device.certificate)).toEqual({ result: 'deny' })
    expect(test.denials.map(denial => denial.reason)).toEqual(['clockOff', 'clockOff', 'expired', 'storeUnavailable'])
  })
})
