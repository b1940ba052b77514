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

/** What a list has of one session or ban. */
export type Row = Readonly<Record<string, unknown>>

/** Asks for one page of a list, the first of which is 1. */
export type ReadPage = (page: number) => Promise<{ readonly request: RestRequest; readonly answer: RestAnswer }>

// A million ids that hold the same text: whoever names devices like that cannot be helped by a look through all sessions.
const mostPages = 1000

/** A list, page after page. When a node does not answer, EMQX 4 sends no list, and that is no empty one. `what` is in it: for the error when there is no end to it. */
export async function* pagesOf(
  caller: ApiCaller,
  what: string,
  pageSize: number,
  readPage: ReadPage,
): AsyncGenerator<readonly Row[], void> {
  for (let page = 1; page <= mostPages; page += 1) {
    const { request, answer } = await readPage(page)
    const { data, meta } = fieldsOf(answer)
    if (!Array.isArray(data)) throw caller.refusal(request, answer, 'no list')
    yield data.filter(row => typeof row === 'object' && row !== null)
    const next = (meta as { readonly hasnext?: unknown } | null | undefined)?.hasnext
    // Releases that do not say whether another page follows have given a full one.
    if (!(typeof next === 'boolean' ? next : data.length >= pageSize)) return
  }
  throw caller.tooMany(what)
}

/** Client ids of the device's sessions, in a list of sessions. */
export async function sessionsIn(pages: AsyncIterable<readonly Row[]>, deviceId: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const rows of pages) {
    for (const { clientid } of rows) if (isSessionOf(deviceId, clientid)) found.push(clientid)
  }
  return found
}

/** EMQX looks for the text anywhere in an id. */
export function isSessionOf(deviceId: string, clientId: unknown): clientId is string {
  return typeof clientId === 'string' && (clientId === deviceId || clientId.startsWith(`${deviceId}/`))
}

/** Whether a row of a list of bans is one of ours on a device: its id, one of these client ids, with `prefix` any `<device id>/…`. */
export function isOurBanOf(deviceId: string, clientIds: readonly string[], prefix: boolean): (row: Row) => boolean {
  return ({ as, who, by }) => {
    if (as !== 'clientid' || by !== bannedBy || typeof who !== 'string') return false
    return who === deviceId || clientIds.includes(who) || (prefix && isSessionOf(deviceId, who))
  }
}
