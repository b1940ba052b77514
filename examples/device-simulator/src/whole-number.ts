import { UsageError } from './usage-error.ts'

/**
 * The number of `--name`, as it was typed.
 *
 * @throws UsageError
 */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) throw new UsageError(`--${name} must be a number from ${least} to ${most}.`)
  return value
}
