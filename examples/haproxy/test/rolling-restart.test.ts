import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { startLoad } from './support/load.ts'
import { type Site, startSite } from './support/site.ts'

const names = ['hub1', 'hub2']

describeWith(['haproxy', 'redis-server'], 'two hubs on one Redis behind HAProxy', () => {
  let site: Site
  beforeAll(async () => {
    site = await startSite('mosquitto')
    for (const name of names) await site.inPool(name)
  }, 180_000)
  afterAll(() => site?.[Symbol.asyncDispose]())

  it('are restarted one after the other under load, and nobody is refused or lost', { timeout: 180_000 }, async () => {
    const load = await startLoad(site, 'rolling')
    await load.more(3)
    for (const name of names) {
      const hub = site.hubs.get(name)!
      const ended = hub.end('SIGTERM')
      await site.until(`hubs/${name}`, 'DOWN')
      await load.more(3)
      expect(await ended, hub.log()).toBe(0)
      await load.more(3)
      await site.startHub(name)
      await site.inPool(name)
      await load.more(3)
    }
    await load.stop()
    expect(load.failures).toEqual([])
  })
})
