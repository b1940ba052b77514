/** How many octets the arrays in a value hold together. */
export function octetCount(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (ArrayBuffer.isView(value)) return value.byteLength
  let count = 0
  for (const part of Object.values(value)) count += octetCount(part)
  return count
}

/**
 * The same value, but each array of octets in it has its buffer to itself. A clone of an array is a clone of the whole buffer behind it, and that may be a pool with anything else in it.
 */
export function withOwnOctets<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (ArrayBuffer.isView(value)) {
    return value.byteLength === value.buffer.byteLength ? value : (new Uint8Array(value as T & Uint8Array) as T)
  }
  let copy: T | undefined
  for (const [key, part] of Object.entries(value)) {
    const own = withOwnOctets(part)
    if (own === part) continue
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as T
    ;(copy as Record<string, unknown>)[key] = own
  }
  return copy ?? value
}
