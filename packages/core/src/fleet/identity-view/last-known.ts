import { isPkiError } from '@fleetcert/x509'
import type { LedgerWatch } from '../../revocation/ledger-watch.ts'
import type { CertificateEvidence, Identification } from '../fleet.ts'
import type { FleetWarning } from '../fleet-warning.ts'
import type { IdentityView } from './identity-view.ts'

/** A store that has not answered for so long is taken to be away: whoever asks has a deadline, too. */
const patienceMilliseconds = 1000

/**
 * The view, which answers by what was last known while the store is away, for `seconds` at the most: see `lastKnownWhileStoreIsAway`. The first who meets the failure waits for it; from then on nobody does, and one question at a
 * time goes to the store to see whether it is back.
 */
export function withLastKnown(
  view: IdentityView,
  parts: {
    readonly seconds: number
    readonly watch: Pick<LedgerWatch, 'isFresh'>
    readonly onWarning: (warning: FleetWarning) => void
  },
): Pick<IdentityView, 'identify'> {
  const { seconds, watch, onWarning } = parts
  if (seconds === 0) return view
  let isAway = false
  let isTold = false
  let isProbing = false

  const isBack = (): void => {
    isAway = false
    isTold = false
  }
  const probe = async (evidence: CertificateEvidence): Promise<void> => {
    if (isProbing) return
    isProbing = true
    try {
      await view.identify(evidence)
      isBack()
    } catch {
      // Still away.
    } finally {
      isProbing = false
    }
  }
  const lastKnown = (evidence: CertificateEvidence, error?: unknown): Identification | undefined => {
    const known = view.lastKnown(evidence, seconds)
    if (known === undefined) return undefined
    isAway = true
    if (!isTold) {
      isTold = true
      const until = new Date(known.lastKnownAt.getTime() + seconds * 1000)
      onWarning({ type: 'identitiesLastKnown', since: known.lastKnownAt, until, error })
    }
    return known
  }

  return {
    async identify(evidence, options) {
      if (watch.isFresh()) isBack()
      if (options?.withDer === true || watch.isFresh()) return view.identify(evidence, options)
      if (isAway) {
        const known = lastKnown(evidence)
        if (known !== undefined) {
          void probe(evidence)
          return known
        }
      }
      const asking = view.identify(evidence, options)
      let answer: Identification | undefined
      try {
        answer = await within(patienceMilliseconds, asking)
      } catch (error) {
        if (!isPkiError(error, 'ERR_PKI_STORE_UNAVAILABLE')) throw error
        const known = lastKnown(evidence, error)
        if (known === undefined) throw error
        return known
      }
      if (answer === undefined) return lastKnown(evidence) ?? asking
      isBack()
      return answer
    },
  }
}

/** `undefined` if it takes longer. What it rejects with later is nobody's concern, unless somebody waits for it. */
async function within<T>(milliseconds: number, asking: Promise<T>): Promise<T | undefined> {
  asking.catch(() => {})
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), milliseconds)
  try {
    return await Promise.race([asking, promise])
  } finally {
    clearTimeout(timer)
  }
}
