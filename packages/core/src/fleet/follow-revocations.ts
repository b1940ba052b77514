import { isPkiError } from '@fleetcert/x509'
import type { Cursor, FleetEvent, Store } from '../store/store.ts'
import type { Enforcer } from './fleet.ts'

const pollMilliseconds = 500
const consumer = 'enforcement'
// Older revocations were enforced by whoever made them, or the sessions have long met a decision that refuses them.
const lookBackMilliseconds = 60_000

export interface FollowRevocationsOptions {
  readonly store: Store
  readonly clock: () => Date
  /** Read at each look: enforcers may be added later. */
  readonly enforcers: readonly Enforcer[]
  readonly closed: AbortSignal
  /** Whether this process has silenced the device for this event already. */
  readonly isOwn: (event: FleetEvent) => boolean
  /** Closes a device's sessions, when its turn comes. */
  readonly silence: (deviceId: string) => Promise<unknown>
  /** The same at once. */
  readonly silenceNow: (deviceId: string) => Promise<unknown>
}

/**
 * Silences, on the brokers of this process, the devices that other processes have revoked: the ledger is looked at every 500 ms, once there is an enforcer.
 * Does not keep the process alive. A store that is down is asked again at the next look.
 */
export function followRevocations(options: FollowRevocationsOptions): void {
  const { store, clock, enforcers, closed } = options
  const since = clock().getTime() - lookBackMilliseconds
  // Where the others are by now, asked at once: what is appended from here on is this process's to see. It only spares a new process the ledger's past.
  const begin = store.cursor(consumer).catch((): Cursor => '')
  let after: Cursor | undefined
  let busy = false

  const look = async (): Promise<void> => {
    after ??= await begin
    for (;;) {
      const page = await store.ledger({ after, limit: 500 })
      const [named, many] = [new Set<string>(), new Set<string>()]
      for (const event of page.items) {
        const ends = event.type === 'revoked' || event.type === 'held'
        if (ends && event.deviceId !== undefined && event.at.getTime() >= since && !options.isOwn(event)) {
          // Only events of a page of many have that.
          const devices = event.details?.['page'] === undefined ? named : many
          devices.add(event.deviceId)
        }
      }
      for (const deviceId of named) void options.silenceNow(deviceId)
      for (const deviceId of many) if (!named.has(deviceId)) void options.silence(deviceId)
      if (page.items.length === 0) return
      after = page.next
      await store.saveCursor(consumer, after, undefined)
    }
  }

  const timer = setInterval(() => {
    if (busy || enforcers.length === 0) return
    busy = true
    look()
      .catch((error: unknown) => {
        // What lay between was pruned away. Anything else is met again at the next look.
        if (isPkiError(error, 'ERR_PKI_CURSOR')) after = ''
      })
      .finally(() => {
        busy = false
      })
  }, pollMilliseconds).unref()
  closed.addEventListener('abort', () => clearInterval(timer), { once: true })
}
