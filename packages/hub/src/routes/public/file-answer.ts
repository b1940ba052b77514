import { createHash } from 'node:crypto'
import type { Answer, Exchange } from '../../exchange/exchange.ts'

/** A file with its validators. */
export interface PublicFile {
  readonly bytes: Uint8Array
  readonly contentType: string
  /** Strong, with its quotes: SHA-256 of the bytes. */
  readonly etag: string
  readonly lastModified: Date
}

/** Hashes the bytes: keep the result. */
export function publicFile(bytes: Uint8Array, contentType: string, lastModified: Date): PublicFile {
  const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`
  return { bytes, contentType, etag, lastModified }
}

/**
 * Answers a file, or 304 when the caller has these very bytes.
 *
 * If-Modified-Since is not evaluated. A CRL made in the same second as the one before it has the same Last-Modified (RFC 9110 section 8.8.2.2 calls such a validator weak),
 * and a 304 for it would hide a revocation until the next CRL.
 */
export function fileAnswer(exchange: Exchange, file: PublicFile, maxAgeSeconds: number): Answer {
  const headers = {
    etag: file.etag,
    'last-modified': file.lastModified.toUTCString(),
    'cache-control': `public, max-age=${maxAgeSeconds}`,
  }
  if (matches(exchange.header('if-none-match'), file.etag)) return { status: 304, headers, body: '' }
  return {
    status: 200,
    headers: { 'content-type': file.contentType, 'x-content-type-options': 'nosniff', ...headers },
    body: file.bytes,
  }
}

// RFC 9110 section 13.1.2: the weak comparison, so a proxy's W/ does no harm.
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some(item => ['*', etag, `W/${etag}`].includes(item.trim()))
}
