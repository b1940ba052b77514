import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createBackupIdentity, restoreFleet } from '../../src/backup/index.ts'
import { collect, inPieces } from './octets.ts'
import { allRecords, encoded, statuses } from './whole-fleet.ts'

type Operation = 'enroll' | 'renew' | 'revoke' | 'compromise' | 'hold' | 'release' | 'token' | 'server' | 'crl'
const operations: readonly Operation[] = [
  'enroll',
  'enroll',
  'renew',
  'revoke',
  'compromise',
  'hold',
  'release',
  'token',
  'server',
  'crl',
]
const step = fc.record({ operation: fc.constantFrom(...operations), device: fc.integer({ min: 0, max: 5 }) })

it('any fleet, backed up and restored, is the same fleet', async () => {
  const { identity, recipient } = await createBackupIdentity()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.boolean(), async (steps, keepTokens) => {
      const source = { store: memoryStore(), keyring: memoryKeyring() }
      const fleet = await openFleet({ ...source, background: false })
      const credentials = new Map<string, Awaited<ReturnType<typeof fleet.enroll>>>()
      for (const [index, { operation, device }] of steps.entries()) {
        const id = `device-${device}`
        const target = { fingerprint: credentials.get(id)?.fingerprint ?? 'AA'.padEnd(95, ':AA') }
        const work: Record<Operation, () => Promise<unknown>> = {
          enroll: async () => credentials.set(id, await fleet.enroll(id)),
          renew: async () => credentials.set(id, await fleet.renew(id, {})),
          revoke: () => fleet.revoke(id),
          compromise: () => fleet.revoke(id, { reason: 'keyCompromise' }),
          hold: () => fleet.revoke(target, { reason: 'certificateHold' }),
          release: () => fleet.release(target),
          token: () => fleet.createToken({ deviceId: id }),
          server: () => fleet.issueServer({ hosts: [`host-${index}.example.com`] }),
          crl: () => fleet.crl(),
        }
        // What cannot be done is refused, and changes nothing.
        await work[operation]().catch(error => expect(error.code).toMatch(/^ERR_PKI_/))
      }
      const file = await collect(fleet.backup({ recipients: [recipient] }))
      const to = { store: memoryStore(), keyring: memoryKeyring() }
      await restoreFleet({ ...to, from: () => inPieces(file), identities: [identity], keepTokens })
      const before = await allRecords(source.store)
      const after = await allRecords(to.store)
      const same = [
        'certificate',
        'device',
        'blockedKey',
        'document',
        'consumer',
        ...(keepTokens ? (['token'] as const) : []),
      ] as const
      expect(encoded(after, same)).toEqual(encoded(before, same))
      const [events, restored] = [encoded(before, ['event']), encoded(after, ['event'])]
      expect(Object.entries(restored).slice(0, -1)).toEqual(Object.entries(events))
      const again = await openFleet({ ...to, background: false })
      expect(await statuses(again, credentials)).toEqual(await statuses(fleet, credentials))
      expect((await again.crl()).crlNumber).toBeGreaterThan((await fleet.crl()).crlNumber)
      await again.close()
      await fleet.close()
      await expect(collect(fleet.backup({ recipients: [recipient] }))).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    }),
    { numRuns: process.env['FLEETCERT_LONG'] === '1' ? 300 : 12 },
  )
}, 300_000)
