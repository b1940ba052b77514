import { type IoOptions, PkiError } from '@fleetcert/x509'
import type { Store } from '../store/store.ts'

// A ledger written by a process whose clock runs a little ahead is no reason to lock a fleet out.
const clockToleranceMilliseconds = 5000

/**
 * The time, read after the ledger was: what others append while a slow store answers is no sign of a clock that is behind.
 * @throws PkiError `ERR_PKI_CLOCK` when the clock is earlier than the ledger's latest date by more than 5 s: expiry could not be judged.
 */
export async function checkedNow(store: Store, clock: () => Date, options?: IoOptions): Promise<Date> {
  const newest = await store.newestEventAt(options)
  const now = clock()
  if (newest !== undefined && isBehind(now, newest.getTime())) throw new PkiError('ERR_PKI_CLOCK', {})
  return now
}

/** Whether a clock that says `now` is too far behind the ledger's latest date, milliseconds since 1970. */
export function isBehind(now: Date, newestAt: number): boolean {
  return now.getTime() < newestAt - clockToleranceMilliseconds
}
