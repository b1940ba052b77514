/** A full CRL that a delta CRL may start from. */
export interface CrlBase {
  readonly crlNumber: bigint
  /** Of the scope's changes, when it was made. */
  readonly position: string
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}

/** What is kept beside a CRL to know whether it still says all, and what the next one begins with. */
export interface CrlNote {
  /** Of the scope's changes: all up to there is on it. */
  readonly position: string
  /** Version of the fleet's settings that it was made under: they decide its extensions. */
  readonly settings: number
  /** Full CRLs that somebody may still hold, oldest first; absent where no delta CRLs are made. */
  readonly bases?: readonly CrlBase[]
}

export function encodeCrlNote({ position, settings, bases }: CrlNote): string {
  return JSON.stringify({
    position,
    settings,
    bases: bases?.map(base => [
      base.crlNumber.toString(),
      base.position,
      base.thisUpdate.getTime(),
      base.nextUpdate.getTime(),
    ]),
  })
}

/** `undefined` for a CRL without a note, or with one that is not understood: then it is made anew, and nothing is left out of the new one. */
export function decodeCrlNote(text: string | undefined): CrlNote | undefined {
  if (text === undefined) return undefined
  try {
    const { position, settings, bases } = JSON.parse(text)
    if (typeof position !== 'string' || !Number.isSafeInteger(settings)) return undefined
    return {
      position,
      settings,
      ...(Array.isArray(bases) && { bases: bases.map(toBase) }),
    }
  } catch {
    return undefined
  }
}

function toBase([crlNumber, position, thisUpdate, nextUpdate]: [string, string, number, number]): CrlBase {
  return { crlNumber: BigInt(crlNumber), position, thisUpdate: new Date(thisUpdate), nextUpdate: new Date(nextUpdate) }
}
