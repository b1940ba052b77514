import type { FleetEvent } from '../store/store.ts'

// What others have revoked is looked for every 500 ms; what was revoked here so many revocations or pages ago has been seen by then.
const remembered = 10_000

/** Which revocations in the ledger were made here, and are enforced already. */
export interface OwnRevocations {
  /** All of one device, by one call. */
  rememberDevice(deviceId: string, at: Date): void
  /** A page of many; its events have this name in their details. */
  rememberPage(page: string): void
  /** Whether an event of the ledger tells of a revocation that was made here. */
  isOwn(event: FleetEvent): boolean
}

export function createOwnRevocations(): OwnRevocations {
  const own = new Set<string>()
  const remember = (key: string): void => {
    own.add(key)
    if (own.size > remembered) for (const oldest of own) return void own.delete(oldest)
  }
  const deviceKey = (deviceId: string | undefined, at: Date): string => `${deviceId} ${at.getTime()}`
  return {
    rememberDevice: (deviceId, at) => remember(deviceKey(deviceId, at)),
    rememberPage: page => remember(page),
    isOwn: ({ deviceId, at, details }) => {
      const page = details?.['page']
      return typeof page === 'string' ? own.has(page) : own.has(deviceKey(deviceId, at))
    },
  }
}
