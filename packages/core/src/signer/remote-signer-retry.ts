/**
 * What becomes of a signature after its request failed. `never`: asking again changes nothing. `again`: later, with back-off. `throttled`: the same, and the other requests wait, too. `afterSeconds`: the remote end said when
 * (Retry-After), and nothing is asked of it before.
 */
export type RetryAdvice = 'never' | 'again' | 'throttled' | { readonly afterSeconds: number }

/** gRPC: DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE. */
const grpcAgain: ReadonlySet<unknown> = new Set([4, 10, 13, 14])
const grpcThrottled = 8

/** Node's and undici's codes of connections that failed or ended in the middle. */
const lostConnection =
  /^(?:E(?:CONN(?:RESET|REFUSED|ABORTED)|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NETDOWN|AI_AGAIN)|UND_ERR_(?:SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|CLOSED))$/

const throttlingNames = /^(?:Throttling|Throttled|TooManyRequests|RequestLimitExceeded|LimitExceeded|RequestThrottled)/

/**
 * {@link RetryAdvice} on the errors of fetch, node:http, the AWS SDK and Google's clients: what was throttled, 408 and 5xx, and connections that failed are asked again; anything else never. Of an error that one throws oneself, `status` and
 * `retryAfterSeconds` are enough.
 *
 * @example
 * ```ts
 * if (!response.ok) throw Object.assign(new Error('the KMS refused'), { status: response.status })
 * ```
 */
export function retryAdvice(error: unknown): RetryAdvice {
  return adviceOn(error, 0)
}

function adviceOn(error: unknown, depth: number): RetryAdvice {
  if (typeof error !== 'object' || error === null || depth > 3) return 'never'
  const found = error as {
    readonly name?: unknown
    readonly code?: unknown
    readonly cause?: unknown
    readonly $retryable?: { readonly throttling?: unknown }
  }
  const afterSeconds = retryAfterOf(error)
  if (afterSeconds !== undefined) return { afterSeconds }
  const status = statusOf(error)
  const isThrottled =
    status === 429 ||
    found.code === grpcThrottled ||
    found.$retryable?.throttling === true ||
    (typeof found.name === 'string' && throttlingNames.test(found.name))
  if (isThrottled) return 'throttled'
  if (status !== undefined) return status === 408 || status >= 500 ? 'again' : 'never'
  if (found.$retryable !== undefined || grpcAgain.has(found.code)) return 'again'
  if (found.name === 'TimeoutError') return 'again'
  if (typeof found.code === 'string' && lostConnection.test(found.code)) return 'again'
  // fetch says "fetch failed", and why in its cause.
  return adviceOn(found.cause, depth + 1)
}

function statusOf(error: object): number | undefined {
  const { status, statusCode, code, $metadata } = error as {
    readonly status?: unknown
    readonly statusCode?: unknown
    readonly code?: unknown
    readonly $metadata?: { readonly httpStatusCode?: unknown }
  }
  for (const value of [status, statusCode, $metadata?.httpStatusCode, code]) {
    if (typeof value === 'number' && value >= 100 && value <= 599) return value
  }
  return undefined
}

function retryAfterOf(error: object): number | undefined {
  const { retryAfterSeconds } = error as { readonly retryAfterSeconds?: unknown }
  return typeof retryAfterSeconds === 'number' && retryAfterSeconds >= 0 ? retryAfterSeconds : undefined
}
