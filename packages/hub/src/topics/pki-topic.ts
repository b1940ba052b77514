import { isDeviceId } from '@fleetcert/core'

/** Whose topic it is. */
export interface PkiTopic {
  readonly deviceId: string
  readonly owner?: string
  /** Where the answer goes. */
  readonly response: string
}

/** What requests come on. */
export const requestFilters: readonly string[] = ['users/+/devices/+/pki/request', 'devices/+/pki/request']

/** Reads `users/<owner>/devices/<id>/pki/request` and `devices/<id>/pki/request`; `undefined` for every other topic. */
export function pkiTopic(topic: string): PkiTopic | undefined {
  const [, prefix = '', owner, deviceId] =
    /^((?:users\/([^/]{1,64})\/)?devices\/([^/]{1,64}))\/pki\/request$/.exec(topic) ?? []
  if (!isDeviceId(deviceId) || (owner !== undefined && !isDeviceId(owner))) return undefined
  return { deviceId, ...(owner === undefined ? {} : { owner }), response: `${prefix}/pki/response` }
}
