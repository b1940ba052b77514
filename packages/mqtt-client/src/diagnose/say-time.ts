/** A date for a person: to the second, UTC. */
export function sayDate(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'a time that cannot be read' : date.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** A length of time in its largest fitting unit. */
export function sayDuration(milliseconds: number): string {
  const seconds = Math.abs(milliseconds) / 1000
  const [unit, name] = (
    [
      [31_557_600, 'year'],
      [86_400, 'day'],
      [3600, 'hour'],
      [60, 'minute'],
    ] as const
  ).find(([size]) => seconds >= 2 * size) ?? [1, 'second']
  const count = Math.round(seconds / unit)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
