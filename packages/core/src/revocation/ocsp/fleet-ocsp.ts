import type { OcspCertificateStatus } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { IssueContext } from '../../authority/issue.ts'
import type { FleetWarning } from '../../fleet/fleet-warning.ts'
import { createHotIssuerOcsp } from '../../fleet/hot-issuer-ocsp.ts'
import type { FleetIssuers } from '../../fleet/issuers/fleet-issuers.ts'
import type { Authority, IssuerEnding } from '../../fleet/issuers/issuer-set.ts'
import type { Keyring } from '../../signer/signer.ts'
import type { CertificateStatus, FleetEventType } from '../../store/store.ts'
import type { LedgerWatch } from '../ledger-watch.ts'
import { failedAnswer, failureOf } from './failed-answer.ts'
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
  issuers: FleetIssuers,
  options: Required<OcspOptions> & {
    readonly watch: LedgerWatch
    readonly onWarning: (warning: FleetWarning) => void
    /** Of the key that answers for hot issuers. */
    readonly hotKeyring: Keyring | undefined
  },
): FleetOcsp {
  const { store } = context
  const known = new Map<string, FleetAuthority>()

  const hotIssuers = createHotIssuerOcsp({
    store,
    issuers,
    keyring: options.hotKeyring,
    async status(id, io) {
      const record = await store.certificateStatus(id, io)
      return record === undefined ? undefined : statusOf(record, false, issuers.current.endingOf(id.issuerKeyId))
    },
    onForgotten: () => responder?.forgetAll(),
  })

  const authorityOf = ({ role, issuer }: Authority): FleetAuthority => {
    let authority = known.get(issuer.keyId)
    if (authority !== undefined) return authority
    const delegate = createOcspDelegate(context, issuer, options)
    authority = {
      issuer: issuer.certificate,
      keyId: issuer.keyId,
      delegate,
      signing(now) {
        const signing = delegate.signing(now)
        const state = issuers.current.find(issuer.keyId)?.state
        const mayBeAway = role === 'root' || state === 'retired' || state === 'revoked'
        if (!(signing instanceof Promise) || !mayBeAway) return signing
        // Such a key is away by design: then nobody here can speak for it. Others may come back.
        return signing.catch((error: unknown) => {
          if (isKeyAway(error)) return undefined
          throw error
        })
      },
      async status(serialNumber, io) {
        // Nothing here has a negative number, and stores take none.
        if (serialNumber.startsWith('-')) return undefined
        const record = await store.certificateStatus({ issuerKeyId: issuer.keyId, serialNumber }, io)
        return record === undefined
          ? undefined
          : statusOf(record, role === 'adoptedCa', issuers.current.endingOf(issuer.keyId))
      },
    }
    known.set(issuer.keyId, authority)
    return authority
  }

  let checkedSecond = Number.NaN
  // Only the CAs whose keys are ours: of others' certificates nothing is on record here.
  const answering = (): readonly Authority[] =>
    issuers.current.authorities.filter(({ record }) => record.keyName !== undefined)
  const create = (): WatchedOcspResponder | undefined => {
    const authorities = answering().map(authorityOf)
    if (authorities.length === 0) return undefined
    return createWatchedOcspResponder({
      ...options,
      authorities,
      resolve: hotIssuers.resolve,
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
  }
  let responder = create()
  // What is kept goes with it: CAs change seldom, and what one of them has become counts for all that it has issued.
  issuers.listen(() => {
    hotIssuers.clear()
    responder = create()
  })

  options.watch.listen({
    heard(change) {
      if (change === undefined) return responder?.forgetAll()
      if (!changesStatus.has(change.type)) return
      const { certificate } = change
      if (certificate === undefined) return responder?.forgetAll()
      const authority = known.get(certificate.issuerKeyId)
      if (authority === undefined) return
      responder?.forget(authority, certificate.serialNumber)
      for (const hot of hotIssuers.of(certificate.issuerKeyId)) responder?.forget(hot, certificate.serialNumber)
      // What a revoked responder has signed is not given out either.
      if (change.type === 'released') return
      const wasOurs = authority.delegate.drop(certificate)
      if (hotIssuers.drop(certificate) || wasOurs) responder?.forgetAll()
    },
  })

  const respond: FleetOcsp['answer'] = async (request, io) =>
    responder === undefined ? failedAnswer('unauthorized') : responder.answer(request, io)
  const respondWhenFresh: FleetOcsp['answer'] = async (request, io) => {
    // The caller may use its memory again while we wait.
    const own = request instanceof Uint8Array ? new Uint8Array(request) : request
    try {
      await issuers.fresh(io)
    } catch (error) {
      io?.signal?.throwIfAborted()
      return failureOf(error)
    }
    return respond(own, io)
  }

  return {
    answer: (request, io) => (issuers.isFresh() ? respond(request, io) : respondWhenFresh(request, io)),
    get cachedBytes() {
      return responder?.cachedBytes ?? 0
    },
    get cachedAnswers() {
      return responder?.cachedAnswers ?? 0
    },
  }
}

/**
 * `good` is what was issued here and is not revoked, expired or superseded as it may be. What was reserved or abandoned may have been signed: nobody got it, so it is not good, and it is revoked if it was revoked.
 * A pinned certificate is another CA's, whatever its issuer is called, unless that CA was adopted with it. "If an OCSP responder knows that a particular CA's private key has been compromised, it MAY return the 'revoked' state for all certificates issued by that CA" (RFC 6960 section 2.7).
 */
function statusOf(
  { state, ...record }: CertificateStatus,
  isAdopted: boolean,
  ending: IssuerEnding | undefined,
): OcspCertificateStatus | undefined {
  if (state === 'pinned' && !isAdopted) return undefined
  const isIssued = state === 'issued' || state === 'pinned'
  const ended = ending?.type === 'revoked' && isIssued ? ending.revocation : undefined
  const revocation = record.revocation ?? ended
  if (revocation !== undefined) {
    return { certStatus: 'revoked', revocationDate: revocation.revocationDate, reason: revocation.reason }
  }
  return isIssued ? { certStatus: 'good' } : undefined
}
