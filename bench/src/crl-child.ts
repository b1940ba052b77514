// A process of its own for `pnpm bench crl`, so that its memory is the CRL's alone. Arguments: the fleet's folder, how many CRLs to make. stdout: JSON.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { storeOfFolder } from './store-servers.ts'

/** One CRL, made from the store, signed, checked and stored again. */
export interface CrlRound {
  readonly milliseconds: number
  readonly octets: number
  /** The longest that the event loop was held, by the clock: what other processes of the machine take is in it. */
  readonly delayMilliseconds: number
}

export interface CrlChildReport {
  readonly rounds: readonly CrlRound[]
  /** Of the process before the first. */
  readonly baseMebibytes: number
  readonly peakMebibytes: number
  /** The longest slice by this thread's processor time, of one more CRL: whatever else the machine does. */
  readonly sliceMilliseconds: number
}

/** The most that this process has had. getrusage(2) would tell that of the process that started it, if that was more. */
function mebibytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / 1024
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
}

async function main(directory: string, count: number): Promise<CrlChildReport> {
  const fleet = await openFleet({
    store: await storeOfFolder(directory),
    keyring: fileKeyring(join(directory, 'keys')),
    background: false,
  })
  const baseMebibytes = mebibytes()
  const rounds: CrlRound[] = []
  for (let round = 0; round < count; round += 1) {
    if (round > 0) {
      const deviceId = `late-${process.pid}-${round}`
      await fleet.enroll(deviceId)
      await fleet.revoke(deviceId)
    }
    globalThis.gc?.()
    const histogram = monitorEventLoopDelay({ resolution: 1 })
    histogram.enable()
    // The histogram's own timer runs.
    await new Promise(resolve => setTimeout(resolve, 20))
    histogram.reset()
    const begin = performance.now()
    const { parts } = await fleet.crl()
    const milliseconds = performance.now() - begin
    await new Promise(resolve => setTimeout(resolve, 5))
    histogram.disable()
    const octets = parts.reduce((sum, { length }) => sum + length, 0)
    rounds.push({ milliseconds, octets, delayMilliseconds: histogram.max / 1e6 })
  }
  const peakMebibytes = mebibytes()
  const sliceMilliseconds = await longestSlice(async () => {
    await fleet.enroll(`last-${process.pid}`)
    await fleet.revoke(`last-${process.pid}`)
    await fleet.crl()
  })
  await fleet.close()
  return { rounds, baseMebibytes, peakMebibytes, sliceMilliseconds }
}

/** Turns of the event loop, one after the other without a pause. */
async function longestSlice(work: () => Promise<void>): Promise<number> {
  let longest = 0
  let isDone = false
  const processorTime = (): number => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let before = processorTime()
  const turn = (): void => {
    const now = processorTime()
    longest = Math.max(longest, now - before)
    before = now
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  isDone = true
  return longest
}

process.stdout.write(JSON.stringify(await main(process.argv[2]!, Number(process.argv[3]))))
