/** A view so short that it is passed to native code, which takes no Proxy; each of its octets counts as looked at once. */
const shortView = 64

/** Octets that count how often one of them is looked at, in views of them too: the reader's steps, where time would be a flaky measure. */
export function countingOctets(bytes: Uint8Array): { readonly octets: Uint8Array; readonly reads: () => number } {
  let reads = 0
  const count = (view: Uint8Array): Uint8Array => {
    if (view.length <= shortView) {
      reads += view.length
      return view
    }
    return new Proxy(view, {
      get(target, key) {
        if (key === 'subarray') return (start?: number, end?: number) => count(target.subarray(start, end))
        if (key === 'slice') throw new Error('the reader copies')
        if (typeof key === 'string' && /^[0-9]/.test(key)) reads++
        return Reflect.get(target, key, target)
      },
    })
  }
  return { octets: count(bytes), reads: () => reads }
}
