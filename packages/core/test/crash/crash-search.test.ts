import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  type CrashPoint,
  callsOf,
  crashAndHurry,
  crashOnce,
  crashTwice,
  cuts,
  failOnce,
  failures,
  recoveryCalls,
  type SearchOptions,
  searchPoints,
} from './crash-search.ts'
import { type Operation, operations } from './operations.ts'
import { makeSpareKeys } from './spare-keys.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
/** Of these the crash points of the recovery are searched too; in the long run of all. */
const twice: readonly string[] = ['first start', 'enrol with a CSR', 'renew', 'the CRL after a revocation']
const timeout = 600_000

let options: SearchOptions
let points = 0
let runs = 0
beforeAll(async () => {
  options = { keys: await makeSpareKeys(40) }
})
afterAll(() => {
  console.info(`crash search: ${operations.length} operations, ${points} calls, ${runs} runs`)
})

describe.each(operations.map(operation => [operation.name, operation] as const))('%s', (name, operation) => {
  it('survives the power cut before and after each call', { timeout }, async () => {
    points += (await callsOf(operation, options)).length
    runs += await searchPoints(operation, cuts, crashOnce, options)
  })

  // A first start waits for the lease of the one that died, in real time.
  if (isLong || !operation.isFirstStart)
    it('survives it when it is started again at once', { timeout }, async () => {
      runs += await searchPoints(operation, cuts, crashAndHurry, options)
    })

  it('survives the failure of each call', { timeout }, async () => {
    runs += await searchPoints(operation, failures, failOnce, options)
  })

  if (isLong || twice.includes(name))
    it('survives a second cut while it recovers', { timeout }, async () => {
      await searchPoints(operation, cuts, crashAgain, options)
    })
})

/** Cuts the recovery from that point short, too: everywhere; in the short run at every ninth place, of each first cut at others. */
async function crashAgain(operation: Operation, first: CrashPoint): Promise<void> {
  const calls = await recoveryCalls(operation, first, options)
  for (let at = 1; at <= calls; at += 1) {
    for (const [index, fault] of cuts.entries()) {
      if (!isLong && (first.at + 2 * at + index) % 9 !== 0) continue
      runs += 1
      await crashTwice(operation, first, { at, fault }, options).catch((error: Error) => {
        throw new Error(`then ${fault} at call ${at} of the recovery: ${error.message}`, { cause: error })
      })
    }
  }
}
