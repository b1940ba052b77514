import { hash, timingSafeEqual } from 'node:crypto'

/**
 * A test for one of `secrets` in constant time: digests are compared, so neither the length nor the place of the first difference shows, and every secret is tried.
 * @throws TypeError for no secrets, or one that no header can carry unchanged
 */
export function secretTest(label: string, secrets: string | readonly string[]): (candidate: string) => boolean {
  if (secrets === undefined) throw new TypeError(unset(label))
  const list = typeof secrets === 'string' ? [secrets] : secrets
  if (!Array.isArray(list) || list.length === 0) throw new TypeError(`${label}: expected a string or some strings`)
  const digests = list.map(secret => {
    // An unset environment variable must fail at start, not let `Bearer undefined` in.
    if (secret === undefined) throw new TypeError(unset(label))
    if (typeof secret !== 'string' || !/^[\x21-\x7e]+$/.test(secret)) {
      throw new TypeError(`${label}: expected one or more printable ASCII characters without spaces`)
    }
    return sha256(secret)
  })
  return candidate => {
    const digest = sha256(candidate)
    let found = false
    for (const expected of digests) found = timingSafeEqual(digest, expected) || found
    return found
  }
}

function unset(label: string): string {
  return `${label} is undefined (environment variable not set?)`
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
