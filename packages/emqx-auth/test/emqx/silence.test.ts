import { afterEach, describe, expect, it } from 'vitest'
import { createEmqxEnforcer } from '../../src/index.ts'
import { type EmqxApiServer, startEmqxApi } from './enforcer/emqx-api-server.ts'
import { type Emqx4ApiServer, startEmqx4Api } from './enforcer/emqx4-api-server.ts'

// What EMQX does with a will and with `$delayed/…` messages of a client that is kicked, as its sources say: neither is published for a client id that is banned at that moment (5.0.22 and later; $delayed: 5.0.10, 4.4.15).
// So what matters is that the ban comes before the kick, for every client id of the device.

const target = { deviceId: 'sensor-1', clientIds: ['sensor-1'] }
const ids = ['sensor-1', 'sensor-1/shell']
const servers: AsyncDisposable[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
})

/** Watches sessions end: what each has to say then is published, unless its client id is banned. */
function voiced(server: { readonly sessions: Set<string> }, isBanned: (id: string) => boolean): string[] {
  const published: string[] = []
  const { sessions } = server
  const end = sessions.delete.bind(sessions)
  sessions.delete = id => {
    if (sessions.has(id) && !isBanned(id)) published.push(`will of ${id}`)
    return end(id)
  }
  return published
}
const delayed = (isBanned: (id: string) => boolean): string[] => ids.filter(id => !isBanned(id))

describe.each(['emqx5', 'emqx4'] as const)('%s', dialect => {
  async function start(): Promise<{ server: EmqxApiServer | Emqx4ApiServer; isBanned: (id: string) => boolean }> {
    const server = dialect === 'emqx5' ? await startEmqxApi() : await startEmqx4Api()
    servers.push(server)
    for (const id of ids) server.sessions.add(id)
    const bans: ReadonlyMap<string, unknown> = server.bans
    return { server, isBanned: id => bans.has(dialect === 'emqx5' ? id : `clientid/${id}`) }
  }
  const enforcerOf = (apiUrl: string, more: object = {}) =>
    createEmqxEnforcer({
      dialect,
      apiUrl,
      apiKey: 'the-key',
      apiSecret: 'the-s3cret',
      authTimeoutSeconds: 0.05,
      ...more,
    })

  it('publishes nothing of a banned device: no will, no delayed message', async () => {
    const { server, isBanned } = await start()
    const published = voiced(server, isBanned)
    expect(await enforcerOf(server.url).silence(target, {})).toBe('gone')
    expect(published).toEqual([])
    expect(delayed(isBanned)).toEqual([])
    expect(server.sessions.size).toBe(0)
  })

  it('publishes them where there shall be no ban', async () => {
    const { server, isBanned } = await start()
    const published = voiced(server, isBanned)
    expect(await enforcerOf(server.url, { ban: false }).silence(target, {})).toBe('gone')
    expect(published).toEqual(['will of sensor-1', 'will of sensor-1/shell'])
    expect(delayed(isBanned)).toEqual(ids)
  })

  it('kicks nobody before the ban is there, however often that fails', async () => {
    const { server, isBanned } = await start()
    const published = voiced(server, isBanned)
    server.fault = (name, count) =>
      name === 'POST /banned' && count < 4 ? { status: 500, body: 'Internal Error' } : undefined
    await enforcerOf(server.url).silence(target, { signal: AbortSignal.timeout(20_000) })
    expect(published).toEqual([])
    const kick = server.requests.findIndex(name => /kickout|^DELETE \/clients/.test(name))
    expect(server.requests.slice(0, kick).filter(name => name === 'POST /banned')).toHaveLength(5)
  })

  it('bans a client id that came meanwhile before it is kicked', async () => {
    const { server, isBanned } = await start()
    const published = voiced(server, isBanned)
    let isFirst = true
    server.after = name => {
      if (!isFirst || !/kickout|^DELETE \/clients/.test(name)) return
      isFirst = false
      server.sessions.add('sensor-1/late')
    }
    await enforcerOf(server.url).silence(target, {})
    expect(isBanned('sensor-1/late')).toBe(true)
    expect(published).toEqual([])
  })
})
