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

  it('are killed one after the other under load: the hooks are answered all the time, the others again at once', {
    timeout: 180_000,
  }, async () => {
    const load = await startLoad(site, 'killed', true)
    await load.more(3)
    for (const name of names) {
      await site.hubs.get(name)!.end('SIGKILL')
      await load.more(5)
      await site.startHub(name)
      await site.inPool(name)
    }
    await load.more(3)
    await load.stop()
    expect(load.failures.filter(failure => failure.startsWith('hook'))).toEqual([])
  })
})
