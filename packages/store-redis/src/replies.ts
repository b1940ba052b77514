import { storeCorrupt } from './store-errors.ts'

// What scripts answer. A client that gives text for octets, or a script of another version, must not go unnoticed.

/** A list of a script's answer. */
export function listOf(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw storeCorrupt('an answer is no list')
  return reply
}

/** A string, as octets. */
export function octetsOf(reply: unknown): Buffer {
  if (!Buffer.isBuffer(reply)) throw storeCorrupt('an answer is no octets')
  return reply
}

/** A string that is ours: ASCII. */
export function textOf(reply: unknown): string {
  return octetsOf(reply).toString('latin1')
}

/** A number, sent as one or as text. */
export function numberOf(reply: unknown): number {
  // ioredis has a setting that makes text of all numbers.
  const value = typeof reply === 'number' || typeof reply === 'string' ? Number(reply) : Number(textOf(reply))
  if (!Number.isFinite(value)) throw storeCorrupt('an answer is no number')
  return value
}

/** Nothing, of either protocol. */
export function isNothing(reply: unknown): boolean {
  return reply === null || reply === undefined || (Buffer.isBuffer(reply) && reply.length === 0)
}
