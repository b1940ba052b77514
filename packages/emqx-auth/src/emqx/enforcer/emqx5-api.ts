import type { RestAnswer, RestRequest } from '../../rest/rest-client.ts'
import {
  type ApiCaller,
  fieldsOf,
  isOurBanOf,
  isSessionOf,
  pagesOf,
  type ReadPage,
  type Row,
  sessionsIn,
} from './api-call.ts'
import { bannedBy, type EmqxApi } from './emqx-api.ts'

const pageSize = 1000
const otherRelease = "EMQX 4 is spoken to with dialect: 'emqx4'"

/** The management API of EMQX 5 and 6, `/api/v5`: HTTP statuses, and a word in `code` where something is wrong. */
export function createEmqx5Api(caller: ApiCaller): EmqxApi {
  const ask = async (
    request: RestRequest,
    good: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<RestAnswer> => {
    const answer = await caller.ask(request, signal)
    if (good.includes(answer.status)) return answer
    // Its other 404s have a code.
    const isForeign = answer.status === 404 && fieldsOf(answer)['code'] === undefined
    throw caller.refusal(request, answer, isForeign ? otherRelease : undefined)
  }

  const pageOf =
    (path: string, query: Readonly<Record<string, string>>, signal: AbortSignal | undefined): ReadPage =>
    async page => {
      const search = new URLSearchParams({ ...query, page: String(page), limit: String(pageSize) })
      const request = { method: 'GET', path: `${path}?${search}` } as const
      return { request, answer: await ask(request, [200], signal) }
    }

  /** Bans whose client id holds the text. Releases before 5.8.1 know no filter and give all bans. */
  const bansLike = (text: string, signal: AbortSignal | undefined): AsyncIterable<readonly Row[]> => {
    // EMQX takes it for a regular expression. A dot in a device id finds more than itself, which does not matter.
    const like = text.replaceAll(/[^\w.:@-]/g, '\\$&')
    return pagesOf(caller, 'bans', pageSize, pageOf('/banned', { like_clientid: like }, signal))
  }

  return {
    async resetCaches(signal) {
      // 404: EMQX before 5.9 has no cache of answers.
      const good = [200, 204, 404]
      await ask({ method: 'POST', path: '/authentication/node_cache/reset' }, good, signal)
      await ask({ method: 'POST', path: '/authorization/node_cache/reset' }, good, signal)
    },

    async ban(clientId, until, signal) {
      const body = {
        as: 'clientid',
        who: clientId,
        by: bannedBy,
        reason: 'revoked',
        until: until.toISOString().replace(/\.\d+Z$/, 'Z'),
      }
      const request = { method: 'POST', path: '/banned', body } as const
      const answer = await ask(request, [200, 201, 400], signal)
      if (answer.status === 400 && fieldsOf(answer)['code'] !== 'ALREADY_EXISTS') throw caller.refusal(request, answer)
    },

    async liftBans(deviceId, clientIds, prefix, signal) {
      const isOurs = isOurBanOf(deviceId, clientIds, prefix)
      const others = clientIds.filter(id => !isSessionOf(deviceId, id))
      const found = new Set<string>()
      const look = async (id: string): Promise<void> => {
        for await (const bans of bansLike(id, signal)) {
          for (const ban of bans) if (isOurs(ban)) found.add(ban['who'] as string)
        }
      }
      await Promise.all([deviceId, ...others].map(look))
      for (const who of found) {
        await ask({ method: 'DELETE', path: `/banned/clientid/${encodeURIComponent(who)}` }, [204, 404], signal)
      }
    },

    async sessions(deviceId, prefix, signal) {
      if (!prefix) return (await this.hasSession(deviceId, signal)) ? [deviceId] : []
      const page = pageOf('/clients', { like_clientid: deviceId, fields: 'clientid' }, signal)
      return sessionsIn(pagesOf(caller, 'client ids that hold that text', pageSize, page), deviceId)
    },

    async hasSession(clientId, signal) {
      const request = { method: 'GET', path: `/clients/${encodeURIComponent(clientId)}` } as const
      const answer = await ask(request, [200, 404], signal)
      if (answer.status === 200) return true
      // A 404 of anything but the client itself, such as a wrong address, is no proof that a session is gone.
      if (fieldsOf(answer)['code'] === 'CLIENTID_NOT_FOUND') return false
      throw caller.refusal(request, answer)
    },

    async kick(clientIds, signal) {
      const body = [...clientIds]
      const { status } = await ask({ method: 'POST', path: '/clients/kickout/bulk', body }, [200, 204, 404], signal)
      if (status !== 404) return
      // EMQX before 5.1 knows no bulk.
      for (const clientId of clientIds) {
        const request = { method: 'DELETE', path: `/clients/${encodeURIComponent(clientId)}` } as const
        const answer = await ask(request, [204, 404], signal)
        if (answer.status === 404 && fieldsOf(answer)['code'] !== 'CLIENTID_NOT_FOUND')
          throw caller.refusal(request, answer)
      }
    },
  }
}
