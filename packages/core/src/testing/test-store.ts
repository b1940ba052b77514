import { abandonTests } from './store/abandon-tests.ts'
import { commitTests } from './store/commit-tests.ts'
import { crlEntriesTests } from './store/crl-entries-tests.ts'
import { crlTests } from './store/crl-tests.ts'
import { documentTests } from './store/document-tests.ts'
import { leaseTests } from './store/lease-tests.ts'
import { ledgerTests } from './store/ledger-tests.ts'
import { lifecycleTests } from './store/lifecycle-tests.ts'
import { listingTests } from './store/listing-tests.ts'
import { pruneTests } from './store/prune-tests.ts'
import { raceTests } from './store/race-tests.ts'
import { registerTests } from './store/register-tests.ts'
import { reserveTests } from './store/reserve-tests.ts'
import { revokeAllTests } from './store/revoke-all-tests.ts'
import { revokeTests } from './store/revoke-tests.ts'
import { revokedTests } from './store/revoked-tests.ts'
import { statusTests } from './store/status-tests.ts'
import { type StoreFactory, type StoreTest, storeTest } from './store/store-test.ts'
import { supersedeTests } from './store/supersede-tests.ts'
import { tokenTests } from './store/token-tests.ts'
import { transferTests } from './store/transfer-tests.ts'
import type { TestRunner } from './test-runner.ts'

const groups: Readonly<Record<string, (test: StoreTest) => void>> = {
  reserve: reserveTests,
  tokens: tokenTests,
  commit: commitTests,
  supersede: supersedeTests,
  abandon: abandonTests,
  register: registerTests,
  revoke: revokeTests,
  revokeAll: revokeAllTests,
  revoked: revokedTests,
  listings: listingTests,
  status: statusTests,
  ledger: ledgerTests,
  'CRL entries': crlEntriesTests,
  crl: crlTests,
  documents: documentTests,
  leases: leaseTests,
  prune: pruneTests,
  lifecycle: lifecycleTests,
  races: raceTests,
  transfer: transferTests,
}

/**
 * The conformance suite of `Store`: a store that passes keeps every promise of the interface. Declares its tests with the given runner; each gets a store of its own from the factory.
 *
 * @example
 * ```ts
 * import { testStore } from '@fleetcert/core/testing'
 * import { describe, it } from 'node:test'
 *
 * testStore({ describe, it }, {
 *   async create() {
 *     const store = myStore()
 *     return { store, dispose: () => store.close() }
 *   },
 *   skip: { reopen: 'nothing is kept', second: 'one process only' },
 * })
 * ```
 */
export function testStore(runner: TestRunner, factory: StoreFactory): void {
  for (const [name, declare] of Object.entries(groups)) {
    runner.describe(`store: ${name}`, () => declare(storeTest(runner, factory)))
  }
}
