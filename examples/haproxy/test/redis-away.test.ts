import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { enrolled, firstOf } from './support/load.ts'
import { type Site, startSite } from './support/site.ts'

const names = ['hub1', 'hub2']

describeWith(['haproxy', 'redis-server'], 'two hubs on one Redis behind HAProxy', () => {
  let site: Site
  beforeAll(async () => {
    site = await startSite('mosquitto')
    for (const name of names) await site.inPool(name)
  }, 180_000)
  afterAll(() => site?.[Symbol.asyncDispose]())

  it('refuse while Redis is away, say when to come back, and heal by themselves', { timeout: 180_000 }, async () => {
    const { deviceId, certificate } = await enrolled(site, 'away-1')
    const question = {
      clientid: deviceId,
      cert_pem: firstOf(certificate),
      cert_common_name: deviceId,
      cert_subject: `CN=${deviceId}`,
    }
    expect((await site.ask(question)).json['result']).toBe('allow')
    await site.redis.kill()
    // What was heard of the ledger a moment ago holds for half a second.
    while ((await site.ask(question)).json['result'] !== 'deny') await sleep(20)
    for (const name of names) await site.until(`hubs/${name}`, 'DOWN')
    const denied = await site.ask(question)
    expect(denied).toMatchObject({ status: 200, json: { result: 'deny' } })
    const refused = await site.call('POST', '/away-2')
    expect(refused).toMatchObject({ status: 503, json: { error: { code: 'ERR_PKI_STORE_UNAVAILABLE' } } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await site.redis.start()
    for (const name of names) await site.inPool(name)
    expect((await site.ask(question)).json['result']).toBe('allow')
    expect((await site.call('POST', '/away-2')).status).toBe(201)
  })
})
