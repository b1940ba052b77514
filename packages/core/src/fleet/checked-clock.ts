import { PkiError } from '@fleetcert/x509'

const latest = Date.UTC(9999, 0, 1)

/**
 * The clock, refused where it tells no time between 1970 and 9999: every comparison with an invalid date is false, so "not expired" would come out true.
 * @throws PkiError `ERR_PKI_CLOCK`, by the clock that is returned
 */
export function checkedClock(clock: () => Date): () => Date {
  return () => {
    const now = clock()
    const time = now instanceof Date ? now.getTime() : Number.NaN
    if (!(time >= 0 && time < latest)) throw new PkiError('ERR_PKI_CLOCK', {})
    return now
  }
}
