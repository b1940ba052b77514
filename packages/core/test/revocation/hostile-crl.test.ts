import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PkiError } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrlBench, changedStore, crlBench } from './crl-fleet.ts'

let bench: CrlBench
let unhandled: unknown[]
const onUnhandled = (error: unknown): void => void unhandled.push(error)
let others: NodeJS.UnhandledRejectionListener[]
beforeEach(() => {
  bench = crlBench()
  unhandled = []
  others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', onUnhandled)
})
afterEach(() => {
  process.removeListener('unhandledRejection', onUnhandled)
  for (const listener of others) process.on('unhandledRejection', listener)
})

/** Rejections without a handler are told of a turn later. */
const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count += 1) await new Promise(resolve => setImmediate(resolve))
}

describe('a caller who gives up', () => {
  it('before the building has begun leaves nobody behind who fails unheard', async () => {
    const controller = new AbortController()
    let isOpen = false
    await using fleet = await bench.open({
      store: changedStore(bench.store, {
        close: async () => {},
        async crlState(scope) {
          if (isOpen) controller.abort(new Error('enough'))
          return bench.store.crlState(scope)
        },
        async lease(...args) {
          if (isOpen) throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'gone' })
          return bench.store.lease(...args)
        },
      }),
    })
    isOpen = true
    await expect(fleet.crl({}, { signal: controller.signal })).rejects.toThrow('enough')
    await turns()
    expect(unhandled).toEqual([])
  })
})

describe('a CRL that a process which has died was building', () => {
  it.each([
    // The lease has most of a minute left. Nobody waits for the CRL that the background wants.
    ['does not keep this process alive', 'background', ''],
    ['does where somebody waits for it', 'foreground', '1'],
  ])(
    '%s',
    async (_, how, output) => {
      const script = join(import.meta.dirname, 'children', 'wait-for-lease.ts')
      const child = spawn(process.execPath, ['--conditions=fleetcert-source', '--no-warnings', script, how], {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 30_000,
      })
      let said = ''
      child.stdout.on('data', (data: Buffer) => {
        said += data
      })
      expect(await once(child, 'exit')).toEqual([0, null])
      expect(said).toBe(output)
    },
    40_000,
  )
})
