/**
 * Which devices were silenced while decisions were on their way. A CONNECT that was judged before a revocation and answered after it would become a session that no kick had seen.
 * Marks live only as long as a decision is pending.
 */
export interface SilenceMarks {
  /** Begins a decision. */
  begin(): Ticket
  mark(deviceId: string): void
}

export interface Ticket {
  /** Whether the device was silenced since the decision began. */
  isSilenced(deviceId: string): boolean
  end(): void
}

export function createSilenceMarks(): SilenceMarks {
  const marks = new Map<string, number>()
  let pending = 0
  let count = 0
  return {
    begin() {
      const start = count
      let isOpen = true
      pending++
      return {
        isSilenced: deviceId => (marks.get(deviceId) ?? 0) > start,
        end() {
          if (!isOpen) return
          isOpen = false
          pending--
          if (pending === 0) marks.clear()
        },
      }
    },
    mark(deviceId) {
      count++
      if (pending > 0) marks.set(deviceId, count)
    },
  }
}
