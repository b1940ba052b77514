import { setTimeout as sleep } from 'node:timers/promises'
import type { Cursor, FleetEvent, Store } from '../store/store.ts'

const pollMilliseconds = 500

/** The ledger behind `after`, in commit order; with `follow`, then whatever comes, polled every 500 ms, until aborted. An abort ends the iteration quietly. */
export async function* followLedger(
  store: Store,
  request: { readonly after: Cursor; readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<FleetEvent, void, undefined> {
  const { follow, signal } = request
  let after = request.after
  while (!signal.aborted) {
    const page = await store.ledger({ after, limit: 500 })
    for (const event of page.items) {
      if (signal.aborted) return
      yield event
    }
    after = page.next
    if (page.items.length > 0) continue
    if (!follow) return
    // Not unref'd: somebody awaits the next event.
    await sleep(pollMilliseconds, undefined, { signal }).catch(() => {})
  }
}
