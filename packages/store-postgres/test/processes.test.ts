import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileKeyring, openFleet, type Store } from '@fleetcert/core'
import { postgresStore } from '@fleetcert/store-postgres'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { issuer } from '../../../test-support/reservation.ts'
import { temporaryDirectory } from '../../../test-support/tools.ts'
import { describeWithPostgres } from './support/describe-with-postgres.ts'
import { type PostgresServer, startPostgres } from './support/postgres-server.ts'

describeWithPostgres('postgresStore in several processes', () => {
  let postgres: PostgresServer
  const children = new Set<ChildProcess>()
  beforeEach(async () => {
    postgres = await startPostgres()
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
    await postgres.stop()
  })

  const open = (): Store => postgresStore({ pool: postgres.pool(), timeoutSeconds: 60 })
  const start = (script: string, ...args: string[]): ChildProcess => {
    const path = join(import.meta.dirname, 'children', script)
    const child = spawn(
      process.execPath,
      ['--conditions=fleetcert-source', '--no-warnings', path, postgres.url, ...args],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.add(child)
    return child
  }
  const outputOf = async (child: ChildProcess): Promise<unknown> => {
    const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'exit')])
    expect(code).toBe(0)
    return JSON.parse(output)
  }

  it('keeps all that it said was committed when the process is killed', { timeout: 60_000 }, async () => {
    const child = start('issue-until-killed.ts')
    const committed: string[] = []
    for await (const line of createInterface({ input: child.stdout! })) {
      committed.push(line)
      if (committed.length === 25) child.kill('SIGKILL')
    }
    const store = open()
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

  it('gives every CRL number to one process, and every new device too', { timeout: 60_000 }, async () => {
    const answers = (await Promise.all(['0a', '0b', '0c'].map(name => outputOf(start('compete.ts', name))))) as {
      numbers: string[]
      enrolled: string[]
    }[]
    const numbers = answers.flatMap(answer => answer.numbers)
    expect(new Set(numbers).size).toBe(120)
    for (const answer of answers) {
      expect(answer.numbers).toEqual(answer.numbers.toSorted((a, b) => Number(a) - Number(b)))
    }
    const enrolled = answers.flatMap(answer => answer.enrolled)
    expect(enrolled.length).toBe(40)
    expect(new Set(enrolled).size).toBe(40)
  })

  it('shows whoever follows the ledger every event once and in order, whichever process made it', async () => {
    const stores = [open(), open(), open()]
    await stores[0]!.open()
    const total = 3 * 60
    let written = 0
    const write = async (store: Store, name: string): Promise<void> => {
      await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const details = { name: `${name} ${index}` }
          await store.putDocument(`${name} ${index}`, Buffer.from('x'), 0, [
            { type: 'settingsChanged', at: new Date(), details },
          ])
          written += 1
        }),
      )
    }
    const follower = open()
    const seen: string[] = []
    const follow = async (): Promise<void> => {
      let after = ''
      let last = 0
      while (seen.length < total) {
        const { items, next } = await follower.ledger({ after, limit: 7 })
        for (const event of items) {
          expect(event.sequence).toBe(last + 1)
          last = event.sequence
          seen.push(String(event.details!['name']))
        }
        after = next
      }
    }
    await Promise.all([follow(), ...stores.map((store, index) => write(store, `writer ${index}`))])
    expect(written).toBe(total)
    expect(new Set(seen).size).toBe(total)
  })

  it('makes one fleet when ten processes start at once where there is none', { timeout: 180_000 }, async () => {
    const keys = temporaryDirectory()
    try {
      const names = Array.from({ length: 10 }, (_, index) => `process-${index}`)
      const answers = (await Promise.all(
        names.map(name => outputOf(start('open-fleet.ts', keys.directory, name))),
      )) as { anchors: string; serials: string[]; refused: string[] }[]
      expect(new Set(answers.map(answer => answer.anchors)).size).toBe(1)
      const serials = answers.flatMap(answer => answer.serials)
      expect(new Set(serials).size).toBe(55)
      expect(serials).toHaveLength(55)
      expect(new Set(answers.flatMap(answer => answer.refused))).toEqual(new Set(['ERR_PKI_DEVICE_EXISTS']))

      const store = open()
      const fleet = await openFleet({ store, keyring: fileKeyring(keys.directory), background: false })
      expect(fleet.trustAnchors).toBe(answers[0]!.anchors)
      const { items: events } = await store.ledger({ after: '', limit: 100_000 })
      expect(events.filter(event => event.type === 'fleetCreated')).toHaveLength(1)
      const issuers = await Array.fromAsync(fleet.issuers())
      expect(issuers).toHaveLength(2) // the root and the issuing CA
      // In each scope one CRL number after the other, whichever process made them.
      const published = events.filter(event => event.type === 'crlPublished').map(event => event.details!)
      const scopes = Map.groupBy(published, details => `${details['issuerKeyId']}.${details['shard']}`)
      expect(scopes.size).toBeGreaterThan(0)
      for (const list of scopes.values()) {
        const numbers = list.map(details => Number(details['crlNumber']))
        expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other))
      }
      await fleet.close()
      await store.close()
    } finally {
      keys.remove()
    }
  })

  it('shows every process what another one did', { timeout: 60_000 }, async () => {
    const keys = temporaryDirectory()
    try {
      const here = await openFleet({ store: open(), keyring: fileKeyring(keys.directory) })
      const there = await openFleet({ store: open(), keyring: fileKeyring(keys.directory) })
      const { fingerprint } = await here.enroll('sensor-1')
      expect((await there.identify({ fingerprint })).status).toBe('active')
      await here.revoke('sensor-1')
      // A process that keeps identities hears of it from the ledger.
      while ((await there.identify({ fingerprint })).status !== 'revoked') await sleep(20)
      await here.close()
      await there.close()
    } finally {
      keys.remove()
    }
  })
})
