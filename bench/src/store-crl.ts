import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { encodeRevokedEntries, fileKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { ordered } from '../../packages/store-redis/src/lua/ordered.ts'
import { revocations } from '../../packages/store-redis/src/lua/revocations.ts'
import { rows as rowParts } from '../../packages/store-redis/src/lua/rows.ts'
import { defineScript } from '../../packages/store-redis/src/script.ts'
import { table, whole } from './auth-http.ts'
import { fillCrlFile, filledReasons, runCrlChild } from './crl.ts'
import type { CrlChildReport } from './crl-child.ts'
import { median } from './measure.ts'
import { noteRedis, startedThings } from './store-servers.ts'

/** A full CRL of `rows` revoked certificates from Redis and back into it, beside the same from and into SQLite: time, and the memory of the process that makes it. */
export async function benchStoreCrl(rows: number, rounds: number): Promise<string> {
  await using started = startedThings()
  const file = started.folder()
  await fillCrlFile(file, rows)
  const networked = started.folder()
  await fillRedis(networked, rows, started)
  // In turn, so that a slow spell of the machine hits both. The first CRL of each process is the one that is made anew.
  const reports: Record<'file' | 'networked', CrlChildReport[]> = { file: [], networked: [] }
  for (let round = 0; round < rounds; round += 1) {
    reports.file.push(runCrlChild(file, 2))
    reports.networked.push(runCrlChild(networked, 2))
  }
  // Each process enrols and revokes one device more for its second CRL.
  const times = (of: readonly CrlChildReport[]): readonly number[] =>
    of.map(({ rounds: made }) => made.at(-1)!.milliseconds)
  const line = (name: string, of: readonly CrlChildReport[]): string[] => {
    const ratios = times(of).map((time, round) => time / times(reports.file)[round]!)
    const peak = Math.max(...of.map(({ peakMebibytes }) => peakMebibytes))
    const base = medianOf(of.map(({ baseMebibytes }) => baseMebibytes))
    const held = Math.max(...of.flatMap(({ rounds: made }) => made.map(one => one.delayMilliseconds)))
    return [
      `${name}, ${whole(rows)} revoked`,
      (medianOf(times(of)) / 1000).toFixed(2),
      medianOf(ratios).toFixed(2),
      (of[0]!.rounds[0]!.octets / 1e6).toFixed(1),
      `${held.toFixed(1)} ms`,
      `${medianOf(of.map(one => one.sliceMilliseconds)).toFixed(1)} ms`,
      `${Math.round(peak)} MiB (${Math.round(base)} before)`,
    ]
  }
  const head = ['full CRL', 'seconds', '× SQLite', 'MB', 'event loop held at most', 'longest slice, CPU', 'peak RSS']
  return table(head, [line('SQLite', reports.file), line('Redis', reports.networked)])
}

const perScript = 500

/**
 * Places of a CRL by the store's own Lua, as revoking leaves them: of what is revoked, a CRL is made of them alone. The rows of the certificates are not there.
 *
 * `issuer, notAfter, date, (encoded date, extensions, serial number)…`
 */
const fillPlaces = defineScript(
  [ordered, rowParts, revocations],
  `
local issuer, not_after, date = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for index = 4, #ARGV, 3 do
  write_place({ issuer = issuer, serial = ARGV[index + 2], shard = 0, ordinal = none, not_after = not_after, date = date }, ARGV[index], ARGV[index + 1], false)
end
`,
)

async function fillRedis(folder: string, rows: number, started: ReturnType<typeof startedThings>): Promise<void> {
  const { url } = await started.redis()
  noteRedis(folder, url)
  const client = await started.client(url)
  const fleet = await openFleet({
    store: redisStore({ client, durability: 'everysec' }),
    keyring: fileKeyring(join(folder, 'keys')),
    background: false,
  })
  const { issuerKeyId } = await fleet.enroll('first')
  await fleet.close()
  const revocationDate = new Date()
  const encoded = filledReasons.map(reason => {
    // 30 L 02 01 01, then date and extensions.
    const entry = Buffer.from(encodeRevokedEntries([{ serialNumber: '01', revocation: { revocationDate, reason } }]))
    const end = 5 + 2 + entry[6]!
    return [entry.subarray(5, end), entry.subarray(end)] as const
  })
  const issuer = Buffer.from(issuerKeyId, 'hex')
  const ends = [String(Date.now() + 365 * 86_400_000), String(revocationDate.getTime())]
  for (let done = 0; done < rows; done += perScript) {
    const places = Array.from({ length: Math.min(perScript, rows - done) }, (_, index) => {
      const serial = randomBytes(16)
      serial[0] = (serial[0]! & 0x7f) | 1
      return [...encoded[index % encoded.length]!, serial]
    })
    await client.sendCommand(['EVAL', fillPlaces.source, '1', '{fleetcert}:', issuer, ...ends, ...places.flat()])
  }
}

function medianOf(values: readonly number[]): number {
  return median(values.toSorted((one, other) => one - other))
}
