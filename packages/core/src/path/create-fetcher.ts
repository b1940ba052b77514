import { type IoOptions, PkiError } from '@fleetcert/x509'

/**
 * Fetches what stands at an address that a stranger's certificate names: `undefined` for an address that it may not ask, which it then does not ask. Made by {@link createFetcher}, or your own.
 *
 * @throws PkiError `ERR_PKI_FETCH`
 */
export type Fetcher = (url: string, options?: IoOptions) => Promise<Uint8Array | undefined>

/** What {@link createFetcher} may do. */
export interface FetcherOptions {
  /** Beginnings of addresses, each `http://` or `https://`, a host and a path that ends with `/`. Nothing else is asked. */
  readonly allow: readonly string[]
  /** Longer answers are refused. Default 16 MiB. */
  readonly maxBytes?: number
  /** For the whole answer. Default 10. */
  readonly timeoutSeconds?: number
}

const maxUrlLength = 2048

/**
 * A fetcher for CRLs and issuers' certificates that asks addresses under `allow` alone. Addresses are compared after they were taken apart, so that user names, other ports, `..` and escaped slashes do not get around it.
 * Redirects are not followed: where they lead, nobody has allowed. An answer other than 200, one that is too long, or none in time is `ERR_PKI_FETCH`. Nothing is kept: a fetcher that caches is yours to make of this one.
 */
export function createFetcher(options: FetcherOptions): Fetcher {
  const { allow, maxBytes = 16 * 1024 * 1024, timeoutSeconds = 10 } = options
  const prefixes = allow.map(readPrefix)
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) throw new RangeError('"maxBytes" must be a safe integer ≥ 1')
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 3600))
    throw new RangeError('"timeoutSeconds" must be above 0, at most 3600')
  return async (text, { signal } = {}) => {
    signal?.throwIfAborted()
    const url = readUrl(text)
    if (url === undefined || !prefixes.some(prefix => url.href.startsWith(prefix))) return undefined
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
    try {
      return await get(url, maxBytes, signal === undefined ? timeout : AbortSignal.any([signal, timeout]))
    } catch (cause) {
      signal?.throwIfAborted()
      if (timeout.aborted) throw refused(url, `no whole answer within ${timeoutSeconds} s`, cause)
      if (cause instanceof PkiError) throw cause
      throw refused(url, 'it cannot be reached', cause)
    }
  }
}

async function get(url: URL, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(url, {
    redirect: 'manual',
    // What is packed may be small on the way and endless here.
    headers: { 'accept-encoding': 'identity' },
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    signal,
  })
  const body = response.body
  if (response.status !== 200) {
    await body?.cancel()
    throw refused(url, `status ${response.status}`)
  }
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body ?? []) {
    length += part.length
    // Leaving the loop cancels the body.
    if (length > maxBytes) throw refused(url, `more than ${maxBytes} octets`)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts, length))
}

function readPrefix(text: string): string {
  const url = readUrl(text)
  if (url === undefined || url.search !== '' || !url.pathname.endsWith('/')) {
    throw new TypeError('"allow" must hold http or https addresses that end with / and have no query')
  }
  return url.href
}

/** An http address that has one meaning only. */
function readUrl(text: string): URL | undefined {
  // Backslashes, blanks and control characters are read by every parser in its own way.
  if (text.length > maxUrlLength || !/^https?:\/\/[!#-;=?-[\]_a-z~%]+$/i.test(text) || !URL.canParse(text))
    return undefined
  const url = new URL(text)
  const isPlain = url.username === '' && url.password === '' && url.hash === ''
  // A server may take an escaped slash or dot for a plain one.
  return isPlain && !/%(?:2e|2f|5c|00)/i.test(url.pathname) ? url : undefined
}

function refused(url: URL, reason: string, cause?: unknown): PkiError<'ERR_PKI_FETCH'> {
  return new PkiError('ERR_PKI_FETCH', { url: url.href, reason }, cause === undefined ? {} : { cause })
}
