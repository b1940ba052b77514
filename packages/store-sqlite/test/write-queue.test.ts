import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { WriteCall } from '../src/write-call.ts'
import { WriteQueue } from '../src/write-queue.ts'

const call = (argument: unknown): WriteCall => ({ name: 'nextCrlNumber', args: [argument] })
const argumentsOf = (calls: readonly WriteCall[]): unknown[] => calls.map(({ args }) => args[0])

/** A queue whose batches are settled by hand. */
function createQueue(capacity = 2) {
  const batches: unknown[][] = []
  const busy: boolean[] = []
  const queue = new WriteQueue({
    capacity,
    execute: calls => batches.push(argumentsOf(calls)),
    setBusy: isBusy => busy.push(isBusy),
  })
  const settle = (index: number): void =>
    queue.settle(
      1,
      batches[index]!.map(argument => ({ result: argument })),
    )
  return { queue, batches, busy, settle }
}

describe('WriteQueue', () => {
  it('gives a lone call at once, and all calls of one turn together', async () => {
    const { queue, batches, settle } = createQueue()
    const lone = queue.write(call('lone'))
    await new Promise(resolve => process.nextTick(resolve))
    expect(batches).toEqual([['lone']])
    settle(0)
    expect(await lone).toBe('lone')

    const together = [1, 2, 3].map(number => queue.write(call(number)))
    // A promise job of the same turn.
    await Promise.resolve()
    together.push(queue.write(call(4)))
    await nextTurn()
    expect(batches.slice(1)).toEqual([[1, 2, 3, 4]])
    settle(1)
    expect(await Promise.all(together)).toEqual([1, 2, 3, 4])
  })

  it('gathers what comes while its capacity is used up, and gives it when an answer has come', async () => {
    const { queue, batches, settle } = createQueue()
    const results: Promise<unknown>[] = []
    for (let number = 0; number < 6; number += 1) {
      results.push(queue.write(call(number)))
      await nextTurn()
    }
    expect(batches).toEqual([[0], [1]])
    settle(0)
    await nextTurn()
    expect(batches).toEqual([[0], [1], [2, 3, 4, 5]])
    settle(1)
    settle(2)
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('bounds a batch by its calls and by its octets', async () => {
    const { queue, batches } = createQueue(10)
    for (let number = 0; number < 600; number += 1) void queue.write(call(number))
    for (let turn = 0; turn < 5; turn += 1) await nextTurn()
    expect(batches.map(batch => batch.length)).toEqual([256, 256, 88])

    const large = createQueue(10)
    const octets = (size: number) => ({ parts: [new Uint8Array(size)] })
    for (const size of [600_000, 400_000, 300_000, 5_000_000, 1]) void large.queue.write(call(octets(size)))
    for (let turn = 0; turn < 5; turn += 1) await nextTurn()
    expect(large.batches.map(batch => batch.length)).toEqual([2, 1, 1, 1])
  })

  it('answers in order, some callers in each turn', async () => {
    const { queue, settle } = createQueue()
    const order: number[] = []
    for (let number = 0; number < 40; number += 1) void queue.write(call(number)).then(() => order.push(number))
    await nextTurn()
    settle(0)
    await Promise.resolve()
    const first = order.length
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(40)
    await queue.drain()
    await nextTurn()
    expect(order).toEqual(Array.from({ length: 40 }, (_, number) => number))
  })

  it('takes a waiting call back when its signal aborts, and lets one that was given run to its end', async () => {
    const { queue, batches, settle } = createQueue(1)
    const controller = new AbortController()
    const reason = new Error('given up')
    const given = queue.write(call('given'), controller.signal)
    await nextTurn()
    const waiting = queue.write(call('waiting'), controller.signal)
    const other = queue.write(call('other'))
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    settle(0)
    expect(await given).toBe('given')
    await nextTurn()
    expect(batches).toEqual([['given'], ['other']])
    settle(1)
    expect(await other).toBe('other')
  })

  it('rejects what has no answer yet when its executor fails, and goes on', async () => {
    const { queue, batches, settle } = createQueue(1)
    const error = new Error('gone')
    const answered = queue.write(call('answered'))
    await nextTurn()
    const lost = [queue.write(call('waiting'))]
    settle(0)
    await nextTurn()
    lost.push(queue.write(call('waiting too')))
    queue.fail(error)
    expect(await answered).toBe('answered')
    for (const result of await Promise.allSettled(lost)) expect(result).toEqual({ status: 'rejected', reason: error })
    const next = queue.write(call('next'))
    await nextTurn()
    expect(batches.at(-1)).toEqual(['next'])
    settle(batches.length - 1)
    expect(await next).toBe('next')
  })

  it('is drained when every call has its answer, or was taken back', async () => {
    const { queue, settle } = createQueue(1)
    await queue.drain()
    const controller = new AbortController()
    let isDrained = false
    const first = queue.write(call(1))
    await nextTurn()
    const second = queue.write(call(2), controller.signal)
    const drained = queue.drain().then(() => {
      isDrained = true
    })
    settle(0)
    await first
    expect(isDrained).toBe(false)
    controller.abort()
    await expect(second).rejects.toThrow('aborted')
    await drained
    expect(isDrained).toBe(true)
  })

  it('says when it has work', async () => {
    const { queue, busy, settle } = createQueue()
    const both = [queue.write(call(1)), queue.write(call(2))]
    expect(busy).toEqual([true])
    await nextTurn()
    settle(0)
    await Promise.all(both)
    expect(busy).toEqual([true, false])
  })

  it('gives other work its turn between batches that are executed in place', async () => {
    const events: string[] = []
    const queue: WriteQueue = new WriteQueue({
      capacity: 1,
      execute(calls) {
        events.push(`batch of ${calls.length}`)
        queue.settle(
          1,
          calls.map(() => ({ result: undefined })),
        )
      },
    })
    const writes = Array.from({ length: 600 }, (_, number) => queue.write(call(number)))
    const turn = (): void => {
      events.push('turn')
      if (events.length < 20) setImmediate(turn)
    }
    setImmediate(turn)
    await Promise.all(writes)
    const batches = events.flatMap((event, index) => (event.startsWith('batch') ? [index] : []))
    expect(batches.length).toBe(3)
    for (const index of batches.slice(1)) expect(events[index - 1]).toBe('turn')
  })
})
