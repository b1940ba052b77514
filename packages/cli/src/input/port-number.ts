import { usageError } from '../output/cli-error.ts'

/** 1 to 65535; with `orAny`, 0 too, for a free one. */
export function portNumber(name: string, text: string, orAny = false): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port < (orAny ? 0 : 1) || port > 65_535) throw usageError(`${name}: expected a port number, not "${text}"`)
  return port
}
