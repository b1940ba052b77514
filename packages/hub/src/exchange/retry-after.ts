import { isPkiError } from '@fleetcert/core'

const leastSeconds = 5
const mostSeconds = 20

/** When to ask again; `undefined` where asking again changes nothing. Where the error does not say, it is spread, so that callers who were refused together do not come back together. */
export function retryAfterSeconds(error: unknown, status: number): number | undefined {
  const { retryAfterSeconds: told } = (isPkiError(error) ? error.details : {}) as { retryAfterSeconds?: unknown }
  if (typeof told === 'number' && told >= 0 && Number.isFinite(told)) return Math.ceil(told)
  if (status !== 429 && status !== 503) return undefined
  return leastSeconds + Math.floor(Math.random() * (mostSeconds - leastSeconds + 1))
}
