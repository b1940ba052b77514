/** A line of EMQX releases. */
export type EmqxLine =
  | '4.4'
  | '5.0'
  | '5.1'
  | '5.2'
  | '5.3'
  | '5.4'
  | '5.5'
  | '5.6'
  | '5.7'
  | '5.8'
  | '5.9'
  | '5.10'
  | '6.0'
  | '6.1'
  | '6.2'
  | '6.3'

/** A release of EMQX, such as `5.8.9`, or its line: then nothing is assumed that came to the line later than its first release, but for `5.0` and `5.7`, which mean 5.0.9 and 5.7.2 or later. */
export type EmqxVersion = EmqxLine | `${EmqxLine}.${number}`

/** A release as numbers. @internal */
export interface EmqxRelease {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

const lastMinor: Readonly<Record<number, number>> = { 5: 10, 6: 3 }
// What a line means without a patch: below, the lines' first releases refuse every client without a username (5.0.0 to 5.0.8) or do not know `expire_at` (5.7.0, 5.7.1).
const assumedPatch: Readonly<Record<string, number>> = { '5.0': 9, '5.7': 2 }

/** The release that `version` names, or `undefined` for what is not one known here. @internal */
export function parseEmqxVersion(version: unknown): EmqxRelease | undefined {
  const match = typeof version === 'string' ? /^([456])\.(\d{1,2})(?:\.(\d{1,3}))?$/.exec(version) : null
  if (match === null) return undefined
  const [major, minor] = [Number(match[1]), Number(match[2])]
  const isKnown = major === 4 ? minor === 4 : minor <= lastMinor[major]!
  const line = `${major}.${minor}`
  // "5.08" is not a version.
  if (!isKnown || !match[0].startsWith(`${line}.`) === (match[0] !== line)) return undefined
  return { major, minor, patch: match[3] === undefined ? (assumedPatch[line] ?? 0) : Number(match[3]) }
}

/**
 * Whether a release has what came with `since`: releases in rising order, the last the one that every later line has it from, those before it the backports to older lines.
 *
 * @internal
 */
export function hasSince(release: EmqxRelease, ...since: readonly string[]): boolean {
  let isLaterLine = false
  for (const text of since) {
    const [major, minor, patch] = text.split('.').map(Number) as [number, number, number]
    if (major === release.major && minor === release.minor) return release.patch >= patch
    isLaterLine = major < release.major || (major === release.major && minor < release.minor)
  }
  return isLaterLine
}
