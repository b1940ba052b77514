import { memoryStore, type Store } from '@fleetcert/core'

/** A store whose `reserve` waits once it is told to, as behind a slow disk. */
export interface WaitingStore {
  readonly store: Store
  wait(): void
  letGo(): void
}

export function waitingStore(): WaitingStore {
  let waiting = Promise.resolve()
  let letGo = (): void => {}
  const store = new Proxy(memoryStore(), {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (name !== 'reserve' || typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        await waiting
        return Reflect.apply(value, target, args)
      }
    },
  })
  const wait = (): void => {
    waiting = new Promise(resolve => {
      letGo = resolve
    })
  }
  return { store, wait, letGo: () => letGo() }
}
