/** Longer waits are cut: a mistake of a server must not put a device to sleep for years. */
const mostSeconds = 86_400
// RFC 9110 section 5.6.7, the one form that is to be sent.
const httpDate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** Retry-After (RFC 9110 section 10.2.3), seconds or date, as seconds from 0 to a day; `undefined` for anything else. */
export function retryAfterSeconds(value: unknown, now: Date): number | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text), mostSeconds)
  if (!httpDate.test(text)) return undefined
  const seconds = (Date.parse(text) - now.getTime()) / 1000
  return Number.isFinite(seconds) ? Math.min(Math.max(0, Math.ceil(seconds)), mostSeconds) : undefined
}

/** The same where it is a number of JSON. */
export function boundedSeconds(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(value, mostSeconds) : undefined
}
