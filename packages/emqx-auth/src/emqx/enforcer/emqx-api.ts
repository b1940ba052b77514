import { PkiError } from '@fleetcert/core'
import type { RestAnswer, RestClient, RestRequest } from '../../rest/rest-client.ts'
import { final } from '../../rest/retry.ts'

const pageSize = 1000
// A million ids that hold the same text: whoever names devices like that cannot be helped by a look through all sessions.
const mostPages = 1000

/** What of EMQX's management API, version 5, ending a session needs. Every method rejects `ERR_PKI_ENFORCER`, or with the signal's reason. */
export interface EmqxApi {
  /** Forgets cached answers of our hook, of CONNECT and of topics, on all nodes. */
  resetCaches(signal: AbortSignal | undefined): Promise<void>
  /** A ban that is there already stays: it may be an operator's, and for longer. */
  ban(clientId: string, until: Date, signal: AbortSignal | undefined): Promise<void>
  liftBan(clientId: string, signal: AbortSignal | undefined): Promise<void>
  /** Client ids of the device's sessions, connected or kept for later: its id, and with `prefix` every `<device id>/…`. */
  sessions(deviceId: string, prefix: boolean, signal: AbortSignal | undefined): Promise<readonly string[]>
  /** Whether there is a session of exactly this client id. */
  hasSession(clientId: string, signal: AbortSignal | undefined): Promise<boolean>
  /** Ends sessions, those kept for later too. Ids without a session are no error. */
  kick(clientIds: readonly string[], signal: AbortSignal | undefined): Promise<void>
}

export function createEmqxApi(name: string, client: RestClient, apiKey: string, apiSecret: string): EmqxApi {
  const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`

  const ask = async (request: RestRequest, good: readonly number[], signal?: AbortSignal): Promise<RestAnswer> => {
    const answer = await client.ask({ ...request, headers: { authorization } }, signal)
    if (good.includes(answer.status)) return answer
    throw refusal(name, client.host, request, answer)
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
        by: 'fleetcert',
        reason: 'revoked',
        until: until.toISOString().replace(/\.\d+Z$/, 'Z'),
      }
      const request = { method: 'POST', path: '/banned', body } as const
      const answer = await ask(request, [200, 201, 400], signal)
      if (answer.status === 400 && codeOf(answer) !== 'ALREADY_EXISTS')
        throw refusal(name, client.host, request, answer)
    },

    async liftBan(clientId, signal) {
      await ask({ method: 'DELETE', path: `/banned/clientid/${encodeURIComponent(clientId)}` }, [204, 404], signal)
    },

    async sessions(deviceId, prefix, signal) {
      if (!prefix) return (await this.hasSession(deviceId, signal)) ? [deviceId] : []
      const found: string[] = []
      for (let page = 1; page <= mostPages; page += 1) {
        const query = new URLSearchParams({
          like_clientid: deviceId,
          fields: 'clientid',
          page: String(page),
          limit: String(pageSize),
        })
        const request = { method: 'GET', path: `/clients?${query}` } as const
        const { status, json } = await ask(request, [200], signal)
        const { data, meta } = (json ?? {}) as {
          readonly data?: unknown
          readonly meta?: { readonly hasnext?: unknown }
        }
        if (!Array.isArray(data)) throw refusal(name, client.host, request, { status, json })
        for (const { clientid } of data as readonly { readonly clientid?: unknown }[]) {
          // EMQX looks for the text anywhere in the id.
          if (typeof clientid !== 'string') continue
          if (clientid === deviceId || clientid.startsWith(`${deviceId}/`)) found.push(clientid)
        }
        if (!(meta?.hasnext ?? data.length === pageSize)) return found
      }
      throw final(
        new PkiError('ERR_PKI_ENFORCER', { name, reason: `${client.host}: too many client ids hold that text` }),
      )
    },

    async hasSession(clientId, signal) {
      const request = { method: 'GET', path: `/clients/${encodeURIComponent(clientId)}` } as const
      const answer = await ask(request, [200, 404], signal)
      if (answer.status === 200) return true
      // A 404 of anything but the client itself, such as a wrong address, is no proof that a session is gone.
      if (codeOf(answer) === 'CLIENTID_NOT_FOUND') return false
      throw refusal(name, client.host, request, answer)
    },

    async kick(clientIds, signal) {
      const body = [...clientIds]
      const { status } = await ask({ method: 'POST', path: '/clients/kickout/bulk', body }, [200, 204, 404], signal)
      if (status !== 404) return
      // EMQX before 5.1 knows no bulk.
      for (const clientId of clientIds) {
        const request = { method: 'DELETE', path: `/clients/${encodeURIComponent(clientId)}` } as const
        const answer = await ask(request, [204, 404], signal)
        if (answer.status === 404 && codeOf(answer) !== 'CLIENTID_NOT_FOUND')
          throw refusal(name, client.host, request, answer)
      }
    },
  }
}

function codeOf({ json }: RestAnswer): unknown {
  return (json as { readonly code?: unknown } | undefined)?.code
}

/** Words of ours alone: an answer's body may repeat what was sent. */
function refusal(name: string, host: string, { method, path }: RestRequest, { status }: RestAnswer): PkiError {
  const what = `${host}: ${method} ${path.replace(/[?].*$/, '')} was answered ${status}`
  if (status === 401 || status === 403) {
    const reason = `${what}: the API key is wrong, or its role does not allow this`
    return final(new PkiError('ERR_PKI_ENFORCER', { name, status, reason }))
  }
  return new PkiError('ERR_PKI_ENFORCER', { name, status, reason: what })
}
