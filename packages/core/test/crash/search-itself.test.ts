import { beforeAll, describe, expect, it } from 'vitest'
import { callsOf, crashOnce, failOnce, type SearchOptions } from './crash-search.ts'
import { type FaultyStore, faultyStore, faultyStores } from './faulty-stores.ts'
import { operations } from './operations.ts'
import { makeSpareKeys, type SpareKeys } from './spare-keys.ts'

// A search that finds nothing may be blind: here it has something to find.

let keys: SpareKeys
beforeAll(async () => {
  keys = await makeSpareKeys(40)
})

const searched = operations.filter(({ name }) =>
  [
    'enrol with a CSR',
    'renew',
    'enrol with a token, twice for the lost answer',
    'enrol with a token where a dead process was enrolling with it',
    'renew with the presented certificate',
    'confirm two renewals',
    'the CRL after a revocation',
    'revoke for keyCompromise where two others have the key',
    'revoke all of an owner',
    'a life: enrol, renew, revoke, CRL, enrol again',
  ].includes(name),
)

/** What the search finds, up to what is looked for. */
async function findings(fault: FaultyStore | undefined): Promise<string> {
  const options: SearchOptions = { keys, createStore: clock => faultyStore(fault, clock) }
  const found: string[] = []
  for (const operation of searched) {
    const calls = await callsOf(operation, { keys })
    for (const at of calls.keys()) {
      for (const visit of [
        () => crashOnce(operation, { at: at + 1, fault: 'cutAfter' }, options),
        () => failOnce(operation, { at: at + 1, fault: 'replyLost' }, options),
      ]) {
        await visit().catch((error: Error) => void found.push(error.message))
        if (fault?.found.test(found.at(-1) ?? '')) return found.join('\n')
      }
    }
  }
  return found.join('\n')
}

describe('the crash search', () => {
  it('finds nothing in a store that is sound', async () => {
    expect(await findings(undefined)).toBe('')
  })

  it.each(Object.entries(faultyStores))('finds that a store %s', async (_name, fault) => {
    expect(await findings(fault)).toMatch(fault.found)
  })
})
