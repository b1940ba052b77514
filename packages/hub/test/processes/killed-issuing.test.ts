import { parseCertificate } from '@fleetcert/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { type RedisFleet, startRedisFleet } from './redis-fleet.ts'

const certificates = '/api/devices/certificates'
const times = process.env['FLEETCERT_LONG'] === '1' ? 30 : 3

/** What a caller was given. */
interface Given {
  readonly deviceId: string
  readonly der: Buffer
  readonly fingerprint: string
}

describeWith(['redis-server'], 'a hub that is killed while it issues', () => {
  let fleet: RedisFleet
  beforeEach(async () => {
    fleet = await startRedisFleet()
  })
  afterEach(() => fleet?.[Symbol.asyncDispose]())

  it('has given nobody a certificate that is not on record, and left nothing that cannot be revoked', {
    timeout: 60_000 + times * 10_000,
  }, async () => {
    const given: Given[] = []
    const cut: string[] = []
    for (let time = 0; time < times; time += 1) {
      const hub = fleet.start(`hub-${time}`)
      await hub.ready()
      const enough = given.length + 10 + Math.floor(Math.random() * 20)
      const enroll = async (worker: number): Promise<void> => {
        for (let count = 0; !hub.hasEnded; count += 1) {
          const deviceId = `d${time}-${worker}-${count}`
          try {
            const { status, json } = await hub.call('POST', `${certificates}/${deviceId}`)
            expect(status).toBe(201)
            const pem = String(json['clientCert']).split(/(?<=-----END CERTIFICATE-----\n)/)[0]!
            given.push({
              deviceId,
              der: Buffer.from(parseCertificate(pem).der),
              fingerprint: String(json['fingerprint']),
            })
            if (given.length === enough) void hub.kill()
          } catch (error) {
            if (!(error instanceof TypeError)) throw error
            cut.push(deviceId)
          }
        }
      }
      await Promise.all(Array.from({ length: 8 }, (_, worker) => enroll(worker)))
    }
    expect(cut.length).toBeGreaterThan(0)

    await fleet.inFleet(async opened => {
      for (const { deviceId, der } of given) {
        const answer = await opened.identify({ der })
        expect(answer).toMatchObject({ status: 'active', device: { deviceId }, certificate: { state: 'issued' } })
      }
    })
    // Whatever was cut off: on record as a device, or as an intent, or nowhere; and each can have a new one.
    const hub = fleet.start('last')
    const intents = await fleet.inFleet(async opened => Array.fromAsync(opened.pending()))
    const known = new Set([...given.map(({ deviceId }) => deviceId), ...cut])
    for (const { deviceId, state, id } of intents) {
      expect(known).toContain(deviceId)
      expect(['reserved', 'abandoned']).toContain(state)
      expect(given.map(one => one.deviceId)).not.toContain(deviceId)
      await fleet.inFleet(async opened => expect(await opened.revoke(id)).toBeDefined())
    }
    for (const deviceId of cut) {
      const { status } = await hub.call('POST', `${certificates}/${deviceId}`)
      // Or it had been issued, and only the answer was lost.
      expect([201, 409]).toContain(status)
    }
  })

  it('leaves an intent that is listed, revocable and in nobody’s way', { timeout: 180_000 }, async () => {
    const first = fleet.start('first', { HOLD_AT: 'sign-ca' })
    const lost = first.call('POST', `${certificates}/d1`).catch((error: unknown) => error)
    expect(await first.reached()).toBe(true)
    await first.kill()
    expect(await lost).toBeInstanceOf(TypeError)

    const [intent] = await fleet.inFleet(async opened => Array.fromAsync(opened.pending()))
    expect(intent).toMatchObject({ deviceId: 'd1', state: 'reserved' })
    const other = fleet.start('other')
    // As long as its holder may be alive it is in the way.
    expect((await other.call('POST', `${certificates}/d1`)).status).toBe(409)
    await fleet.abandon()
    expect((await other.call('POST', `${certificates}/d1`)).status).toBe(201)
    await fleet.inFleet(async opened => {
      const pending = await Array.fromAsync(opened.pending())
      expect(pending).toMatchObject([{ id: intent!.id, state: 'abandoned' }])
      await opened.revoke(intent!.id, { reason: 'keyCompromise' })
    })
    const issuer = await fleet.issuingCa()
    expect((await fleet.crlOf(other, issuer)).serials).toEqual([intent!.id.serialNumber])
    // The device's certificate is another one.
    expect((await other.call('GET', `${certificates}/d1`)).json['status']).toBe('active')
  })
})
