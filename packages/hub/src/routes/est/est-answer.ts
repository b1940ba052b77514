import { toldError } from '../../exchange/error-answer.ts'
import type { Answer, Exchange } from '../../exchange/exchange.ts'
import { retryAfterSeconds } from '../../exchange/retry-after.ts'
import type { RouteHandler } from '../../exchange/router.ts'

const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/**
 * 200 with base64, and no Content-Transfer-Encoding: RFC 8951 section 3 has done away with that header. It leaves it to the sender where lines end: some clients take lines alone (what is made with OpenSSL's filter), others one line
 * alone (strongSwan). So a request in one line is answered in one line, and everything else in lines of 64.
 */
export function estAnswer(contentType: string, der: Uint8Array, isOneLine = false): Answer {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64')
  const lines: string[] = []
  const length = isOneLine ? base64.length : 64
  for (let index = 0; index < base64.length; index += length) lines.push(base64.slice(index, index + length))
  return { status: 200, headers: { 'content-type': contentType, ...common }, body: `${lines.join('\n')}\n` }
}

// What is over in a moment, if the same request comes again.
const passing: readonly unknown[] = ['ERR_PKI_BUSY', 'ERR_PKI_ENROLLMENT_BUSY', 'ERR_PKI_RENEWAL_BUSY']

/**
 * Answers what a handler throws as EST does: in words for a person (RFC 7030 section 4.2.3), and 202 with Retry-After where the same request is to come again later. The reason of a 5xx stays inside.
 */
export function estHandler(handler: RouteHandler, report: (error: unknown, exchange: Exchange) => void): RouteHandler {
  return async (exchange, parameters) => {
    try {
      return await handler(exchange, parameters)
    } catch (error) {
      const told = toldError(error)
      const status = passing.includes(told.code) ? 202 : told.status
      if (status >= 500) report(error, exchange)
      const retryAfter = told.retryAfterSeconds ?? (status === 202 ? retryAfterSeconds(error, 503) : undefined)
      return {
        status,
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          ...common,
          // RFC 7030 section 3.2.3: Basic is what EST clients know.
          ...(status === 401 ? { 'www-authenticate': 'Basic realm="fleetcert"' } : {}),
          ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
        },
        body: `${told.message} ${told.code}\n`,
      }
    }
  }
}
