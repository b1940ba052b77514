import {
  fromHex,
  type IoOptions,
  isPkiError,
  type OcspCertId,
  type OcspCertificateStatus,
  parseOcspRequest,
} from '@fleetcert/x509'
import { integer, sequence } from '@fleetcert/x509/der'
import { untilAborted } from '../until-aborted.ts'
import { type CachedAnswer, createAnswerCache } from './answer-cache.ts'
import { failedAnswer, failureOf } from './failed-answer.ts'
import type { AuthoritativeOcspAnswer, OcspAnswer } from './ocsp-answer.ts'
import { certIdIssuersOf, createAuthorityFinder, type OcspAuthority } from './ocsp-authority.ts'
import { createOcspSigner } from './ocsp-signer.ts'
import { noWatch, type StatusWatch } from './status-watch.ts'

/** How long answers last, and how many are kept. */
export interface OcspOptions {
  /** thisUpdate to nextUpdate, whole seconds: 60 to 604,800. Default 3,600: so long may a client go on trusting an answer that it has. */
  readonly validitySeconds?: number
  /** Room for signed answers, octets. Default 32 MiB, about 18,000 answers; 0 keeps none. */
  readonly cacheBytes?: number
}

/** Options of {@link createOcspResponder}. */
export interface OcspResponderOptions extends OcspOptions {
  /** Each request is about certificates of one of them. */
  readonly authorities: readonly OcspAuthority[]
  /** Default: the system's. */
  readonly clock?: () => Date
}

/** Answers OCSP requests: RFC 6960 in the profile of RFC 9919, nonces by RFC 9654. */
export interface OcspResponder {
  /**
   * The answer to a request, DER, whoever sent it. What is wrong with the request, with the records or with the key is an answer, too, and no rejection; only an abort rejects, with the signal's reason.
   *
   * Several certificates of one CA in a request are answered together, each once. One that there is no record of, or two of different CAs, make it `unauthorized`: nobody could sign for both.
   */
  answer(request: Uint8Array, options?: IoOptions): Promise<OcspAnswer>
}

/** A responder whose kept answers can be dropped. */
export interface WatchedOcspResponder extends OcspResponder {
  /** What the kept answers take, octets. */
  readonly cachedBytes: number
  readonly cachedAnswers: number
  /** Drops what is kept of one certificate. */
  forget(authority: OcspAuthority, serialNumber: string): void
  /** Drops all that is kept. */
  forgetAll(): void
}

/** {@link OcspOptions} with nothing left open. @throws RangeError */
export function ocspOptions(options: OcspOptions = {}): Required<OcspOptions> {
  return {
    validitySeconds: wholeNumber('ocsp.validitySeconds', options.validitySeconds ?? 3600, 60, 604_800),
    cacheBytes: wholeNumber('ocsp.cacheBytes', options.cacheBytes ?? 32 * 1024 * 1024, 0, 2 ** 40),
  }
}

/**
 * An OCSP responder over any CA and any records; a fleet has one built in (`fleet.ocsp`).
 *
 * Answers without a nonce are kept and given out again while the record says the same, which is asked each time, until a quarter of their validity is left.
 *
 * @throws RangeError for options out of range
 */
export function createOcspResponder(options: OcspResponderOptions): OcspResponder {
  return createWatchedOcspResponder({ ...options, clock: options.clock ?? (() => new Date()) })
}

/** {@link createOcspResponder} for whoever hears of changes. `checkClock` rejects when the time cannot be right, and answers nothing where it need not look. `resolve` finds a CA that is none of `authorities`; the same object each time. */
export function createWatchedOcspResponder(
  options: OcspResponderOptions & {
    readonly clock: () => Date
    readonly checkClock?: (now: Date) => Promise<void> | undefined
    readonly watch?: StatusWatch
    readonly resolve?: (certId: OcspCertId, io?: IoOptions) => Promise<OcspAuthority | undefined>
  },
): WatchedOcspResponder {
  const { authorities, clock, checkClock, watch = noWatch, resolve } = options
  const { validitySeconds, cacheBytes } = ocspOptions(options)
  if (authorities.length === 0) throw new TypeError('authorities: expected at least one')
  const find = createAuthorityFinder(authorities.map(authority => [authority.issuer, authority] as const))
  const names = new WeakMap(authorities.map(authority => [authority, certIdIssuersOf(authority.issuer)] as const))
  const cache = createAnswerCache(cacheBytes)
  const sign = createOcspSigner(validitySeconds)

  const answerTo = async (
    certIds: readonly OcspCertId[],
    nonce: Uint8Array | undefined,
    io: IoOptions | undefined,
  ): Promise<OcspAnswer> => {
    const authority = find(certIds[0]!) ?? (await resolve?.(certIds[0]!, io))
    if (authority === undefined) return failedAnswer('unauthorized')
    for (let index = 1; index < certIds.length; index += 1) {
      const other = find(certIds[index]!) ?? (await resolve?.(certIds[index]!, io))
      if (other !== authority) return failedAnswer('unauthorized')
    }
    const now = clock()
    const checking = checkClock?.(now)
    if (checking !== undefined) await checking

    const key = nonce === undefined && certIds.length === 1 && cacheBytes > 0 ? keyOf(certIds[0]!.der) : undefined
    // Before anything is read, so that no change is missed after it; also for those with a nonce: the responder's own certificate may have been revoked.
    const isFresh = watch.isFresh() || (await untilAborted(watch.refresh(), io?.signal))
    const kept = key === undefined ? undefined : lookUp(key, now)
    if (kept !== undefined && isFresh) return kept.answer

    const { epoch } = watch
    const responses = await statusesOf(authority, certIds, io)
    if (responses === undefined) return failedAnswer('unauthorized')
    if (kept !== undefined && isSameStatus(kept.status, responses[0]!.status)) return kept.answer
    const signing = await authority.signing(now, io)
    if (signing === undefined) return failedAnswer('unauthorized')
    const answer = await sign(signing, { responses, nonce, now }, io)
    // A revocation that came between reading and signing must not be followed by the answer from before it.
    if (key !== undefined && watch.epoch === epoch) {
      cache.set(key, { answer, status: responses[0]!.status, freshUntil: freshUntil(answer) })
    }
    return answer
  }

  const lookUp = (key: string, now: Date): CachedAnswer | undefined => {
    const found = cache.get(key)
    if (found === undefined) return undefined
    const time = now.getTime()
    // One from the future was made while the clock was wrong.
    if (time < found.freshUntil && found.answer.thisUpdate.getTime() <= time) return found
    cache.delete(key)
    return undefined
  }

  return {
    async answer(request, io) {
      if (!(request instanceof Uint8Array)) throw new TypeError('request: expected a Uint8Array')
      io?.signal?.throwIfAborted()
      let parsed: ReturnType<typeof parseOcspRequest>
      try {
        parsed = parseOcspRequest(request)
      } catch (error) {
        if (isPkiError(error)) return failedAnswer('malformedRequest')
        return failureOf(error)
      }
      try {
        return await answerTo(parsed.certIds, parsed.nonce, io)
      } catch (error) {
        io?.signal?.throwIfAborted()
        return failureOf(error)
      }
    },
    get cachedBytes() {
      return cache.bytes
    },
    get cachedAnswers() {
      return cache.size
    },
    forget(authority, serialNumber) {
      if (cache.size === 0) return
      const serial = integer(fromHex(serialNumber))
      const known = names.get(authority) ?? certIdIssuersOf(authority.issuer)
      names.set(authority, known)
      for (const issuer of known) cache.delete(keyOf(sequence(issuer, serial)))
    },
    forgetAll: cache.clear,
  }
}

/** A CertID's octets as the key of a Map. */
function keyOf(certId: Uint8Array): string {
  return Buffer.from(certId.buffer, certId.byteOffset, certId.byteLength).toString('latin1')
}

/** Each certificate once, in order; `undefined` if there is one without a record. */
async function statusesOf(
  authority: OcspAuthority,
  certIds: readonly OcspCertId[],
  io: IoOptions | undefined,
): Promise<{ certId: Uint8Array; status: OcspCertificateStatus }[] | undefined> {
  if (certIds.length === 1) {
    const [{ der: certId, serialNumber }] = certIds as readonly [OcspCertId]
    const status = await authority.status(serialNumber, io)
    return status === undefined ? undefined : [{ certId, status }]
  }
  // "The response MUST include a SingleResponse for each certificate in the request" (RFC 6960 section 4.2.2.3): one that is asked for twice in the same words is answered once.
  const byOctets = new Map(certIds.map(certId => [keyOf(certId.der), certId]))
  const responses: { certId: Uint8Array; status: OcspCertificateStatus }[] = []
  for (const { der: certId, serialNumber } of byOctets.values()) {
    const status = await authority.status(serialNumber, io)
    if (status === undefined) return undefined
    responses.push({ certId, status })
  }
  return responses
}

function isSameStatus(a: OcspCertificateStatus, b: OcspCertificateStatus): boolean {
  if (a.certStatus !== 'revoked' || b.certStatus !== 'revoked') return a.certStatus === b.certStatus
  return a.reason === b.reason && a.revocationDate.getTime() === b.revocationDate.getTime()
}

/** Whoever gets it then has a quarter of its validity left. */
function freshUntil({ thisUpdate, nextUpdate }: AuthoritativeOcspAnswer): number {
  return nextUpdate.getTime() - (nextUpdate.getTime() - thisUpdate.getTime()) / 4
}

function wholeNumber(label: string, value: number, least: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`${label}: expected a whole number from ${least} to ${most}`)
  }
  return value
}
