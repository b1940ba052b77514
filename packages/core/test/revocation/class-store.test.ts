import { memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { expect, it } from 'vitest'
import { changedStore, crlBench, readCrl } from './crl-fleet.ts'

/** A store as others write theirs: a class, with private members that only its own instances have. */
class PrivateStore {
  readonly #store = memoryStore()

  call(name: keyof Store, args: readonly unknown[]): unknown {
    return (this.#store[name] as (...args: readonly unknown[]) => unknown)(...args)
  }
}
for (const name of Object.keys(memoryStore()) as (keyof Store)[]) {
  Object.defineProperty(PrivateStore.prototype, name, {
    writable: true,
    value(this: PrivateStore, ...args: readonly unknown[]) {
      return this.call(name, args)
    },
  })
}

it.each([
  ['a class with private members', () => new PrivateStore() as unknown as Store],
  ['frozen', () => Object.freeze(memoryStore())],
])('a store may be %s', async (_, make) => {
  const store = make()
  const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
  const { serialNumber, fingerprint } = await fleet.enroll('sensor-1')
  await fleet.revoke('sensor-1', { reason: 'certificateHold' })
  expect(Object.keys((await readCrl(fleet)).reasons)).toEqual([serialNumber])
  expect(await fleet.release({ fingerprint })).toBeTruthy()
  await fleet.revokeAll({ deviceIds: ['sensor-1'] })
  expect(await fleet.identify({ fingerprint })).toMatchObject({ status: 'revoked' })
  await fleet.close()
})

it('a store may give out views of what else it has read', async () => {
  const bench = crlBench()
  // As drivers do: one piece of memory for all that came in at once.
  const pieces: Uint8Array[] = []
  const store = changedStore(bench.store, {
    close: async () => {},
    async crl(name) {
      const crl = await bench.store.crl(name)
      return (
        crl && {
          ...crl,
          parts: crl.parts.map(part => {
            const piece = new Uint8Array(256 * 1024).fill(7)
            pieces.push(piece)
            piece.set(part)
            return piece.subarray(0, part.length)
          }),
        }
      )
    },
  })
  await using first = await bench.open()
  await first.crl()
  await first.enroll('sensor-1')
  await first.revoke('sensor-1')
  await using second = await bench.open({ store })
  expect((await second.crl()).crlNumber).toBe(2n)
  expect(pieces.length).toBeGreaterThan(0)
  for (const piece of pieces) expect(piece.at(-1), 'its neighbours are still there').toBe(7)
})
