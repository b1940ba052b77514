import type { OcspCertificateStatus } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { IssueContext } from '../../authority/issue.ts'
import type { Issuer } from '../../authority/issuer.ts'
import type { FleetWarning } from '../../fleet/fleet-warning.ts'
import type { CertificateStatus, FleetEventType } from '../../store/store.ts'
import type { LedgerWatch } from '../ledger-watch.ts'
import type { OcspAuthority } from './ocsp-authority.ts'
import { createOcspDelegate, isKeyAway, type OcspDelegate } from './ocsp-delegate.ts'
import { createWatchedOcspResponder, type OcspOptions, type WatchedOcspResponder } from './ocsp-responder.ts'

/** A fleet's responder. */
export type FleetOcsp = Pick<WatchedOcspResponder, 'answer' | 'cachedBytes' | 'cachedAnswers'>

/** What changes the status of a certificate. A reservation that is committed changes it too, but of what has no status nothing is kept. */
const changesStatus: ReadonlySet<FleetEventType> = new Set(['revoked', 'held', 'released'])

interface FleetAuthority extends OcspAuthority {
  readonly keyId: string
  readonly delegate: OcspDelegate
}

/** The responder for the CAs of a fleet: statuses from the store, a delegate for each CA whose key is at hand, kept answers dropped by what the ledger says. */
export function createFleetOcsp(
  context: IssueContext,
  cas: readonly { readonly role: 'root' | 'issuingCa'; readonly issuer: Issuer }[],
  options: Required<OcspOptions> & {
    readonly watch: LedgerWatch
    readonly onWarning: (warning: FleetWarning) => void
  },
): FleetOcsp {
  const { store } = context
  const authorities = cas.map(({ role, issuer }): FleetAuthority => {
    const delegate = createOcspDelegate(context, issuer, options)
    return {
      issuer: issuer.certificate,
      keyId: issuer.keyId,
      delegate,
      signing(now) {
        const signing = delegate.signing(now)
        if (!(signing instanceof Promise) || role !== 'root') return signing
        // A root's key is away by design: then nobody here can speak for it. Others may come back.
        return signing.catch((error: unknown) => {
          if (isKeyAway(error)) return undefined
          throw error
        })
      },
      async status(serialNumber, io) {
        // Nothing here has a negative number, and stores take none.
        if (serialNumber.startsWith('-')) return undefined
        const record = await store.certificateStatus({ issuerKeyId: issuer.keyId, serialNumber }, io)
        return record === undefined ? undefined : statusOf(record)
      },
    }
  })

  options.watch.listen({
    heard(change) {
      if (change === undefined) return responder.forgetAll()
      if (!changesStatus.has(change.type)) return
      const { certificate } = change
      if (certificate === undefined) return responder.forgetAll()
      const authority = authorities.find(({ keyId }) => keyId === certificate.issuerKeyId)
      if (authority === undefined) return
      responder.forget(authority, certificate.serialNumber)
      // What a revoked responder has signed is not given out either.
      if (change.type !== 'released' && authority.delegate.drop(certificate)) responder.forgetAll()
    },
  })

  let checkedSecond = Number.NaN
  const responder = createWatchedOcspResponder({
    ...options,
    authorities,
    clock: context.clock,
    // Once a second: the ledger's latest date moves on like the clock.
    checkClock(now) {
      const second = Math.floor(now.getTime() / 1000)
      if (second === checkedSecond) return undefined
      return checkedNow(store, context.clock).then(() => {
        checkedSecond = second
      })
    },
  })
  return {
    answer: responder.answer,
    get cachedBytes() {
      return responder.cachedBytes
    },
    get cachedAnswers() {
      return responder.cachedAnswers
    },
  }
}

/**
 * `good` is what was issued here and is not revoked, expired or superseded as it may be. What was reserved or abandoned may have been signed: nobody got it, so it is not good, and it is revoked if it was revoked.
 * A pinned certificate is another CA's, whatever its issuer is called.
 */
function statusOf({ state, revocation }: CertificateStatus): OcspCertificateStatus | undefined {
  if (state === 'pinned') return undefined
  if (revocation !== undefined) {
    return { certStatus: 'revoked', revocationDate: revocation.revocationDate, reason: revocation.reason }
  }
  return state === 'issued' ? { certStatus: 'good' } : undefined
}
