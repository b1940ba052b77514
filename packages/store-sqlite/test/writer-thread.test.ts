import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { FleetEvent, Store } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { issuer, reservation } from '../../../test-support/reservation.ts'

/** The threads that the stores of a test have started. */
const workers = vi.hoisted(() => [] as Worker[])
/** Makes the next one fail to start. */
const refusal = vi.hoisted(() => ({ error: undefined as Error | undefined }))
vi.mock('node:worker_threads', async load => {
  const original = await load<typeof import('node:worker_threads')>()
  return {
    ...original,
    Worker: class extends original.Worker {
      constructor(...args: ConstructorParameters<typeof original.Worker>) {
        const { error } = refusal
        refusal.error = undefined
        if (error !== undefined) throw error
        super(...args)
        workers.push(this)
      }
    },
  }
})

const scope = { issuerKeyId: issuer, shard: 0 }
let folder: string
let file: string
beforeEach(async () => {
  workers.length = 0
  folder = await mkdtemp(join(tmpdir(), 'fleetcert-sqlite-'))
  file = join(folder, 'fleet.db')
})
afterEach(() => rm(folder, { recursive: true }))

const serial = (number: number): string => number.toString(16).padStart(8, '0')

async function issue(store: Store, number: number): Promise<void> {
  const deviceId = `device-${number}`
  const wanted = { ...reservation({ serialNumber: serial(number), deviceId }), expect: 'newDevice' } as const
  const event = { at: new Date(), certificate: wanted.id, deviceId }
  expect(await store.reserve(wanted, [{ type: 'issuing', ...event }])).toBe('reserved')
  const der = Buffer.from(`certificate ${number}`)
  expect(await store.commit(wanted.id, der, [{ type: 'issued', ...event }])).toBe('committed')
  expect((await store.certificate(wanted.id))?.state, 'what was committed is read').toBe('issued')
}

/** Counts the transactions of the newest thread: each is answered by one message. */
function countTransactions(): () => number {
  let count = 0
  workers.at(-1)!.on('message', () => {
    count += 1
  })
  return () => count
}

async function readLedger(store: Store): Promise<readonly FleetEvent[]> {
  return (await store.ledger({ after: '', limit: 10_000 })).items
}

describe("the writer's thread", () => {
  it('is told to whoever has threads, too; on an injected database there is none', async () => {
    await using own = sqliteStore({ file })
    expect(own.threads).toBe(1)
    await using injected = sqliteStore({ database: new DatabaseSync(':memory:') })
    expect(injected.threads).toBe(0)
  })

  it('lets concurrent calls share transactions, and does each as if it were alone', async () => {
    await using store = sqliteStore({ file })
    await store.open()
    const transactions = countTransactions()
    await Promise.all(Array.from({ length: 200 }, (_, number) => issue(store, number)))
    expect(transactions()).toBeLessThan(400)
    const events = await readLedger(store)
    expect(events.length).toBe(400)
    expect(events.map(event => event.sequence)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1))
    for (let number = 0; number < 200; number += 1) {
      const own = events.filter(event => event.deviceId === `device-${number}`)
      expect(own.map(event => event.type)).toEqual(['issuing', 'issued'])
    }
  })

  it('puts calls that are made together into one transaction', async () => {
    await using store = sqliteStore({ file })
    await store.open()
    const transactions = countTransactions()
    const numbers = await Promise.all(Array.from({ length: 100 }, () => store.nextCrlNumber(scope)))
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => BigInt(index + 1)))
    expect(transactions()).toBe(1)
  })

  it("is not hurt by another's failing call", async () => {
    await using store = sqliteStore({ file })
    await store.open()
    const transactions = countTransactions()
    const event = { type: 'settingsChanged', at: new Date() } as const
    const cyclic = { ...event, details: {} as Record<string, never> }
    cyclic.details['self'] = cyclic.details as never
    const results = await Promise.allSettled([
      store.putDocument('first', new Uint8Array(1), 0, [event]),
      store.putDocument('half done', new Uint8Array(1), 0, [event, { ...event, deviceId: 'a\0' }]),
      store.saveCursor('audit', 'nonsense', undefined),
      store.lease('name', 'holder', -1),
      store.revoke(
        { issuerKeyId: issuer, serialNumber: 'ZZ' },
        { revocationDate: new Date(), reason: 'unspecified' },
        [],
      ),
      // What no thread can be sent.
      store.putDocument('function', (() => {}) as never, 0, [event]),
      store.putDocument('cycle', new Uint8Array(1), 0, [cyclic]),
      store.putDocument('last', new Uint8Array(0), 0, [event]),
    ])
    expect(results.map(result => (result.status === 'fulfilled' ? result.value : result.reason))).toEqual([
      true,
      new TypeError('a text that is stored must be well-formed and hold no NUL'),
      expect.objectContaining({ name: 'PkiError', code: 'ERR_PKI_CURSOR' }),
      new RangeError('seconds must be 0 or more'),
      new TypeError('serialNumber must be lower-case hex of even length'),
      expect.any(TypeError),
      expect.any(RangeError),
      true,
    ])
    expect(transactions()).toBe(1)
    expect((await readLedger(store)).length).toBe(2)
    expect(await store.document('half done')).toBeUndefined()
    expect((await store.document('last'))?.value).toEqual(new Uint8Array(0))
  })

  it('passes no text of the driver on, and neither SQL nor parameters', async () => {
    await using store = sqliteStore({ file })
    await store.open()
    const other = new DatabaseSync(file)
    other.exec('DROP TABLE documents')
    other.close()
    const secret = 'device-of-somebody'
    const error = await store
      .putDocument(secret, new Uint8Array(1), 0, [])
      .catch((reason: unknown) => reason as Error & { readonly details: unknown })
    expect(error).toMatchObject({ name: 'PkiError', code: 'ERR_PKI_STORE_CORRUPT' })
    const { message, stack, cause, details } = error as Error & { readonly details: unknown }
    expect(JSON.stringify([message, stack, String(cause), details])).not.toMatch(/SELECT|documents|somebody/)
  })

  it('sends of each array its own octets alone', async () => {
    const sent: unknown[] = []
    await using store = sqliteStore({ file })
    await store.open()
    const worker = workers.at(-1)!
    const postMessage = worker.postMessage.bind(worker)
    worker.postMessage = (message: unknown, ...rest: never[]) => {
      sent.push(message)
      postMessage(message, ...rest)
    }
    const pool = new Uint8Array(4096).fill(7)
    const id = { issuerKeyId: issuer, serialNumber: '01' }
    const wanted = {
      ...reservation({ serialNumber: '01', deviceId: 'device-1' }),
      publicKeyHash: pool.subarray(32, 64),
    }
    await store.reserve({ ...wanted, tbsCertificate: pool.subarray(0, 300) }, [])
    await store.commit(id, Buffer.from('certificate'), [])
    const octets: Uint8Array[] = []
    const collect = (value: unknown): void => {
      if (value instanceof Uint8Array) octets.push(value)
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
    }
    collect(sent)
    expect(octets.map(each => each.length)).toEqual([32, 300, 11])
    for (const each of octets) expect(each.buffer.byteLength).toBe(each.length)
    expect((await store.certificate(id))?.publicKeyHash).toEqual(new Uint8Array(32).fill(7))
  })

  it('takes a CRL of many parts, and leaves its octets to the caller', async () => {
    await using store = sqliteStore({ file })
    const parts = Array.from({ length: 10 }, (_, part) => new Uint8Array(1024 * 1024).fill(part))
    const crl = { crlNumber: 1n, thisUpdate: new Date(0), nextUpdate: new Date(1), parts }
    expect(await store.putCrl(scope, crl, undefined, [])).toBe(true)
    expect(parts.every((part, index) => part.length === 1024 * 1024 && part.at(-1) === index)).toBe(true)
    const { parts: read } = (await store.crl(scope))!
    expect(read.every((part, index) => Buffer.compare(part, parts[index]!) === 0)).toBe(true)
  })
})

describe('the log', () => {
  it('is emptied after a while without writes, again and again', { timeout: 60_000 }, async () => {
    await using store = sqliteStore({ file })
    for (let round = 1; round <= 2; round += 1) {
      await issue(store, round)
      while (statSync(`${file}-wal`).size > 0) await sleep(20)
      expect((await readLedger(store)).length).toBe(2 * round)
    }
  })
})

describe("the death of the writer's thread", () => {
  it('rejects the calls that have no answer, and the next call starts another', async () => {
    await using store = sqliteStore({ file })
    await issue(store, 0)
    const calls = Array.from({ length: 600 }, () => store.nextCrlNumber(scope))
    const settled = Promise.allSettled(calls)
    // The first of them are with the thread, the last still here.
    await nextTurn()
    await workers.at(-1)!.terminate()
    const results = await settled
    const lost = results.filter(result => result.status === 'rejected')
    expect(lost.length).toBeGreaterThan(0)
    for (const { reason } of lost) {
      expect(reason).toMatchObject({
        name: 'PkiError',
        code: 'ERR_PKI_STORE_UNAVAILABLE',
        details: { reason: 'the thread that writes has ended' },
      })
    }
    expect(await store.newestEventAt(), 'reading goes on').toBeInstanceOf(Date)
    expect(workers.length).toBe(1)
    await Promise.all([issue(store, 1), issue(store, 2)])
    expect(workers.length).toBe(2)
    // What had an answer is there; of the others, a number may have been given out or not.
    const answered = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    expect(answered).toEqual(Array.from({ length: answered.length }, (_, index) => BigInt(index + 1)))
    expect(await store.nextCrlNumber(scope)).toBeGreaterThan(BigInt(answered.length))
  })

  it('may come before its birth', async () => {
    await using store = sqliteStore({ file })
    // As with --permission and without --allow-worker.
    refusal.error = new Error('access denied')
    const reason = 'the thread that writes cannot be started'
    const refused = { code: 'ERR_PKI_STORE_UNAVAILABLE', details: { reason }, cause: refusal.error }
    await expect(store.open()).rejects.toMatchObject(refused)
    const opening = store.open()
    await workers.at(-1)!.terminate()
    await expect(opening).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE', details: { reason } })
    await issue(store, 1)
  })

  it('is survived when it comes while nothing is written', async () => {
    await using store = sqliteStore({ file })
    await store.open()
    await workers.at(-1)!.terminate()
    expect(await store.newestEventAt()).toBeUndefined()
    await issue(store, 1)
  })

  it('is no obstacle to closing', async () => {
    const store = sqliteStore({ file })
    await store.open()
    const call = store.nextCrlNumber(scope)
    const worker = workers.at(-1)!
    const [closed] = await Promise.allSettled([store.close(), worker.terminate()])
    expect(closed.status).toBe('fulfilled')
    await call.catch(error => expect(error).toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' }))
    await using again = sqliteStore({ file })
    await issue(again, 1)
  })
})

describe('abort signals', () => {
  it('take back what waits behind another process, and leave what has begun', async () => {
    await using store = sqliteStore({ file })
    await store.open()
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const controller = new AbortController()
    const { signal } = controller
    const put = (name: string) => store.putDocument(name, new Uint8Array(1), 0, [], { signal })
    const outcomes = { begun: put('begun'), next: undefined as unknown, waiting: undefined as unknown }
    await nextTurn()
    outcomes.next = put('next')
    await nextTurn()
    outcomes.waiting = put('waiting')
    await nextTurn()
    const reason = new Error('given up')
    controller.abort(reason)
    await expect(outcomes.waiting).rejects.toBe(reason)
    other.exec('ROLLBACK')
    other.close()
    expect(await outcomes.begun).toBe(true)
    expect(await outcomes.next).toBe(true)
    expect(await store.document('waiting')).toBeUndefined()
    await expect(put('later')).rejects.toBe(reason)
  })

  it('end the wait for a file that is locked', async () => {
    const other = new DatabaseSync(file)
    other.exec('BEGIN EXCLUSIVE')
    await using store = sqliteStore({ file })
    const reason = new Error('given up')
    const controller = new AbortController()
    const opening = store.open({ signal: controller.signal })
    await nextTurn()
    controller.abort(reason)
    await expect(opening).rejects.toBe(reason)
    other.close()
    await store.open()
  })
})

describe('a file that is locked', () => {
  it('is waited for when it is opened, but not for ever', async () => {
    const other = new DatabaseSync(file)
    other.exec('BEGIN EXCLUSIVE')
    await using store = sqliteStore({ file })
    await expect(store.open()).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_UNAVAILABLE',
      details: { reason: 'locked by another process' },
    })
    const [opened] = await Promise.all([store.open(), nextTurn().then(() => other.close())])
    expect(opened).toBeUndefined()
    await issue(store, 1)
  })

  it('is waited for in the thread, while this one goes on and reads', async () => {
    await using store = sqliteStore({ file })
    await issue(store, 1)
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    let isWritten = false
    const writing = issue(store, 2).then(() => {
      isWritten = true
    })
    for (let turn = 0; turn < 20; turn += 1) {
      await nextTurn()
      expect((await store.certificates({ list: 'devices' }, { limit: 10 })).items.length).toBe(1)
    }
    expect(isWritten).toBe(false)
    other.exec('ROLLBACK')
    other.close()
    await writing
  })
})

describe('closing', () => {
  it('waits for the calls that were made before', async () => {
    const store = sqliteStore({ file })
    await store.open()
    const calls = Array.from({ length: 1000 }, () => store.nextCrlNumber(scope))
    const closing = store.close()
    await expect(store.nextCrlNumber(scope)).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    await closing
    expect((await Promise.all(calls)).at(-1)).toBe(1000n)
    await using again = sqliteStore({ file })
    expect(await again.nextCrlNumber(scope)).toBe(1001n)
  })

  it('is done once, however often it is asked for', async () => {
    const store = sqliteStore({ file })
    await store.open()
    const call = store.nextCrlNumber(scope)
    await Promise.all([store.close(), store.close()])
    expect(await call).toBe(1n)
    // The last connection that is closed removes the log.
    expect(readdirSync(folder)).toEqual(['fleet.db'])
  })
})

describe('the ledger', () => {
  it('shows no entry below one that was read, whoever writes', async () => {
    await using first = sqliteStore({ file })
    await using second = sqliteStore({ file })
    const seen: number[] = []
    const write = async (store: Store, name: string): Promise<void> => {
      for (let round = 0; round < 20; round += 1) {
        await Promise.all(
          Array.from({ length: 5 }, (_, index) =>
            store.putDocument(`${name}-${round}-${index}`, new Uint8Array(1), 0, [
              { type: 'settingsChanged', at: new Date(), deviceId: name },
            ]),
          ),
        )
      }
    }
    const writing = Promise.all([write(first, 'first'), write(second, 'second')])
    let after = ''
    const follow = async (): Promise<void> => {
      const { items, next } = await first.ledger({ after, limit: 7 })
      seen.push(...items.map(event => event.sequence))
      after = next
      await nextTurn()
    }
    while (seen.length < 200) await follow()
    await writing
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  })
})
