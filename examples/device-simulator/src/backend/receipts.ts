/** What of one device's life (it begins anew with each power cut) has arrived. */
export interface Receipt {
  /** Arrivals, duplicates included. */
  readonly received: number
  /** Different messages. */
  readonly distinct: number
  /** Everything from 1 to here has arrived. */
  readonly completeUpTo: number
}

/** By `deviceId boot`. */
export type ReceiptsReport = Readonly<Record<string, Receipt>>

export interface Receipts {
  /** `isRedelivery`: a broker's second attempt to hand a message on, which says nothing of the device. */
  arrived(topic: string, payload: Uint8Array, isRedelivery?: boolean): void
  report(): ReceiptsReport
  readonly total: number
}

/** Counts the telemetry that has arrived: each message says its device's life and its number in it, so that nothing can be lost or doubled unseen. */
export function createReceipts(): Receipts {
  const lives = new Map<string, { received: number; distinct: number; next: number; beyond: Set<number> }>()
  let total = 0
  return {
    arrived(topic, payload, isRedelivery = false) {
      const deviceId = /^users\/[^/]+\/devices\/([^/]+)\/telemetry$/.exec(topic)?.[1]
      if (deviceId === undefined) return
      const { boot, seq } = JSON.parse(Buffer.from(payload).toString()) as { boot: number; seq: number }
      total += 1
      const key = `${deviceId} ${boot}`
      let life = lives.get(key)
      if (life === undefined) {
        life = { received: 0, distinct: 0, next: 1, beyond: new Set() }
        lives.set(key, life)
      }
      const isKnown = seq < life.next || life.beyond.has(seq)
      if (isKnown && isRedelivery) return
      life.received += 1
      if (isKnown) return
      life.distinct += 1
      life.beyond.add(seq)
      while (life.beyond.delete(life.next)) life.next += 1
    },
    report: () =>
      Object.fromEntries(
        [...lives].map(([key, { received, distinct, next }]) => [key, { received, distinct, completeUpTo: next - 1 }]),
      ),
    get total() {
      return total
    },
  }
}
