import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import type { HubProcess } from './hub-process.ts'
import { type RedisFleet, startRedisFleet } from './redis-fleet.ts'

const certificates = '/api/devices/certificates'

describeWith(['redis-server'], 'while Redis is away', () => {
  let fleet: RedisFleet
  beforeEach(async () => {
    fleet = await startRedisFleet()
  })
  afterEach(() => fleet?.[Symbol.asyncDispose]())

  it('hubs deny, or for a time go by what they last knew, where that was chosen', { timeout: 180_000 }, async () => {
    const strict = fleet.start('strict')
    const lenient = fleet.start('lenient', { LAST_KNOWN: '300' })
    const hubs = [strict, lenient]
    const enrolled = async (deviceId: string): Promise<unknown> => {
      const { json } = await strict.call('POST', `${certificates}/${deviceId}`)
      const pem = String(json['clientCert']).split(/(?<=-----END CERTIFICATE-----\n)/)[0]
      return { clientid: deviceId, cert_pem: pem, cert_common_name: deviceId, cert_subject: `CN=${deviceId}` }
    }
    const decision = async (hub: HubProcess, device: unknown): Promise<unknown> =>
      (await hub.call('POST', `${certificates}/validate`, device)).json['result']
    const [seen, revoked, unseen] = await Promise.all(['seen', 'revoked', 'unseen'].map(enrolled))
    for (const hub of hubs) for (const device of [seen, revoked]) expect(await decision(hub, device)).toBe('allow')
    await strict.call('DELETE', `${certificates}/revoked`)
    for (const hub of hubs) while ((await decision(hub, revoked)) !== 'deny') await sleep(20)
    // Both are kept, and a question of a moment ago has heard of all that there was.
    for (let time = 0; time < 3; time += 1) for (const hub of hubs) expect(await decision(hub, seen)).toBe('allow')

    await fleet.redis.kill()
    while ((await decision(strict, seen)) !== 'deny') await sleep(20)
    expect(await decision(lenient, seen)).toBe('allow')
    expect(await Promise.all([decision(lenient, revoked), decision(lenient, unseen)])).toEqual(['deny', 'deny'])
    expect(lenient.errors()).toContain('identitiesLastKnown')
    for (const hub of hubs) {
      const { status, json } = await hub.call('POST', `${certificates}/new`)
      expect({ status, json }).toMatchObject({ status: 503, json: { error: { code: 'ERR_PKI_STORE_UNAVAILABLE' } } })
      expect((await hub.call('GET', '/api/health')).status).toBe(503)
    }
    expect(await decision(lenient, seen)).toBe('allow')

    await fleet.redis.start()
    for (const hub of hubs) {
      while ((await decision(hub, seen)) !== 'allow') await sleep(100)
      expect(await decision(hub, revoked)).toBe('deny')
      expect(await decision(hub, unseen)).toBe('allow')
      expect((await hub.call('POST', `${certificates}/${hub.name}-again`)).status).toBe(201)
    }
  })
})
