import type { RestAnswer, RestRequest } from '../../rest/rest-client.ts'
import { sharedRun } from '../../shared-run.ts'
import { type ApiCaller, fieldsOf, isOurBanOf, pagesOf, type ReadPage, type Row, sessionsIn } from './api-call.ts'
import { bannedBy, type EmqxApi } from './emqx-api.ts'

const pageSize = 1000
const bansPageSize = 5000
const otherRelease = "EMQX 5 and 6 are spoken to with dialect: 'emqx5'"
const success = 0
/** `ERROR12` of emqx_mgmt.hrl. Only releases before 4.4 say so: later ones answer success for a client that is not there. */
const clientNotOnline = 112

/**
 * The management API of EMQX 4, `/api/v4`. Whatever it found, it answers `200 {"code":…}`: 0 is success, and a client that is not there is an empty list. So a status alone proves nothing here.
 *
 * @see https://github.com/emqx/emqx/tree/v4.4.19/apps/emqx_management/src
 */
export function createEmqx4Api(caller: ApiCaller, clock: () => Date): EmqxApi {
  const ask = async (request: RestRequest, signal: AbortSignal | undefined, alsoGood?: number): Promise<RestAnswer> => {
    const answer = await caller.ask(request, signal)
    const { code } = fieldsOf(answer)
    if (answer.status === 200 && (code === success || (alsoGood !== undefined && code === alsoGood))) return answer
    const said = typeof code === 'number' ? `code ${code}` : undefined
    throw caller.refusal(request, answer, answer.status === 404 ? otherRelease : said)
  }

  const pageOf =
    (path: string, query: Readonly<Record<string, string>>, size: number, signal: AbortSignal | undefined): ReadPage =>
    async page => {
      const search = new URLSearchParams({ ...query, _page: String(page), _limit: String(size) })
      const request = { method: 'GET', path: `${path}?${search}` } as const
      return { request, answer: await ask(request, signal) }
    }

  // There is no way to ask for one ban alone, so all who ask meanwhile share a look at the list. It has no caller's signal, for it is not one caller's.
  let bans: ReadonlyMap<unknown, Row> = new Map()
  const readBans = sharedRun(async () => {
    const found = new Map<unknown, Row>()
    const page = pageOf('/banned', {}, bansPageSize, undefined)
    for await (const rows of pagesOf(caller, 'bans', bansPageSize, page)) {
      for (const row of rows) if (row['as'] === 'clientid') found.set(row['who'], row)
    }
    bans = found
  })

  /** Whether there is a ban of the client id that holds now, and is not ours. */
  const isBannedByOthers = async (clientId: string): Promise<boolean> => {
    await readBans()
    const ban = bans.get(clientId)
    if (ban === undefined || ban['by'] === bannedBy) return false
    // EMQX sweeps once a minute what has run out.
    return !(typeof ban['until'] === 'number' && ban['until'] <= clock().getTime() / 1000)
  }

  return {
    // The one cache of 4.x, of topics, belongs to a session and ends with it.
    async resetCaches() {},

    async ban(clientId, until, signal) {
      // POST replaces whatever ban there is, an operator's for ever by ours for a day.
      if (await isBannedByOthers(clientId)) return
      const body = {
        as: 'clientid',
        who: clientId,
        by: bannedBy,
        reason: 'revoked',
        until: Math.floor(until.getTime() / 1000),
      }
      await ask({ method: 'POST', path: '/banned', body }, signal)
    },

    async liftBans(deviceId, clientIds, prefix, signal) {
      await readBans()
      for (const ban of [...bans.values()].filter(isOurBanOf(deviceId, clientIds, prefix))) {
        const path = `/banned/clientid/${encodeURIComponent(ban['who'] as string)}`
        await ask({ method: 'DELETE', path }, signal)
      }
    },

    async sessions(deviceId, prefix, signal) {
      if (!prefix) return (await this.hasSession(deviceId, signal)) ? [deviceId] : []
      const page = pageOf('/clients', { _like_clientid: deviceId }, pageSize, signal)
      return sessionsIn(pagesOf(caller, 'client ids that hold that text', pageSize, page), deviceId)
    },

    async hasSession(clientId, signal) {
      const request = { method: 'GET', path: `/clients/${encodeURIComponent(clientId)}` } as const
      const answer = await ask(request, signal)
      const { data } = fieldsOf(answer)
      if (!Array.isArray(data)) throw caller.refusal(request, answer, 'no list')
      return data.length > 0
    },

    async kick(clientIds, signal) {
      for (const clientId of clientIds) {
        const request = { method: 'DELETE', path: `/clients/${encodeURIComponent(clientId)}` } as const
        await ask(request, signal, clientNotOnline)
      }
    },
  }
}
