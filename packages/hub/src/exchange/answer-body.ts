import type { Answer } from './exchange.ts'

/** Whether a body is one of several parts. */
export function isParts(body: Answer['body']): body is readonly Uint8Array[] {
  return Array.isArray(body)
}

/** The content-length of a body. */
export function byteLengthOf(body: Answer['body']): number {
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (!isParts(body)) return body.byteLength
  let length = 0
  for (const part of body) length += part.byteLength
  return length
}
