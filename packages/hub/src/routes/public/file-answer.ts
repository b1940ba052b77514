import type { Answer, Exchange } from '../../exchange/exchange.ts'
import { isNotModified } from './is-not-modified.ts'
import type { PublicFile } from './public-file.ts'

/**
 * Answers a file, or 304 when the caller has these very bytes.
 *
 * Expires says what max-age says: a cache that knows Expires alone must not keep a CRL until its nextUpdate, past a revocation.
 */
export function fileAnswer(exchange: Exchange, file: PublicFile, maxAgeSeconds: number): Answer {
  const headers = {
    etag: file.etag,
    'last-modified': file.lastModified,
    expires: new Date(Date.now() + maxAgeSeconds * 1000).toUTCString(),
    'cache-control': `public, max-age=${maxAgeSeconds}`,
  }
  if (isNotModified(exchange, file)) return { status: 304, headers, body: '' }
  return {
    status: 200,
    headers: { 'content-type': file.contentType, 'x-content-type-options': 'nosniff', ...headers },
    body: file.parts,
  }
}
