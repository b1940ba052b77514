import { encodeOcspFailure, type Fleet, isPkiError, type OcspAnswer } from '@fleetcert/core'
import type { Answer, Exchange } from '../../exchange/exchange.ts'
import { httpStatus } from '../../exchange/http-status.ts'
import type { Route } from '../../exchange/router.ts'
import { createOcspAnswers } from './ocsp-answers.ts'
import { ocspRequestInPath } from './ocsp-request-in-path.ts'

// A request is some hundred octets: who needs longer for it wants the connection and no answer.
const bodyDeadlineMilliseconds = 10_000

// RFC 9110 section 15.5.9: the server closes what it has waited for too long.
const tooSlow: Answer = { status: 408, headers: { 'cache-control': 'no-store', connection: 'close' }, body: '' }

/**
 * OCSP over HTTP, asked by POST or by GET (RFC 6960 appendix A.1). What the responder says of a request, `malformedRequest` and the like included, is a 200: HTTP has brought it.
 * The content type of a POST is not looked at: the octets say what they are.
 */
export function ocspRoutes(fleet: Fleet, report: (error: unknown, exchange: Exchange) => void): readonly Route[] {
  const answers = createOcspAnswers()
  const ask = async (request: Uint8Array, exchange: Exchange): Promise<OcspAnswer> => {
    try {
      const answer = await fleet.ocsp(request)
      if (answer.responseStatus !== 'successful' && answer.cause !== undefined) report(answer.cause, exchange)
      return answer
    } catch (error) {
      // What is wrong with a request, a signer or the store is in the answer. A throw is a closed fleet, or a defect.
      report(error, exchange)
      const responseStatus = isPkiError(error) && httpStatus[error.code] === 503 ? 'tryLater' : 'internalError'
      return { responseStatus, der: encodeOcspFailure(responseStatus) }
    }
  }
  return [
    {
      group: 'public',
      path: '/ocsp',
      methods: {
        async POST(exchange) {
          const body = await exchange.bodyWithin(bodyDeadlineMilliseconds)
          return body === undefined ? tooSlow : answers.toPost(await ask(body, exchange))
        },
      },
    },
    {
      group: 'public',
      path: '/ocsp/*request',
      methods: {
        async GET(exchange, { request = '' }) {
          return answers.toGet(await ask(ocspRequestInPath(request), exchange), exchange)
        },
      },
    },
  ]
}
