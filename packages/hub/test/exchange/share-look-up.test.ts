import { expect, test } from 'vitest'
import { shareLookUp } from '../../src/exchange/share-look-up.ts'

function steered() {
  const runs: PromiseWithResolvers<number>[] = []
  const share = shareLookUp(() => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  })
  return { runs, share }
}

test('who comes while it runs waits for the next run, together with all others', async () => {
  const { runs, share } = steered()
  const first = share()
  const others = Array.from({ length: 20 }, share)
  expect(runs).toHaveLength(1)
  runs[0]!.resolve(1)
  expect(await first).toBe(1)
  await new Promise(resolve => setImmediate(resolve))
  expect(runs).toHaveLength(2)
  const late = share()
  runs[1]!.resolve(2)
  expect(await Promise.all(others)).toEqual(Array.from({ length: 20 }, () => 2))
  await new Promise(resolve => setImmediate(resolve))
  expect(runs).toHaveLength(3)
  runs[2]!.resolve(3)
  expect(await late).toBe(3)
})

test('a failure is that run’s alone', async () => {
  const { runs, share } = steered()
  const first = share()
  const second = share()
  runs[0]!.reject(new Error('down'))
  await expect(first).rejects.toThrow('down')
  await new Promise(resolve => setImmediate(resolve))
  runs[1]!.resolve(2)
  expect(await second).toBe(2)
  const third = share()
  runs[2]!.resolve(3)
  expect(await third).toBe(3)
})
