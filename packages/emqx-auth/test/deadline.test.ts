import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDeadline } from '../src/deadline.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const outcomes = { decided: (value: string) => value, failed: () => 'failed', late: () => 'late' }
const gate = () => Promise.withResolvers<string>()

describe('a deadline', () => {
  it('gives each what becomes of its work, and each once', async () => {
    const within = createDeadline(4)
    expect(await within(() => 'at once', outcomes)).toBe('at once')
    expect(await within(async () => 'soon', outcomes)).toBe('soon')
    expect(await within(() => Promise.reject(new Error('no')), outcomes)).toBe('failed')
    const thrown = (): never => {
      throw new Error('no')
    }
    expect(await within(thrown, outcomes)).toBe('failed')
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1)
  })

  it('is over for each at its own time', async () => {
    const within = createDeadline(4)
    const late = vi.fn(() => 'late')
    const [first, second, third] = [gate(), gate(), gate()]
    const answers: string[] = []
    const ask = (work: PromiseWithResolvers<string>): void =>
      void within(() => work.promise, { ...outcomes, late }).then(answer => answers.push(answer))
    ask(first)
    await vi.advanceTimersByTimeAsync(1000)
    ask(second)
    await vi.advanceTimersByTimeAsync(1000)
    ask(third)
    second.resolve('second')
    await vi.advanceTimersByTimeAsync(1999)
    expect(answers).toEqual(['second'])
    await vi.advanceTimersByTimeAsync(1)
    expect(answers).toEqual(['second', 'late'])
    await vi.advanceTimersByTimeAsync(1999)
    expect(late).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(answers).toEqual(['second', 'late', 'late'])
    // What comes too late changes nothing.
    first.resolve('first')
    third.reject(new Error('no'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(answers).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps next to nothing of thousands that are over, behind one that is not', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const within = createDeadline(4)
    const never = within(() => gate().promise, outcomes)
    const requests: WeakRef<object>[] = []
    const ask = async (index: number): Promise<void> => {
      const request = { index }
      requests.push(new WeakRef(request))
      await within(async () => String(request.index), outcomes)
    }
    for (let index = 0; index < 5000; index += 1) await ask(index)
    expect(vi.getTimerCount()).toBe(1)
    // A WeakRef that was made in this turn of the event loop keeps what it points to.
    await new Promise(resolve => setImmediate(resolve))
    collect()
    expect(requests.filter(request => request.deref() !== undefined).length).toBeLessThan(2000)
    await vi.advanceTimersByTimeAsync(4000)
    expect(await never).toBe('late')
  })

  it('is heard of by who asks for more at once', async () => {
    const within = createDeadline(4)
    const more: Promise<string>[] = []
    const late = (): string => {
      more.push(within(() => gate().promise, outcomes))
      return 'late'
    }
    const asked = [1, 2, 3].map(() => within(() => gate().promise, { ...outcomes, late }))
    await vi.advanceTimersByTimeAsync(4000)
    expect(await Promise.all(asked)).toEqual(['late', 'late', 'late'])
    await vi.advanceTimersByTimeAsync(4000)
    expect(await Promise.all(more)).toEqual(['late', 'late', 'late'])
  })

  it('rejects with what an outcome throws', async () => {
    const within = createDeadline(4)
    const broken = (): never => {
      throw new Error('broken')
    }
    await expect(within(async () => 'done', { ...outcomes, decided: broken })).rejects.toThrow('broken')
    const late = within(() => gate().promise, { ...outcomes, late: broken })
    late.catch(() => {})
    await vi.advanceTimersByTimeAsync(4000)
    await expect(late).rejects.toThrow('broken')
  })
})
