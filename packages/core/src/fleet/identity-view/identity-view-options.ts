/** How many certificates are kept in memory for `identify`. Both bounds hold. */
export interface IdentityViewOptions {
  /** Octets; default 128 MiB, about 220,000 devices. 0 keeps none, and the store is asked each time. */
  readonly cacheBytes?: number
  /** Certificates; default 1,000,000. */
  readonly cacheEntries?: number
}

/** {@link IdentityViewOptions} with nothing left open. @throws RangeError */
export function identityViewOptions(options: IdentityViewOptions = {}): Required<IdentityViewOptions> {
  const { cacheBytes = 128 * 1024 * 1024, cacheEntries = 1_000_000 } = options
  for (const [name, value] of Object.entries({ cacheBytes, cacheEntries })) {
    if (!Number.isSafeInteger(value) || value < 0 || value > 2 ** 40) {
      throw new RangeError(`identityView.${name}: expected a whole number from 0 to 2^40`)
    }
  }
  return { cacheBytes, cacheEntries }
}
