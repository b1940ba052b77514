/** How far a copy has come, as its target keeps it. */
export interface CopyNote {
  /** Of the call that writes now: two at once would take each other's records back. */
  readonly run: string
  /** Certificates up to this ordinal are there and were compared; absent: all that there were when the copy began. */
  readonly certificatesAfter?: string
  /** Ledger entries up to this one are there and were compared, and what they tell of is there as it was then, or later. */
  readonly ledgerAfter: number
  /** Where the ledger stood when the copy began: certificates that changed before need not be looked at again. */
  readonly begunAt: number
  /** Whether the source was about to be sealed for this target, and for no other. */
  readonly sealing?: boolean
}

export function encodeCopyNote(note: CopyNote): string {
  return JSON.stringify({ copy: 1, ...note })
}

/** `undefined` for what is no note of a copy, or one of another version: then the copy begins again. */
export function decodeCopyNote(text: string): CopyNote | undefined {
  try {
    const { copy, run, certificatesAfter, ledgerAfter, begunAt, sealing } = JSON.parse(text)
    const isNote =
      copy === 1 &&
      typeof run === 'string' &&
      (certificatesAfter === undefined || typeof certificatesAfter === 'string') &&
      Number.isSafeInteger(ledgerAfter) &&
      Number.isSafeInteger(begunAt)
    if (!isNote) return undefined
    return {
      run,
      ...(certificatesAfter !== undefined && { certificatesAfter }),
      ledgerAfter,
      begunAt,
      ...(sealing === true && { sealing }),
    }
  } catch {
    return undefined
  }
}
