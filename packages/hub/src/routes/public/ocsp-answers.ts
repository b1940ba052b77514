import { createHash } from 'node:crypto'
import type { OcspAnswer } from '@fleetcert/core'
import type { Answer, Exchange } from '../../exchange/exchange.ts'
import { isNotModified, type Validators } from './is-not-modified.ts'
import { maxAgeUntil } from './max-age.ts'

/** What was worked out for an answer. */
interface Prepared {
  readonly validators: Validators
  readonly expires: string
  readonly maxAgeSeconds: number
  toGet?: Answer
  toPost?: Answer
}

type Authoritative = Extract<OcspAnswer, { readonly responseStatus: 'successful' }>

/** Puts what the responder says into HTTP. */
export interface OcspAnswers {
  toGet(answer: OcspAnswer, exchange: Exchange): Answer
  toPost(answer: OcspAnswer): Answer
}

// "SHOULD" carry it, as what is no authoritative answer: tryLater is over soon, and anybody on the way may have made it (RFC 9919 section 6).
const failureHeaders = { 'content-type': 'application/ocsp-response', 'cache-control': 'no-store' }

/**
 * The headers of RFC 9919 section 6: Last-Modified is thisUpdate, Expires is nextUpdate, the ETag is the SHA-256 of the answer, and max-age ends before nextUpdate. No authoritative answer says no-store or
 * no-cache. Answers to a POST, and those with a nonce, are nobody else's, so they are `private`.
 *
 * If-Modified-Since is not evaluated: a device may be revoked in the second in which it was called good.
 */
export function createOcspAnswers(): OcspAnswers {
  // The responder gives the same object as long as the answer is the same.
  const known = new WeakMap<Authoritative, Prepared>()
  const prepare = (answer: Authoritative): Prepared => {
    const maxAgeSeconds = maxAgeUntil(answer.nextUpdate, Date.now())
    const kept = known.get(answer)
    if (kept?.maxAgeSeconds === maxAgeSeconds) return kept
    const prepared = {
      validators: kept?.validators ?? validatorsOf(answer),
      expires: kept?.expires ?? answer.nextUpdate.toUTCString(),
      maxAgeSeconds,
    }
    known.set(answer, prepared)
    return prepared
  }
  return {
    toGet(answer, exchange) {
      if (answer.responseStatus !== 'successful') return failure(answer.der)
      if (answer.hasNonce) return withNonce(answer)
      const prepared = prepare(answer)
      prepared.toGet ??= answerOf(answer, prepared, 'public')
      if (!isNotModified(exchange, prepared.validators)) return prepared.toGet
      const { 'content-type': _type, ...headers } = prepared.toGet.headers
      return { status: 304, headers, body: '' }
    },
    toPost(answer) {
      if (answer.responseStatus !== 'successful') return failure(answer.der)
      if (answer.hasNonce) return withNonce(answer)
      const prepared = prepare(answer)
      prepared.toPost ??= answerOf(answer, prepared, 'private')
      return prepared.toPost
    },
  }
}

function validatorsOf({ der, thisUpdate }: Authoritative): Validators {
  return {
    etag: `"${createHash('sha256').update(der).digest('hex')}"`,
    lastModified: thisUpdate.toUTCString(),
    isLastModifiedUnique: false,
  }
}

function answerOf({ der }: Authoritative, prepared: Prepared, scope: 'public' | 'private'): Answer {
  return {
    status: 200,
    headers: {
      'content-type': 'application/ocsp-response',
      'last-modified': prepared.validators.lastModified,
      etag: prepared.validators.etag,
      expires: prepared.expires,
      'cache-control': `max-age=${prepared.maxAgeSeconds}, ${scope}, no-transform, must-revalidate`,
    },
    body: der,
  }
}

function failure(der: Uint8Array): Answer {
  return { status: 200, headers: failureHeaders, body: der }
}

function withNonce({ der, thisUpdate }: Authoritative): Answer {
  return {
    status: 200,
    headers: {
      'content-type': 'application/ocsp-response',
      'last-modified': thisUpdate.toUTCString(),
      'cache-control': 'max-age=0, private, no-transform, must-revalidate',
    },
    body: der,
  }
}
