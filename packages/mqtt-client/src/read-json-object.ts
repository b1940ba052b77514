/** A JSON object in UTF-8 of at most `limitBytes`; `undefined` for all else. */
export function readJsonObject(payload: Uint8Array, limitBytes: number): Readonly<Record<string, unknown>> | undefined {
  if (payload.length > limitBytes) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
