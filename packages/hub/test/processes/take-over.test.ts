import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { endLease } from './hub-process.ts'
import { isRising, type RedisFleet, startRedisFleet } from './redis-fleet.ts'

const certificates = '/api/devices/certificates'

describeWith(['redis-server'], 'what a hub of three leaves when it dies or is late', () => {
  let fleet: RedisFleet
  beforeEach(async () => {
    fleet = await startRedisFleet()
  })
  afterEach(() => fleet?.[Symbol.asyncDispose]())

  for (const fate of ['killed', 'stopped and woken up'] as const) {
    it(`a builder that is ${fate} in the middle of a CRL: another one goes on, and nothing late is published`, {
      timeout: 180_000,
    }, async () => {
      const builder = fleet.start('builder', { HOLD_AT: 'crl-ca' })
      await builder.ready()
      const issuer = await fleet.issuingCa()
      const held = fleet.crlOf(builder, issuer).catch((error: unknown) => error)
      expect(await builder.reached()).toBe(true)
      if (fate === 'killed') await builder.kill()
      else builder.signal('SIGSTOP')
      const hubs = await fleet.startThree()
      await hubs[0]!.call('POST', `${certificates}/d1`)
      await hubs[1]!.call('DELETE', `${certificates}/d1`)
      // Nobody else builds while the lease lasts, which is a minute.
      await endLease(fleet.redis.url, `crl-${issuer}-0`)
      const [first] = await Promise.all(hubs.map(hub => fleet.crlOf(hub, issuer)))
      // The number that the builder had drawn is nobody else's.
      expect(first!.number).toBeGreaterThan(1)
      expect(first!.serials).toHaveLength(1)
      if (fate !== 'killed') {
        builder.signal('SIGCONT')
        builder.signal('SIGUSR2')
        // Its write was refused, and it answers with what is published now.
        expect(await held).toEqual(await fleet.crlOf(hubs[0]!, issuer))
      }
      const numbers = await fleet.publishedNumbers(issuer)
      expect(numbers).not.toContain(1)
      expect(isRising(numbers)).toBe(true)
    })
  }

  it('silence a device once by the receipt, also when whoever is at it dies', { timeout: 180_000 }, async () => {
    const silenced = fleet.path('silenced')
    const hubs = await fleet.startThree({ SILENCED: silenced, SILENCE_MS: '1500' })
    const begun = (deviceId: string): readonly string[] =>
      existsSync(silenced)
        ? readFileSync(silenced, 'utf8')
            .split('\n')
            .filter(line => line.endsWith(` ${deviceId}`))
        : []
    const receipts = async (deviceId: string): Promise<number> =>
      (await fleet.events()).filter(event => event.type === 'enforced' && event.deviceId === deviceId).length
    const receipted = async (deviceId: string): Promise<void> => {
      while ((await receipts(deviceId)) === 0) await sleep(100)
    }
    const ids = Array.from({ length: 6 }, (_, index) => `d${index}`)
    await Promise.all(ids.map((id, index) => hubs[index % 3]!.call('POST', `${certificates}/${id}`)))
    await hubs[0]!.call('POST', `${certificates}/last`)
    await Promise.all(ids.map((id, index) => hubs[index % 3]!.call('DELETE', `${certificates}/${id}`)))
    for (const id of ids) await receipted(id)

    await hubs[0]!.call('DELETE', `${certificates}/last`)
    while (begun('last').length === 0) await sleep(10)
    // Whoever has the journal, and whoever revoked it.
    const atIt = new Set(['a', ...begun('last').map(line => line.split(' ')[0]!)])
    const left = hubs.filter(({ name }) => !atIt.has(name))
    expect(left.length).toBeGreaterThan(0)
    for (const hub of hubs) if (atIt.has(hub.name)) await hub.kill()
    await receipted('last')
    for (const id of [...ids, 'last']) {
      expect(begun(id).length).toBeGreaterThan(0)
      expect(await receipts(id)).toBe(1)
    }
  })
})
