import type { Store } from '../../store/store.ts'

/**
 * The store, which tells `changed` of every call that may have changed the status of a certificate, before its caller hears of it: each page of a long revocation, too. Also of calls that failed, for they may have taken effect.
 */
export function noticingStore(store: Store, changed: () => void): Store {
  const noticed = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call
    } finally {
      changed()
    }
  }
  const changes: Pick<Store, 'revoke' | 'revokeDevice' | 'revokeAll' | 'release'> = {
    revoke: (...args) => noticed(store.revoke(...args)),
    revokeDevice: (...args) => noticed(store.revokeDevice(...args)),
    revokeAll: (...args) => noticed(store.revokeAll(...args)),
    release: (...args) => noticed(store.release(...args)),
  }
  // Each method is called on the store itself: a store may be a class with private members, or frozen.
  return new Proxy({} as Store, {
    get(_, name) {
      if (Object.hasOwn(changes, name)) return Reflect.get(changes, name)
      const value: unknown = Reflect.get(store, name)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}
