/** What the suites need of a test runner. Those of vitest, node:test, Jest and Mocha fit. Assertions come from `node:assert/strict`. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  it: ((name: string, body: () => Promise<void>) => unknown) & {
    /** Used for what is skipped, if the runner has it. */
    readonly skip?: unknown
  }
}

type Skip = (name: string, body: () => Promise<void>) => unknown

/** Shows a skipped test with its reason; a runner without `skip` shows it as passed, under a name that says so. */
export function skipTest(runner: TestRunner, name: string, reason: string): void {
  const skipped = `${name} (skipped: ${reason})`
  const body = async (): Promise<void> => {}
  if (typeof runner.it.skip === 'function') (runner.it.skip as Skip)(skipped, body)
  else runner.it(skipped, body)
}
