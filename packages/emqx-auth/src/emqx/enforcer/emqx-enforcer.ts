import { setTimeout as sleep } from 'node:timers/promises'
import { type Enforcer, isPkiError, PkiError } from '@fleetcert/core'
import { apiAddress, createRestClient, type RestOptions } from '../../rest/rest-client.ts'
import { retrying } from '../../rest/retry.ts'
import { sharedRun } from '../../shared-run.ts'
import type { EmqxDialect } from '../emqx-dialect.ts'
import { createApiCaller } from './api-call.ts'
import type { EmqxApi } from './emqx-api.ts'
import { createEmqx4Api } from './emqx4-api.ts'
import { createEmqx5Api } from './emqx5-api.ts'

const day = 86_400
const apiPaths: Readonly<Record<EmqxDialect, string>> = { emqx4: '/api/v4', emqx5: '/api/v5' }

/** Options of {@link createEmqxEnforcer}. */
export interface EmqxEnforcerOptions extends RestOptions {
  /**
   * Of the dashboard's listener, such as `https://emqx.internal:18084`, in EMQX 4 of the management listener, such as `https://emqx.internal:8081`; `/api/v5` or `/api/v4` is added where it is missing.
   * Several: one for each cluster, not for each node.
   */
  readonly apiUrl: string | readonly string[]
  /** Which EMQX it is, as in `createEmqxHandler`. An EMQX of the other kind confirms nothing, and the error says so. Default `emqx5`: EMQX 5 and 6. */
  readonly dialect?: EmqxDialect
  /** An API key of the role `administrator`; where keys have scopes: `connections` and `access_control`. In EMQX 4 the AppID of an application. The same on all clusters; else make an enforcer for each. */
  readonly apiKey: string
  /** The key's secret; in EMQX 4 the application's AppSecret. */
  readonly apiSecret: string
  /** Default `emqx`. Enforcers of different clusters need different names. */
  readonly name?: string
  /**
   * Bans the client ids for a time, default a day. A ban also stops messages that the device has left behind to be published later (`$delayed/…`), and refuses it without asking us. It is lifted when the device gets a
   * certificate again or its hold is released; a ban of somebody else's stays as it is. `false`: no ban, and then EMQX publishes the will of whom it kicks.
   */
  readonly ban?: { readonly seconds: number } | false
  /** Whether a device may have sessions as `<device id>/…`, as `bind` of `createBrokerAuth` says. `exact` spares EMQX the search through all client ids. Default `prefix`. */
  readonly bind?: 'prefix' | 'exact'
  /** How long EMQX may still turn a CONNECT that was allowed before into a session: its request_timeout and half a second. Default 5.5. */
  readonly authTimeoutSeconds?: number
  /** Default: the system's. */
  readonly clock?: () => Date
}

/**
 * Ends a device's sessions on EMQX 4, 5 and 6 by the management API, on every cluster given, and answers when they are gone.
 *
 * In this order: cached answers are forgotten, the client ids banned, the sessions found and kicked. Then it waits for longer than EMQX's own deadline, for a CONNECT that was allowed before the revocation becomes a
 * session after the kick; forgets cached answers again; and looks again. What it finds is kicked, and the wait begins anew.
 * Whatever fails is tried again until the signal is aborted, except a refused API key. `gone`: there was a session. `wasNotConnected`: there was none.
 *
 * @example
 * const enforcer = createEmqxEnforcer({ apiUrl: 'https://emqx.internal:18084', apiKey, apiSecret })
 * const fleet = await openFleet({ store, keyring, enforcers: [enforcer] })
 * @throws TypeError, RangeError for options that make no sense. `silence` rejects `ERR_PKI_ENFORCER`
 */
export function createEmqxEnforcer(options: EmqxEnforcerOptions): Enforcer {
  const {
    name = 'emqx',
    dialect = 'emqx5',
    bind = 'prefix',
    ban = { seconds: day },
    clock = () => new Date(),
  } = options
  const { authTimeoutSeconds = 5.5, apiKey, apiSecret } = options
  if (typeof apiKey !== 'string' || apiKey === '' || apiKey.includes(':')) throw new TypeError('apiKey: expected a key')
  if (typeof apiSecret !== 'string' || apiSecret === '') throw new TypeError('apiSecret: expected a secret')
  if (!Object.hasOwn(apiPaths, dialect)) throw new TypeError('dialect: expected emqx4 or emqx5')
  if (bind !== 'prefix' && bind !== 'exact') throw new TypeError('bind: expected prefix or exact')
  if (!(authTimeoutSeconds >= 0 && authTimeoutSeconds <= 300)) {
    throw new RangeError('authTimeoutSeconds: expected 0 to 300')
  }
  if (ban !== false && !(ban.seconds >= 1 && ban.seconds <= 3650 * day)) {
    throw new RangeError('ban.seconds: expected 1 second to ten years')
  }
  const urls = typeof options.apiUrl === 'string' ? [options.apiUrl] : options.apiUrl
  if (urls.length === 0) throw new TypeError('apiUrl: expected an address')
  const clusters = urls.map(url => {
    const base = apiAddress('apiUrl', url)
    const path = apiPaths[dialect]
    if (/\/api\/v\d+$/.test(base.pathname) && !base.pathname.endsWith(path)) {
      throw new TypeError(`apiUrl: dialect ${dialect} speaks to ${path}`)
    }
    if (!base.pathname.endsWith(path)) base.pathname = `${base.pathname.replace(/\/$/, '')}${path}`
    const caller = createApiCaller(name, createRestClient(name, base, options), apiKey, apiSecret)
    const api = dialect === 'emqx4' ? createEmqx4Api(caller, clock) : createEmqx5Api(caller)
    // For all who ask meanwhile: a cluster forgets everything at once, not one device. It has no caller's signal, for it is not one caller's.
    return { api, resetCaches: sharedRun(() => api.resetCaches(undefined)) }
  })

  const silenceOn = async (
    { api, resetCaches }: { readonly api: EmqxApi; readonly resetCaches: () => Promise<void> },
    deviceId: string,
    clientIds: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> => {
    const again = <T>(work: () => Promise<T>): Promise<T> => retrying(work, signal)
    const named = [...new Set([deviceId, ...clientIds])]
    const look = async (): Promise<readonly string[]> => {
      const found = new Set(await api.sessions(deviceId, bind === 'prefix', signal))
      for (const id of named) if (id !== deviceId && !found.has(id) && (await api.hasSession(id, signal))) found.add(id)
      return [...found]
    }
    const end = async (ids: readonly string[]): Promise<void> => {
      if (ban !== false) {
        const until = new Date(clock().getTime() + ban.seconds * 1000)
        for (const id of ids) await again(() => api.ban(id, until, signal))
      }
      await again(() => api.kick(ids, signal))
    }
    await again(resetCaches)
    let found = await again(look)
    let wasConnected = found.length > 0
    await end([...new Set([...named, ...found])])
    for (;;) {
      await sleep(authTimeoutSeconds * 1000, undefined, signal && { signal })
      // The answer to a CONNECT of before the revocation may have been cached after the first reset.
      await again(resetCaches)
      found = await again(look)
      if (found.length === 0) return wasConnected
      wasConnected = true
      await end(found)
    }
  }

  return {
    name,
    shared: true,
    async silence({ deviceId, clientIds }, { signal } = {}) {
      signal?.throwIfAborted()
      // A cluster that is down must not keep the others from ending sessions.
      const results = await Promise.allSettled(clusters.map(cluster => silenceOn(cluster, deviceId, clientIds, signal)))
      const failure = results.find(result => result.status === 'rejected')
      if (failure !== undefined) throw coded(name, failure.reason, signal)
      return results.some(result => result.status === 'fulfilled' && result.value) ? 'gone' : 'wasNotConnected'
    },
    ...(ban !== false &&
      ({
        async readmit({ deviceId, clientIds }, { signal } = {}) {
          const prefix = bind === 'prefix'
          for (const { api } of clusters) {
            await retrying(() => api.liftBans(deviceId, clientIds, prefix, signal), signal)
          }
        },
      } satisfies Pick<Enforcer, 'readmit'>)),
  }
}

/** An abort has no code of its own. */
function coded(name: string, error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted !== true || isPkiError(error)) return error
  return new PkiError('ERR_PKI_ENFORCER', { name, reason: 'not confirmed in time' }, { cause: error })
}
