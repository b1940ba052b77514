import type { Fleet } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileStorage } from '../../src/identity/file-storage.ts'
import type {
  IdentityState,
  LoadedState,
  PendingCredential,
  StoredCredential,
} from '../../src/identity/identity-state.ts'
import { currentCredential, pendingCredential } from '../../src/identity/renewable-identity.ts'
import { prepareCredential } from '../../src/read-credential.ts'
import { firstCredential, openTestFleet, renewedCredential } from '../support/device-certificates.ts'
import { firstFingerprint } from '../support/first-fingerprint.ts'
import { createPowerCutDisk, PowerCut, type PowerCutDisk, type Survival } from '../support/power-cut-disk.ts'
import { rejection } from '../support/rejection.ts'

let fleet: Fleet
let first: StoredCredential
let next: Required<Omit<PendingCredential, 'failures'>>
/** The steps of an enrolment and a renewal; each is one save. */
let steps: IdentityState[]

beforeAll(async () => {
  fleet = await openTestFleet()
  first = await firstCredential(fleet, 'sensor-1')
  next = await renewedCredential(fleet, 'sensor-1')
  const { certificate, trustAnchors, ...key } = next
  steps = [
    { pending: { privateKey: first.privateKey, csr: key.csr } },
    { current: first },
    { current: first, pending: key },
    { current: first, pending: next },
    {
      current: { certificate, privateKey: key.privateKey, trustAnchors },
      previous: [firstFingerprint(first.certificate)],
    },
  ]
})
afterAll(() => fleet.close())

function open(disk: PowerCutDisk): ReturnType<typeof createFileStorage> {
  return createFileStorage('/certs', 'sensor-1', disk.fileSystem)
}

/** Goes on from whatever step the disk is at; tells each step that is durable. */
async function work(disk: PowerCutDisk, done: (step: number) => void = () => {}): Promise<void> {
  const storage = open(disk)
  const { state } = await storage.load()
  let step = stepOf(state)
  while (step + 1 < steps.length) {
    step += 1
    const { revision } = await storage.load()
    expect(await storage.save(steps[step]!, revision)).toBe(true)
    done(step)
    await storage.tidy?.()
  }
}

function stepOf(state: IdentityState): number {
  return steps.findIndex(known => JSON.stringify(known) === JSON.stringify(state))
}

function expectUsable(loaded: LoadedState): void {
  for (const credential of [currentCredential(loaded), pendingCredential(loaded)]) {
    if (credential !== undefined) prepareCredential(credential)
  }
}

const survivals: Survival[] = [
  { nameChanges: 'none', contents: 'none' },
  { nameChanges: 'none', contents: 'all' },
  { nameChanges: 'all', contents: 'none' },
  { nameChanges: 'all', contents: 'all' },
  { nameChanges: 'all', contents: 'zeros' },
]

describe.each([false, true])('power cuts (a file system without hard links: %s)', hasNoLinks => {
  test('at every call, with every fate of what was not synced: the step before or the one behind, whole, and the rest follows', async () => {
    const whole = createPowerCutDisk({ hasNoLinks })
    await work(whole)
    expect(whole.calls).toBeGreaterThan(40)
    let cuts = 0
    for (let cutAfter = 0; cutAfter < whole.calls; cutAfter++) {
      const disk = createPowerCutDisk({ cutAfter, hasNoLinks })
      let durable = -1
      // What comes late and again tells nobody.
      await work(disk, step => {
        durable = step
      }).catch(() => undefined)
      const partly = Array.from(
        { length: disk.unsyncedNames },
        (_, count): Survival => ({ nameChanges: count, contents: 'all' }),
      )
      for (const survival of [...survivals, ...partly]) {
        const after = disk.afterCut(survival)
        const loaded = await open(after).load()
        expectUsable(loaded)
        const step = stepOf(loaded.state)
        expect([durable, durable + 1], `${disk.lastCall}, ${JSON.stringify(survival)}`).toContain(step)
        await work(after)
        expect((await open(after).load()).state).toEqual(steps.at(-1))
        cuts += 1
      }
    }
    expect(cuts).toBeGreaterThan(200)
  })

  test('at every byte of a state that is being written', async () => {
    const before = createPowerCutDisk({ hasNoLinks })
    const storage = open(before)
    await storage.save(steps[2]!, 0)
    const calls = before.calls
    // With links the file has no name that is looked at until it is whole; without, it has.
    for (let skipped = 0; skipped < 12; skipped++) {
      const disk = createPowerCutDisk({ cutAfter: calls + skipped, hasNoLinks })
      const again = open(disk)
      await again.save(steps[2]!, 0)
      await again.save(steps[3]!, 1).catch(() => undefined)
      for (let bytes = 0; bytes <= disk.unsyncedLength; bytes += 1) {
        const after = disk.afterCut({ nameChanges: 'all', contents: bytes })
        const loaded = await open(after).load()
        expect([2, 3]).toContain(stepOf(loaded.state))
      }
    }
  })
})

test('a state that the disk has damaged is not believed: the one before it is', async () => {
  const disk = createPowerCutDisk()
  await work(disk)
  const path = disk
    .names()
    .filter(name => name.endsWith('.state'))
    .sort()
    .at(-1)!
  const text = disk.text(path)!
  disk.put(path, text.replace('MII', 'MIJ'))
  const loaded = await open(disk).load()
  expect(stepOf(loaded.state)).toBe(3)
  expect(await open(disk).save(steps[4]!, loaded.revision)).toBe(true)
  expect(stepOf((await open(disk).load()).state)).toBe(4)
})

test('two writers: the second is told, and nothing of the first is lost', async () => {
  const disk = createPowerCutDisk()
  const [one, other] = [open(disk), open(disk)]
  const { revision } = await one.load()
  const saved = await Promise.all([one.save(steps[2]!, revision), other.save(steps[3]!, revision)])
  expect(saved.filter(Boolean)).toHaveLength(1)
  expect(stepOf((await one.load()).state)).toBe(saved[0] ? 2 : 3)
  expect(await one.save(steps[4]!, revision)).toBe(false)
})

test('at most two states are kept, and no temporary file', async () => {
  const disk = createPowerCutDisk()
  await work(disk)
  const names = disk.names().filter(name => name.startsWith('/certs/devices/sensor-1-identity/'))
  expect(names.sort()).toEqual(['/certs/devices/sensor-1-identity/4.state', '/certs/devices/sensor-1-identity/5.state'])
})

describe('the files for other programs', () => {
  test('are copies of the current credential', async () => {
    const disk = createPowerCutDisk()
    await work(disk)
    expect(disk.text('/certs/devices/sensor-1-cert.pem')).toBe(next.certificate)
    expect(disk.text('/certs/devices/sensor-1-key.pem')).toBe(next.privateKey)
    expect(disk.text('/certs/devices/sensor-1-trust.pem')).toBe(next.trustAnchors)
  })

  test('are the first credential, and what is in ca-cert.pem is believed for good', async () => {
    const disk = createPowerCutDisk()
    disk.put('/certs/devices/sensor-1-cert.pem', first.certificate)
    disk.put('/certs/devices/sensor-1-key.pem', first.privateKey)
    disk.put('/certs/ca-cert.pem', first.trustAnchors)
    const loaded = await open(disk).load()
    expect(loaded).toEqual({
      revision: 0,
      state: { current: { ...first, trustAnchors: '' } },
      localTrustAnchors: first.trustAnchors,
    })
    expectUsable(loaded)
    await open(disk).save({ ...loaded.state, pending: next }, 0)
    expect((await open(disk).load()).localTrustAnchors).toBe(first.trustAnchors)
  })

  test('take over when a person puts a newer pair there', async () => {
    const disk = createPowerCutDisk()
    await work(disk)
    disk.put('/certs/ca-cert.pem', first.trustAnchors)
    await fleet.revoke('sensor-1')
    const newer = await firstCredential(fleet, 'sensor-1')
    disk.put('/certs/devices/sensor-1-cert.pem', newer.certificate)
    // Half of it: the key is still the old one's.
    expect(stepOf((await open(disk).load()).state)).toBe(4)
    await open(disk).tidy?.()
    expect(disk.text('/certs/devices/sensor-1-cert.pem')).toBe(newer.certificate)
    disk.put('/certs/devices/sensor-1-key.pem', newer.privateKey)
    expect((await open(disk).load()).state).toEqual({ current: { ...newer, trustAnchors: '' } })
    await open(disk).tidy?.()
    expect(disk.text('/certs/devices/sensor-1-cert.pem')).toBe(newer.certificate)
  })

  test('do not take over when they are old: a copy that a power cut left half done is repaired', async () => {
    const disk = createPowerCutDisk()
    await work(disk)
    disk.put('/certs/ca-cert.pem', first.trustAnchors)
    disk.put('/certs/devices/sensor-1-cert.pem', first.certificate)
    disk.put('/certs/devices/sensor-1-key.pem', first.privateKey)
    expect(stepOf((await open(disk).load()).state)).toBe(4)
    await open(disk).tidy?.()
    expect(disk.text('/certs/devices/sensor-1-cert.pem')).toBe(next.certificate)
    expect(disk.text('/certs/devices/sensor-1-key.pem')).toBe(next.privateKey)
  })
})

describe('a disk that cannot be written to', () => {
  test.each(['ENOSPC', 'EROFS', 'EIO', 'EDQUOT', 'EACCES'])(
    '%s at any call is ERR_PKI_IDENTITY_UNWRITABLE, and what was there is there',
    async code => {
      const whole = createPowerCutDisk()
      await open(whole).save(steps[2]!, 0)
      const from = whole.calls
      await open(whole).save(steps[3]!, 1)
      for (let call = from + 1; call <= whole.calls; call++) {
        const disk = createPowerCutDisk({
          fault: number => (number >= call ? Object.assign(new Error(code), { code }) : undefined),
        })
        await open(disk).save(steps[2]!, 0)
        const saved = await open(disk)
          .save(steps[3]!, 1)
          .catch((error: unknown) => error)
        const { state } = await open(disk).load()
        expectUsable(await open(disk).load())
        if (saved === true) expect(stepOf(state)).toBe(3)
        else {
          expect(saved).toMatchObject({ code: 'ERR_PKI_IDENTITY_UNWRITABLE' })
          expect((saved as Error).message).toContain(code)
          expect([2, 3]).toContain(stepOf(state))
        }
      }
    },
  )

  test('a cut of the power is none of the errors that are told', async () => {
    const disk = createPowerCutDisk({ cutAfter: 0 })
    const error = await rejection(open(disk).save(steps[0]!, 0))
    expect(error.cause).toBeInstanceOf(PowerCut)
  })
})
