import { AsyncLocalStorage } from 'node:async_hooks'

const skewMilliseconds = new AsyncLocalStorage<number>()

/**
 * Runs something, and everything that comes of it later, by a clock that is off. Many devices of one process have one clock each that way.
 * It is the clock of JavaScript: TLS itself goes by the machine's.
 */
export function withClockSkew<Result>(seconds: number, run: () => Result): Result {
  replaceDate()
  return skewMilliseconds.run(seconds * 1000, run)
}

let isReplaced = false

function replaceDate(): void {
  if (isReplaced) return
  isReplaced = true
  const RealDate = Date
  const now = (): number => RealDate.now() + (skewMilliseconds.getStore() ?? 0)
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  })
}
