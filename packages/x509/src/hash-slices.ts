import type { IoOptions } from './types.ts'

/** Hashed without a pause: about a millisecond. @internal */
export const sliceOctets: number = 1024 * 1024

/** Gives `parts` to `target` in slices between which the event loop runs. Rejects with the signal's reason. @internal */
export async function hashSlices(
  target: { update(octets: Uint8Array): unknown },
  parts: Iterable<Uint8Array>,
  options: IoOptions,
): Promise<void> {
  let untilPause = sliceOctets
  for (const part of parts) {
    for (let offset = 0; offset < part.length; ) {
      const slice = part.subarray(offset, offset + untilPause)
      target.update(slice)
      offset += slice.length
      untilPause -= slice.length
      if (untilPause > 0) continue
      untilPause = sliceOctets
      await new Promise<void>(resolve => setImmediate(resolve))
      options.signal?.throwIfAborted()
    }
  }
}
