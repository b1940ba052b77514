/** Octets that count how often one of them is looked at: the reader's steps, where time would be a flaky measure. */
export function countingOctets(bytes: Uint8Array): { readonly octets: Uint8Array; readonly reads: () => number } {
  let reads = 0
  const octets = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && key.charCodeAt(0) <= 0x39) reads++
      const value = Reflect.get(target, key, target)
      return typeof value === 'function'
        ? (...args: unknown[]) => {
            const result = Reflect.apply(value, target, args)
            // Views are read natively, once; what matters is that they are few and do not add up to more than the input.
            if (key === 'slice') throw new Error('the reader copies')
            return result
          }
        : value
    },
  })
  return { octets, reads: () => reads }
}
