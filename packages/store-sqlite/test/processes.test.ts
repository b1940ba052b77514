import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issuer } from '../../../test-support/reservation.ts'

let folder: string
let file: string
const children = new Set<ChildProcess>()

function start(script: string, ...args: string[]): ChildProcess {
  const path = join(import.meta.dirname, 'children', script)
  const child = spawn(process.execPath, ['--conditions=fleetcert-source', '--no-warnings', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  return child
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleetcert-sqlite-'))
  file = join(folder, 'fleet.db')
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  await rm(folder, { recursive: true })
})

describe('sqliteStore in several processes', () => {
  it('keeps all that it said was committed when the process is killed', async () => {
    const child = start('issue-until-killed.ts', file)
    const committed: string[] = []
    for await (const line of createInterface({ input: child.stdout! })) {
      committed.push(line)
      if (committed.length === 25) child.kill('SIGKILL')
    }
    await using store = sqliteStore({ file })
    for (const serialNumber of committed) {
      const record = await store.certificate({ issuerKeyId: issuer, serialNumber })
      expect(record?.state).toBe('issued')
      expect(Buffer.from(record!.der!).toString()).toBe(`certificate ${serialNumber}`)
    }
    // Each step is there with its event or not at all: what was cut off is an open reservation.
    const { items: events } = await store.ledger({ after: '', limit: 100_000 })
    const { items: reserved } = await store.certificates({ list: 'reserved' }, { limit: 10 })
    const { items: devices } = await store.certificates({ list: 'devices' }, { limit: 100_000 })
    expect(reserved.length).toBeLessThanOrEqual(1)
    expect(events.filter(event => event.type === 'issued').length).toBe(devices.length)
    expect(events.filter(event => event.type === 'issuing').length).toBe(devices.length + reserved.length)
  })

  it('does not keep a process alive, but what was asked of it does', async () => {
    const child = start('leave-open.ts', file)
    const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'exit')])
    expect([code, output]).toEqual([0, '2'])
  })

  it('gives every CRL number to one process, and every new device too', async () => {
    const processes = ['0a', '0b', '0c'].map(name => start('compete.ts', file, name))
    const answers = await Promise.all(
      processes.map(async child => {
        const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'exit')])
        expect(code).toBe(0)
        return JSON.parse(output) as { numbers: string[]; enrolled: string[] }
      }),
    )
    const numbers = answers.flatMap(answer => answer.numbers)
    expect(new Set(numbers).size).toBe(120)
    for (const answer of answers) {
      expect(answer.numbers).toEqual(answer.numbers.toSorted((a, b) => Number(a) - Number(b)))
    }
    const enrolled = answers.flatMap(answer => answer.enrolled)
    expect(enrolled.length).toBe(40)
    expect(new Set(enrolled).size).toBe(40)
    await using store = sqliteStore({ file })
    const { items: events } = await store.ledger({ after: '', limit: 1000 })
    expect(events.map(event => event.deviceId).sort()).toEqual(enrolled.sort())
  })
})
