import { PkiError } from '@fleetcert/core'
import type { RestAnswer, RestClient, RestRequest } from '../rest/rest-client.ts'
import { final } from '../rest/retry.ts'

// ThingsboardErrorCode.ITEM_NOT_FOUND: a 404 of anything but ThingsBoard itself is no answer.
const itemNotFound = 32

/** `DeviceCredentials` as ThingsBoard gives it; what else it holds is sent back as it came. */
export interface DeviceCredentials {
  readonly credentialsType: string
  readonly credentialsId: string | null
  readonly credentialsValue: string | null
}

/** What of ThingsBoard's REST API is needed. Every method rejects `ERR_PKI_ENFORCER`, or with the signal's reason. */
export interface ThingsBoardApi {
  /** ThingsBoard's id of a device of that name. */
  find(name: string, signal: AbortSignal | undefined): Promise<string | undefined>
  create(name: string, signal: AbortSignal | undefined): Promise<string>
  credentials(id: string, signal: AbortSignal | undefined): Promise<DeviceCredentials>
  save(credentials: DeviceCredentials, signal: AbortSignal | undefined): Promise<DeviceCredentials>
}

export interface ThingsBoardAccount {
  readonly username: string
  readonly password: string
}

export function createThingsBoardApi(name: string, client: RestClient, account: ThingsBoardAccount): ThingsBoardApi {
  let token: Promise<string> | undefined

  const refusal = ({ method, path }: RestRequest, { status }: RestAnswer): PkiError => {
    // No query, and no word of the answer: they may hold names and what was sent.
    const reason = `${client.host}: ${method} ${path.replace(/[?].*$/, '')} was answered ${status}`
    const error = new PkiError('ERR_PKI_ENFORCER', { name, status, reason })
    return status === 401 || status === 403 ? final(error) : error
  }

  const login = async (): Promise<string> => {
    const { username, password } = account
    const request = { method: 'POST', path: '/api/auth/login', body: { username, password } } as const
    // For all who wait for it, so it has no caller's signal.
    const answer = await client.ask(request, undefined)
    const found = (answer.json as { readonly token?: unknown } | null | undefined)?.token
    if (answer.status !== 200 || typeof found !== 'string' || !/^[\w.~+/=-]+$/.test(found))
      throw refusal(request, answer)
    return found
  }

  const ask = async (request: RestRequest, signal: AbortSignal | undefined): Promise<RestAnswer> => {
    for (let attempt = 1; ; attempt += 1) {
      token ??= login()
      const used = token
      const forget = (): void => {
        if (token === used) token = undefined
      }
      const headers = { 'x-authorization': `Bearer ${await used.catch(rethrow(forget))}` }
      const answer = await client.ask({ ...request, headers }, signal)
      // A token lasts for hours, then another is asked for.
      if (answer.status !== 401) return answer
      forget()
      if (attempt === 2) return answer
    }
  }

  const credentialsOf = (request: RestRequest, answer: RestAnswer): DeviceCredentials => {
    const credentials = answer.json as DeviceCredentials | null | undefined
    if (answer.status !== 200 || typeof credentials?.credentialsType !== 'string') throw refusal(request, answer)
    return credentials
  }
  const idOf = (request: RestRequest, answer: RestAnswer): string => {
    const id = (answer.json as { readonly id?: { readonly id?: unknown } } | null | undefined)?.id?.id
    if (answer.status !== 200 || typeof id !== 'string' || !/^[0-9a-f-]{36}$/i.test(id)) throw refusal(request, answer)
    return id
  }

  return {
    async find(deviceName, signal) {
      const request = { method: 'GET', path: `/api/tenant/devices?${new URLSearchParams({ deviceName })}` } as const
      const answer = await ask(request, signal)
      const { errorCode } = (answer.json ?? {}) as { readonly errorCode?: unknown }
      if (answer.status === 404 && errorCode === itemNotFound) return undefined
      return idOf(request, answer)
    },
    async create(deviceName, signal) {
      const request = { method: 'POST', path: '/api/device', body: { name: deviceName } } as const
      return idOf(request, await ask(request, signal))
    },
    async credentials(id, signal) {
      const request = { method: 'GET', path: `/api/device/${id}/credentials` } as const
      return credentialsOf(request, await ask(request, signal))
    },
    async save(credentials, signal) {
      const request = { method: 'POST', path: '/api/device/credentials', body: credentials } as const
      return credentialsOf(request, await ask(request, signal))
    },
  }
}

function rethrow(first: () => void): (error: unknown) => never {
  return error => {
    first()
    throw error
  }
}
