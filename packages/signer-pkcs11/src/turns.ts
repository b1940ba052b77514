/** Lets one after the other do its work, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const done = Promise.withResolvers<void>()
    this.#last = done.promise
    try {
      await before
      return await work()
    } finally {
      done.resolve()
    }
  }
}
