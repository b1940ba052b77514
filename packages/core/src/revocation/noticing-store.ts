import type { Events, Store } from '../store/store.ts'

/** Who is told of this process's own changes. */
export interface ChangeNotice {
  /** Something may have changed; what, the ledger tells. */
  expire(): void
  /** This device's certificates may have ended; without one: those of anybody. The ledger tells. */
  doubt(deviceId: string | undefined): void
  /** What may have changed is what these entries say. */
  note(events: Events): void
}

/**
 * The store, which tells `notice` of every call that may have changed what a certificate is worth, before its caller hears of it: each page of a long revocation, too. Also of calls that failed, for they may have
 * taken effect.
 * @param replaced methods in place of the store's own
 */
export function noticingStore(store: Store, notice: ChangeNotice, replaced: Partial<Store> = {}): Store {
  const expiring = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call
    } finally {
      notice.expire()
    }
  }
  /** For what ends certificates, of one device if it is known which. */
  const ending = async <T>(call: Promise<T>, deviceId: string | undefined): Promise<T> => {
    try {
      return await expiring(call)
    } finally {
      notice.doubt(deviceId)
    }
  }
  const noting = async <T>(call: Promise<T>, events: Events): Promise<T> => {
    let answer: T
    try {
      answer = await call
    } catch (error) {
      notice.expire()
      throw error
    }
    notice.note(events)
    return answer
  }
  const changes = {
    ...replaced,
    revoke: (...args) => ending(store.revoke(...args), args[2][0]?.deviceId),
    revokeDevice: (...args) => ending(store.revokeDevice(...args), args[0]),
    revokeAll: (...args) => ending(store.revokeAll(...args), undefined),
    release: (...args) => expiring(store.release(...args)),
    supersede: (...args) => ending(store.supersede(...args), args[2].deviceId),
    // Thousands a second where a fleet is made or renewed: what they change is in their events.
    commit: (...args) => noting(store.commit(...args), args[2]),
    register: (...args) => noting(store.register(...args), args[1]),
  } satisfies Partial<Store>
  // Each method is called on the store itself: a store may be a class with private members, or frozen.
  return new Proxy({} as Store, {
    get(_, name) {
      if (Object.hasOwn(changes, name)) return Reflect.get(changes, name)
      const value: unknown = Reflect.get(store, name)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}
