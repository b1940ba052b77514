/** What tells a responder whether a status that it has read is still so. */
export interface StatusWatch {
  /** Rises with every change that was heard of. What was read before a change and signed after it is not kept. */
  readonly epoch: number
  /** Whether all changes up to a moment ago have been heard of, so that what is kept may be given out unasked. */
  isFresh(): boolean
  /** Hears of what has changed, from the first call on. Resolves whether it is all heard of now. Rejects when that cannot be known. */
  refresh(): Promise<boolean>
}

/** Hears of nothing, so nothing is given out unasked. */
export const noWatch: StatusWatch = {
  epoch: 0,
  isFresh: () => false,
  refresh: async () => false,
}
