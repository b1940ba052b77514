import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import type { HubProcess } from './hub-process.ts'
import { isRising, type RedisFleet, startRedisFleet } from './redis-fleet.ts'

const certificates = '/api/devices/certificates'

describeWith(['redis-server'], 'three hubs on one Redis', () => {
  let fleet: RedisFleet
  beforeEach(async () => {
    fleet = await startRedisFleet()
  })
  afterEach(() => fleet?.[Symbol.asyncDispose]())

  it('give each device to one of them, and no serial number twice', { timeout: 180_000 }, async () => {
    const hubs = await fleet.startThree()
    const answers = await Promise.all(
      hubs.flatMap(hub =>
        Array.from({ length: 20 }, async (_, index) => {
          const own = await hub.call('POST', `${certificates}/${hub.name}-${index}`)
          const shared = await hub.call('POST', `${certificates}/shared-${index}`)
          return { own, shared, index }
        }),
      ),
    )
    expect(answers.map(({ own }) => own.status)).toEqual(answers.map(() => 201))
    for (let index = 0; index < 20; index += 1) {
      const raced = answers.filter(answer => answer.index === index).map(({ shared }) => shared.status)
      expect(raced.sort()).toEqual([201, 409, 409])
    }
    const made = answers.flatMap(({ own, shared }) => [own, shared]).filter(({ status }) => status === 201)
    expect(new Set(made.map(({ json }) => json['serialNumber'])).size).toBe(80)
    // Renewed by all at once: at the end one certificate of each counts, and it is the one that its device was told last.
    const renewed = await Promise.all(
      hubs.map(hub => hub.call('POST', `${certificates}/shared-0/renew`).then(({ status }) => status)),
    )
    expect(renewed.filter(status => status === 200 || status === 201).length).toBeGreaterThan(0)
    expect(renewed.every(status => status < 500)).toBe(true)
    await fleet.inFleet(async opened => expect(await Array.fromAsync(opened.devices())).toHaveLength(80))
  })

  it('number their CRLs strictly rising, whoever is asked', { timeout: 180_000 }, async () => {
    const hubs = await fleet.startThree()
    const issuer = await fleet.issuingCa()
    const enrolled = await Promise.all(
      Array.from({ length: 12 }, (_, index) => hubs[index % 3]!.call('POST', `${certificates}/d${index}`)),
    )
    const seen: number[] = []
    for (const [index, { json }] of enrolled.entries()) {
      await hubs[index % 3]!.call('DELETE', `${certificates}/d${index}`)
      // Asked at once, of all of them: whoever builds, the revocation that was answered is in what each of them says.
      const crls = await Promise.all(hubs.map(hub => fleet.crlOf(hub, issuer)))
      for (const { number, serials } of crls) {
        expect(serials).toContain(json['serialNumber'])
        expect(number).toBeGreaterThan(seen.at(-1) ?? 0)
      }
      seen.push(Math.max(...crls.map(({ number }) => number)))
    }
    expect(isRising(await fleet.publishedNumbers(issuer))).toBe(true)
  })

  it('deny within a second, in all of them, what one of them revoked', { timeout: 180_000 }, async () => {
    const hubs = await fleet.startThree()
    const { json } = await hubs[0]!.call('POST', `${certificates}/d1`)
    const body = {
      clientid: 'd1',
      cert_pem: String(json['clientCert']).split(/(?<=-----END CERTIFICATE-----\n)/)[0],
      cert_common_name: 'd1',
      cert_subject: 'CN=d1',
    }
    const decision = async (hub: HubProcess): Promise<unknown> =>
      (await hub.call('POST', `${certificates}/validate`, body)).json['result']
    // Known to all, and asked for a while, so that each answers from memory.
    for (let time = 0; time < 20; time += 1) {
      expect(await Promise.all(hubs.map(decision))).toEqual(['allow', 'allow', 'allow'])
      await sleep(20)
    }
    await hubs[0]!.call('DELETE', `${certificates}/d1`)
    expect(await decision(hubs[0]!)).toBe('deny')
    await Promise.all(
      hubs.slice(1).map(async hub => {
        while ((await decision(hub)) !== 'deny') await sleep(5)
      }),
    )
    // And no one lets it in again.
    for (let time = 0; time < 20; time += 1)
      expect(await Promise.all(hubs.map(decision))).toEqual(['deny', 'deny', 'deny'])
  })
})
