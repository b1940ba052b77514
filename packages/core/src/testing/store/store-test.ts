import assert from 'node:assert/strict'
import type { Store } from '../../store/store.ts'
import { skipTest, type TestRunner } from '../test-runner.ts'
import { Fixture } from './fixture.ts'

/** One store with its data, as the suite gets it for one test. */
export interface StoreSubject {
  /** Over empty data. The suite opens it. */
  readonly store: Store
  /** Ends `store` as a crash or a restart would, and opens the same data again. */
  readonly reopen?: () => Promise<Store>
  /** Another handle on the same data, as another process would have it. Calls race between the two. */
  readonly second?: () => Promise<Store>
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>
}

/** What a store may have no way to show. */
export type SkippableName = 'reopen' | 'second'

export interface StoreFactory {
  create(): Promise<StoreSubject>
  /** Tests that cannot be run on this store, each with the reason that is shown. */
  readonly skip?: Readonly<Partial<Record<SkippableName, string>>>
}

export interface StoreTestContext {
  readonly store: Store
  readonly fixture: Fixture
}

/** Declares tests, each with an empty store of its own. */
export interface StoreTest {
  (name: string, body: (context: StoreTestContext) => Promise<void>): void
  /** With a function that opens the same data again. */
  reopen(name: string, body: (context: StoreTestContext & { reopen: () => Promise<Store> }) => Promise<void>): void
  /** With a second handle on the same data. */
  second(name: string, body: (context: StoreTestContext & { second: Store }) => Promise<void>): void
  /** With another store, over empty data of its own. */
  target(name: string, body: (context: StoreTestContext & { target: Store }) => Promise<void>): void
}

export function storeTest(runner: TestRunner, factory: StoreFactory): StoreTest {
  const declare = (name: string, body: (subject: StoreSubject, context: StoreTestContext) => Promise<void>): void => {
    runner.it(name, async () => {
      const subject = await factory.create()
      try {
        await subject.store.open()
        await body(subject, { store: subject.store, fixture: new Fixture(subject.store) })
      } finally {
        await subject.dispose()
      }
    })
  }
  const test = (name: string, body: (context: StoreTestContext) => Promise<void>): void =>
    declare(name, (_, context) => body(context))

  return Object.assign(test, {
    reopen(name: string, body: (context: StoreTestContext & { reopen: () => Promise<Store> }) => Promise<void>): void {
      if (factory.skip?.reopen !== undefined) {
        skipTest(runner, name, factory.skip.reopen)
        return
      }
      declare(name, async (subject, context) => {
        assert(subject.reopen, 'the factory must give `reopen`, or a reason in `skip.reopen`')
        const { reopen } = subject
        await body({
          ...context,
          reopen: async () => {
            const store = await reopen()
            await store.open()
            return store
          },
        })
      })
    },

    target(name: string, body: (context: StoreTestContext & { target: Store }) => Promise<void>): void {
      declare(name, async (_, context) => {
        const other = await factory.create()
        try {
          await other.store.open()
          await body({ ...context, target: other.store })
        } finally {
          await other.dispose()
        }
      })
    },

    second(name: string, body: (context: StoreTestContext & { second: Store }) => Promise<void>): void {
      if (factory.skip?.second !== undefined) {
        skipTest(runner, name, factory.skip.second)
        return
      }
      declare(name, async (subject, context) => {
        assert(subject.second, 'the factory must give `second`, or a reason in `skip.second`')
        const second = await subject.second()
        await second.open()
        await body({ ...context, second })
      })
    },
  })
}
