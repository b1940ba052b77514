/** Strings in code unit order. Adding is O(1); what was added is sorted in when somebody reads. */
export class SortedKeys {
  #sorted: string[] = []
  #added: string[] = []

  add(key: string): void {
    this.#added.push(key)
  }

  /** The keys behind `key`, in order. */
  *after(key: string): Generator<string> {
    const keys = this.#merged()
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (keys[middle]! <= key) low = middle + 1
      else high = middle
    }
    for (; low < keys.length; low++) yield keys[low]!
  }

  #merged(): readonly string[] {
    if (this.#added.length > 0) {
      // Appending a few keys to a sorted run and sorting again is linear: TimSort merges runs.
      this.#sorted = this.#sorted.concat(this.#added.sort(compare)).sort(compare)
      this.#added = []
    }
    return this.#sorted
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
