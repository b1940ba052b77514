import type { Lease } from '@fleetcert/core'
import { assertLeaseSeconds, plainText } from '../arguments.ts'
import type { Change } from '../server.ts'

/** `now`: the store's own time, where it is not the server's. */
export function lease(name: string, holder: string, seconds: number, now: number | undefined): Change {
  assertLeaseSeconds(seconds)
  return {
    do: 'lease',
    name: plainText(name, 'name'),
    holder: plainText(holder, 'holder'),
    milliseconds: Math.round(seconds * 1000),
    ...(now !== undefined && { now }),
  }
}

/** What `lease` of the server answers. */
export function toLease(name: string, answer: unknown): Lease | undefined {
  if (answer === null) return undefined
  const [fence, until] = answer as readonly [number, number]
  return { name, fence, until: new Date(until) }
}

export function releaseLease({ name, fence }: Lease): Change {
  return { do: 'releaseLease', name: plainText(name, 'name'), fence }
}
