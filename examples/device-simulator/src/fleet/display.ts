import type { BackendReport } from '../backend/start-backend.ts'
import { percentiles } from './histogram.ts'
import type { RackStats } from './rack-stats.ts'

/** What a person watches while a fleet runs. */
export interface Display {
  /** Says that something happened. */
  line(text: string): void
  /** Shows how the fleet is now: on a terminal in one line that is written over, elsewhere as a line every ten seconds. */
  show(stats: RackStats, backend: Pick<BackendReport, 'residentMiB'>): void
  /** Leaves the last state standing. */
  end(): void
}

export interface DisplayOptions {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  readonly columns: () => number
  readonly now?: () => number
}

const plainEverySeconds = 10

export function createDisplay({
  write,
  isTerminal,
  columns,
  now = () => performance.now() / 1000,
}: DisplayOptions): Display {
  const startedAt = now()
  let before: { readonly at: number; readonly acknowledged: number; readonly cpuSeconds: number } | undefined
  let shownAt = Number.NEGATIVE_INFINITY
  let live = ''
  const time = (): string => {
    const seconds = Math.floor(now() - startedAt)
    return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
  }
  return {
    line(text) {
      if (live !== '') write('\r\x1b[K')
      write(`${time()}  ${text}\n`)
      if (live !== '') write(live)
    },
    show(stats, backend) {
      const at = now()
      if (!isTerminal && at - shownAt < plainEverySeconds) return
      shownAt = at
      const elapsed = before === undefined ? 0 : at - before.at
      const rate = (value: number, last: number | undefined): number =>
        elapsed > 0 && last !== undefined ? Math.max(0, value - last) / elapsed : 0
      const parts = [
        `${stats.connected}/${stats.devices} connected`,
        ...(stats.starting > 0 ? [`${stats.starting} starting`] : []),
        `${stats.renewing} renewing, ${stats.renewed} renewed`,
        `${sumOf(stats.failing)} failing${codes(stats.failing)}`,
        `${rate(stats.acknowledged, before?.acknowledged).toFixed(0)} messages/s`,
        acknowledged(stats),
        `devices ${stats.residentMiB.toFixed(0)} MiB ${rate(stats.cpuSeconds, before?.cpuSeconds).toFixed(2)} cores`,
        `backend ${backend.residentMiB.toFixed(0)} MiB`,
      ]
      before = { at, acknowledged: stats.acknowledged, cpuSeconds: stats.cpuSeconds }
      const text = `${time()}  ${parts.join(' · ')}`
      if (!isTerminal) return write(`${text}\n`)
      live = text.slice(0, Math.max(20, columns() - 1))
      write(`\r\x1b[K${live}`)
    },
    end() {
      if (live !== '') write('\n')
      live = ''
    },
  }
}

function acknowledged(stats: RackStats): string {
  const found = percentiles(stats.acknowledgeSeconds)
  return found === undefined ? 'nothing acknowledged' : `ack p50 ${duration(found.p50)} p99 ${duration(found.p99)}`
}

/** `0.7 ms`, `1.2 s`, `3 min`. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** ` (ERR_PKI_UNREACHABLE 3, …)`, the most frequent first; nothing for none. */
export function codes(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, one], [, other]) => other - one)
  if (entries.length === 0) return ''
  const shown = entries.slice(0, 3).map(([code, count]) => `${code} ${count}`)
  return ` (${[...shown, ...(entries.length > 3 ? ['…'] : [])].join(', ')})`
}
