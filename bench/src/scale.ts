import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Fleet, memoryKeyring, openFleet, type Store } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { median } from './measure.ts'
import { makeSamples, type Sample } from './samples.ts'

/** Issuing on SQLite with a thousand certificates in the file and with `rows` (default a million), 64 callers, and how long the event loop is held up meanwhile. */
export async function benchScale({
  count = 3000,
  rounds = 5,
  rows = 1_000_000,
}: {
  count?: number
  rounds?: number
  rows?: number
} = {}): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const file = join(directory, 'fleet.db')
  const store = sqliteStore({ file })
  const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
  const samples = await makeSamples(count)
  const lines = [
    '| certificates in the file | per second (median) | min–max | event loop delay p50 / p99 / max |',
    '| --- | --- | --- | --- |',
  ]
  const rates: number[] = []
  try {
    for (const [index, size] of [1000, rows].entries()) {
      const start = performance.now()
      await fill(store, fleet, size - (index === 0 ? 0 : 1000))
      if (index > 0)
        process.stderr.write(
          `filled in ${Math.round((performance.now() - start) / 1000)} s, ${Math.round(statSync(file).size / 1e6)} MB\n`,
        )
      const { rate, sorted, delay } = await measure(fleet, samples, rounds)
      rates.push(rate)
      lines.push(
        `| ${size.toLocaleString('en-US')} | ${Math.round(rate)} | ${Math.round(sorted[0]!)}–${Math.round(sorted.at(-1)!)} | ${delay} |`,
      )
    }
    return `${lines.join('\n')}\n\nRatio: ${(rates[1]! / rates[0]!).toFixed(2)}`
  } finally {
    await fleet.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

let device = 0

async function measure(
  fleet: Fleet,
  samples: readonly Sample[],
  rounds: number,
): Promise<{ rate: number; sorted: number[]; delay: string }> {
  const rates: number[] = []
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  for (let round = 0; round <= rounds; round += 1) {
    if (round === 1) histogram.enable()
    const start = performance.now()
    let next = 0
    const caller = async (): Promise<void> => {
      while (next < samples.length) {
        const { csr } = samples[next]!
        next += 1
        device += 1
        await fleet.enroll(`scale-${device}`, { csr })
      }
    }
    await Promise.all(Array.from({ length: 64 }, caller))
    // The first round warms up.
    if (round > 0) rates.push((samples.length / (performance.now() - start)) * 1000)
  }
  histogram.disable()
  const sorted = rates.toSorted((a, b) => a - b)
  const ms = (nanoseconds: number): string => (nanoseconds / 1e6).toFixed(1)
  const delay = `${ms(histogram.percentile(50))} / ${ms(histogram.percentile(99))} / ${ms(histogram.max)} ms`
  return { rate: median(sorted), sorted, delay }
}

/** Rows as issuing leaves them, without the signatures: the same calls of the store, octets at random. */
async function fill(store: Store, fleet: Fleet, count: number): Promise<void> {
  let issuerKeyId = ''
  for await (const issuer of fleet.issuers()) issuerKeyId = issuer.issuerKeyId
  let left = count
  const holder = { instance: 'fill', leaseUntil: new Date(Date.now() + 3_600_000) }
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const serial = randomBytes(16)
      serial[0] = (serial[0]! & 0x7f) | 1
      const id = { issuerKeyId, serialNumber: serial.toString('hex') }
      const der = randomBytes(560)
      const now = new Date()
      await store.reserve(
        {
          id,
          role: 'device',
          profile: 'device',
          deviceId: `fill-${id.serialNumber}`,
          publicKeyHash: createHash('sha256').update(der).digest(),
          notBefore: now,
          notAfter: new Date(now.getTime() + 365 * 86_400_000),
          shard: 0,
          createdAt: now,
          tbsCertificate: der.subarray(0, 480),
          holder,
          expect: 'newDevice',
        },
        [{ type: 'issuing', at: now, certificate: id }],
      )
      await store.commit(id, der, [{ type: 'issued', at: now, certificate: id }])
    }
  }
  await Promise.all(Array.from({ length: 256 }, worker))
}
