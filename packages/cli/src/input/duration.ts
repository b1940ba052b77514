import { usageError } from '../output/cli-error.ts'

const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 7 * 86_400,
  y: 365 * 86_400,
}

/** Whole seconds of `90m`, `12h`, `30d`, `8w`, `1y`. */
export function durationSeconds(option: string, text: string): number {
  const match = /^([1-9]\d{0,8})([smhdwy])$/.exec(text)
  if (match === null) throw usageError(`${option}: expected a number with s, m, h, d, w or y behind it, not "${text}"`)
  return Number(match[1]) * unitSeconds[match[2]!]!
}
