import { malformed } from './fields.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The entries of a body that is one JSON object; none for an empty body.
 * @throws PkiError `ERR_PKI_REQUEST`
 */
export function jsonBody(contentType: string | undefined, body: Uint8Array): [string, unknown][] {
  if (body.length === 0) return []
  // An HTML form of another site can post text/plain or form data without asking; it cannot post JSON.
  if (!/^application\/json[ \t]*(;|$)/i.test(contentType ?? '')) {
    throw malformed('content-type: expected application/json')
  }
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(body))
  } catch {
    throw malformed('the body is not JSON in UTF-8')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('the body is not a JSON object')
  }
  return Object.entries(value)
}
