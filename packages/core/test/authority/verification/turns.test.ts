import { generateKeyPairSync } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { createCertificationRequest, softwareSigner } from '@fleetcert/x509'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createTurns } from '../../../src/authority/verification/turns.ts'

const workers = vi.hoisted(() => [] as Worker[])
vi.mock('node:worker_threads', async load => {
  const original = await load<typeof import('node:worker_threads')>()
  return {
    ...original,
    Worker: class extends original.Worker {
      constructor(...args: ConstructorParameters<typeof original.Worker>) {
        super(...args)
        workers.push(this)
      }
    },
  }
})

let fleet: Fleet | undefined
beforeEach(() => {
  workers.length = 0
})
afterEach(() => fleet?.close())

it('lets so many run in a turn of the event loop, the others in the turns after it, in the order in which they came', async () => {
  const turns = createTurns(3)
  let turn = 0
  let running = true
  const count = (): void => {
    turn += 1
    if (running) setImmediate(count)
  }
  // Before the first piece: so it counts a turn before anything runs in it.
  setImmediate(count)
  const ran: [piece: number, turn: number][] = []
  const all = Array.from({ length: 10 }, async (_, piece) => {
    await turns.next()
    ran.push([piece, turn])
  })
  await Promise.all(all)
  running = false
  expect(ran.map(([piece]) => piece)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const perTurn = Map.groupBy(ran, ([, at]) => at)
  expect([...perTurn.values()].map(({ length }) => length)).toEqual([3, 3, 3, 1])
  // And anew, once nothing waits.
  await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
  expect([turns.next(), turns.next(), turns.next()]).toEqual([undefined, undefined, undefined])
  expect(turns.next()).toBeInstanceOf(Promise)
})

async function enrollMany(store: ReturnType<typeof memoryStore>): Promise<number> {
  fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
  const signer = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  const csr = await createCertificationRequest({ subject: [], signer })
  let turns = 0
  let running = true
  const count = (): void => {
    turns += 1
    if (running) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(Array.from({ length: 400 }, (_, index) => fleet!.enroll(`device-${index}`, { csr })))
  running = false
  return turns
}

it('leaves the event loop its turns while very many certificates are made on a store that answers at once', async () => {
  // 800 verifications, at most 16 in a turn, save what the thread does.
  expect(await enrollMany(memoryStore())).toBeGreaterThan(10)
})

it('leaves their cores to the threads that a store says it has', async () => {
  const store = memoryStore()
  const turns = await enrollMany({ ...store, threads: availableParallelism() - 1 })
  expect(workers).toEqual([])
  expect(turns).toBeGreaterThanOrEqual(800 / 16 - 1)
})
