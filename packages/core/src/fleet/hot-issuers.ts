import type { DistinguishedName, GeneralName, IoOptions } from '@fleetcert/x509'
import type { IssueContext } from '../authority/issue.ts'
import type { Issuer } from '../authority/issuer.ts'
import { untilAborted } from '../revocation/until-aborted.ts'
import type { FleetWarning } from './fleet-warning.ts'
import { type HotIssuer, makeHotIssuer } from './hot-issuer-certificate.ts'
import type { HotIssuerSettings } from './hot-issuer-options.ts'
import type { FleetIssuers } from './issuers/fleet-issuers.ts'
import type { Publisher } from './published-urls.ts'

/** What is to be signed, as far as it decides who may. */
export interface HotCandidate {
  readonly subject: DistinguishedName
  readonly subjectAltName: readonly GeneralName[]
  readonly notAfter: Date
}

/** The hot issuer of this process: one at a time, renewed by itself. */
export interface HotIssuers {
  /** Who signs in the place of an issuing CA; made where there is none yet. `undefined`: the CA's own key has to, for the certificate is none that a hot issuer may sign, or there is none to be had. */
  signing(
    issuingCa: Issuer,
    candidate: HotCandidate,
    options?: IoOptions,
  ): HotIssuer | undefined | Promise<HotIssuer | undefined>
  /** The one in use. */
  readonly current: HotIssuer | undefined
  /** Forgets the key. Resolves when nothing is under way any more. */
  close(): Promise<void>
}

export interface HotIssuersParts {
  readonly context: IssueContext
  readonly issuers: FleetIssuers
  readonly settings: HotIssuerSettings
  readonly publisher: Publisher | undefined
  readonly onWarning: (warning: FleetWarning) => void
  readonly closed: AbortSignal
}

/** After a failure the issuing CA's key is not asked for another so long, milliseconds; twice as long after each further one, for each leaves a reservation on record. */
const restMilliseconds = { first: 10_000, longest: 300_000 }
/** The longest between two looks at the clock, milliseconds. */
const longestLook = 30_000
/** Half of the second within which it is heard of that another process has revoked this one's hot issuer. */
const freshMilliseconds = 500

export function createHotIssuers(parts: HotIssuersParts): HotIssuers {
  const { context, issuers, settings, publisher, onWarning, closed } = parts
  const { clock, store } = context
  let current: HotIssuer | undefined
  let making: { readonly issuingCa: Issuer; readonly made: Promise<HotIssuer | undefined> } | undefined
  let failures = 0
  let restUntil = Number.NEGATIVE_INFINITY
  let checkedAt = Number.NEGATIVE_INFINITY

  const isUsable = (hot: HotIssuer | undefined, issuingCa: Issuer, now = clock().getTime()): hot is HotIssuer =>
    hot !== undefined &&
    hot.issuingCa.keyId === issuingCa.keyId &&
    now < hot.usedUntil.getTime() &&
    // Before its time only after the clock has jumped.
    now >= hot.issuer.certificate.notBefore.getTime()

  const make = (issuingCa: Issuer): Promise<HotIssuer | undefined> => {
    if (making?.issuingCa.keyId === issuingCa.keyId) return making.made
    const made = makeHotIssuer(context, issuingCa, settings, publisher, closed)
      .then(
        hot => {
          failures = 0
          // Of a CA that was replaced meanwhile it is of no use any more.
          if (!closed.aborted && issuers.current.issuing?.issuer.keyId === issuingCa.keyId) {
            current = hot
            checkedAt = performance.now()
          }
          return hot
        },
        (error: unknown) => {
          const rest = Math.min(restMilliseconds.first * 2 ** Math.min(failures, 10), restMilliseconds.longest)
          failures += 1
          restUntil = performance.now() + rest
          if (!closed.aborted) {
            onWarning({
              type: 'hotIssuerNotRenewed',
              issuerKeyId: issuingCa.keyId,
              shard: 0,
              error,
              ...(current === undefined ? {} : { nextUpdate: current.usedUntil }),
              retrySeconds: rest / 1000,
            })
          }
          return undefined
        },
      )
      .finally(() => {
        if (making?.made === made) making = undefined
      })
    making = { issuingCa, made }
    return made
  }

  const isPastHalf = (hot: HotIssuer, now: number): boolean =>
    hot.usedUntil.getTime() - now <= (settings.useSeconds * 1000) / 2
  /** Renews ahead of time; nobody waits for it. */
  const look = (): void => {
    const issuingCa = issuers.current.issuing?.issuer
    if (issuingCa === undefined || performance.now() < restUntil) return
    const now = clock().getTime()
    if (!isUsable(current, issuingCa, now) || isPastHalf(current, now)) void make(issuingCa)
  }
  const lookMilliseconds = Math.min(longestLook, settings.useSeconds * 100)
  const timer = setInterval(look, lookMilliseconds).unref()
  closed.addEventListener('abort', () => clearInterval(timer), { once: true })
  look()

  /** Whether nobody has revoked it; a store that cannot say lets it sign nothing. */
  const isStanding = async ({ issuingCa, serialNumber }: HotIssuer, options?: IoOptions): Promise<boolean> => {
    const begun = performance.now()
    const record = await store.certificateStatus({ issuerKeyId: issuingCa.keyId, serialNumber }, options)
    if (record === undefined || record.revocation !== undefined) return false
    checkedAt = begun
    return true
  }

  const askedOrMade = async (issuingCa: Issuer, options?: IoOptions): Promise<HotIssuer | undefined> => {
    const hot = current
    if (isUsable(hot, issuingCa)) {
      if (await isStanding(hot, options)) return hot
      if (current === hot) current = undefined
    }
    return performance.now() < restUntil ? undefined : make(issuingCa)
  }

  return {
    get current() {
      return current
    },
    signing(issuingCa, candidate, options) {
      if (!settings.serverNames && !isWithoutServerNames(candidate)) return undefined
      const covers = (hot: HotIssuer | undefined): HotIssuer | undefined =>
        hot !== undefined && candidate.notAfter <= hot.issuer.certificate.notAfter ? hot : undefined
      const now = clock().getTime()
      const isAsked = performance.now() - checkedAt < freshMilliseconds
      if (!isAsked || !isUsable(current, issuingCa, now)) {
        // It is made for all who wait: one who goes leaves it to the others.
        return untilAborted(askedOrMade(issuingCa, options), options?.signal).then(covers)
      }
      if (isPastHalf(current, now)) look()
      return covers(current)
    },
    async close() {
      current = undefined
      await making?.made
    },
  }
}

/** As OpenSSL judges: a common name with a dot is a DNS name, where there is no other. */
function isWithoutServerNames({ subject, subjectAltName }: HotCandidate): boolean {
  return (
    subjectAltName.every(({ type }) => type !== 'dns' && type !== 'ip') &&
    subject.every(rdn => rdn.every(({ type, value }) => type !== 'CN' || !value.includes('.')))
  )
}
