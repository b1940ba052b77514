import { PkiError } from '@fleetcert/core'
import type { RestAnswer, RestClient, RestRequest } from '../../rest/rest-client.ts'
import { final } from '../../rest/retry.ts'
import { bannedBy } from './emqx-api.ts'

/** One cluster's management API, and who asks. */
export interface ApiCaller {
  ask(request: RestRequest, signal: AbortSignal | undefined): Promise<RestAnswer>
  /** What an answer that does not help is: words of ours alone, since its body may repeat what was sent. `hint` says more. */
  refusal(request: RestRequest, answer: RestAnswer, hint?: string): PkiError
  /** The list is longer than anybody can look through: nothing is tried again. */
  tooMany(what: string): PkiError
}

/** Asks with an API key, or an application of EMQX 4: both are HTTP Basic. */
export function createApiCaller(name: string, client: RestClient, apiKey: string, apiSecret: string): ApiCaller {
  const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`
  return {
    ask: (request, signal) => client.ask({ ...request, headers: { authorization } }, signal),
    refusal({ method, path }, { status }, hint) {
      const what = `${client.host}: ${method} ${path.replace(/[?].*$/, '')} was answered ${status}`
      if (status === 401 || status === 403) {
        const reason = `${what}: the API key is wrong, or its role does not allow this`
        return final(new PkiError('ERR_PKI_ENFORCER', { name, status, reason }))
      }
      return new PkiError('ERR_PKI_ENFORCER', {
        name,
        status,
        reason: hint === undefined ? what : `${what}: ${hint}`,
      })
    },
    tooMany: what =>
      final(new PkiError('ERR_PKI_ENFORCER', { name, reason: `${client.host}: too many ${what} to look through` })),
  }
}

/** The fields of an answer's JSON, if it is an object. */
export function fieldsOf({ json }: RestAnswer): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
}

/** Rows of a list that are objects; `undefined` where there is no list. */
export function rowsOf(answer: RestAnswer): readonly Readonly<Record<string, unknown>>[] | undefined {
  const { data } = fieldsOf(answer)
  return Array.isArray(data) ? data.filter(row => typeof row === 'object' && row !== null) : undefined
}

/** Whether another page follows; releases that do not say so have given a full one. */
export function hasNextPage(answer: RestAnswer, pageSize: number): boolean {
  const { data, meta } = fieldsOf(answer)
  const next = (meta as { readonly hasnext?: unknown } | null | undefined)?.hasnext
  return typeof next === 'boolean' ? next : Array.isArray(data) && data.length >= pageSize
}

/** EMQX looks for the text anywhere in an id. */
export function isSessionOf(deviceId: string, clientId: unknown): clientId is string {
  return typeof clientId === 'string' && (clientId === deviceId || clientId.startsWith(`${deviceId}/`))
}

/** Whether a row of a list of bans is one of ours on a device: its id, one of these client ids, with `prefix` any `<device id>/…`. */
export function isOurBanOf(
  deviceId: string,
  clientIds: readonly string[],
  prefix: boolean,
): (row: Readonly<Record<string, unknown>>) => boolean {
  return ({ as, who, by }) => {
    if (as !== 'clientid' || by !== bannedBy || typeof who !== 'string') return false
    return who === deviceId || clientIds.includes(who) || (prefix && isSessionOf(deviceId, who))
  }
}
