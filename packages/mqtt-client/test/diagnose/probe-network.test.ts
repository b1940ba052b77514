import { expect, test, vi } from 'vitest'
import { probeDns } from '../../src/diagnose/probe-network.ts'

vi.mock('node:dns/promises', () => ({ lookup: () => new Promise(() => {}) }))

test('a name service that never answers is not waited for', async () => {
  const found = await probeDns({ host: 'broker.example', port: 8883 }, 0.05)
  expect(found.code).toBe('DNS_UNAVAILABLE')
})

test('an abort ends it', async () => {
  const ended = new AbortController()
  const looking = probeDns({ host: 'broker.example', port: 8883 }, 60, ended.signal)
  ended.abort()
  expect((await looking).code).toBe('DNS_UNAVAILABLE')
})
