import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { type Backend, startBackend } from '../../src/backend/start-backend.ts'
import type { DeviceSettings } from './device-process.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
/** Repeats the moments of death as far as a real machine lets them be repeated. */
const seed = Number(process.env['FLEETCERT_SEED'] ?? (isLong ? Date.now() % 1_000_000 : 1))

const folder = temporaryDirectory()
const children = new Set<ChildProcess>()
let backend: Backend
/** Asked at every request of the hub and every CONNECT: whoever is armed dies here. */
let onNetwork: ((moment: string, path: string) => void) | undefined
const total = { killed: 0, unscathed: 0 }

beforeAll(async () => {
  backend = await startBackend({
    directory: folder.path('backend'),
    broker: 'aedes',
    renewalInfoSeconds: 1,
    gate: async (moment, { path }) => onNetwork?.(moment, path),
  })
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await backend.close()
  folder.remove()
  console.info(`devices killed: ${JSON.stringify({ seed, ...total })}`)
})

interface Device {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly exited: Promise<unknown>
  /** Resolves `true` when the line has come, `false` when the process has ended. */
  said(line: string, seconds?: number): Promise<boolean>
}

function startDevice(settings: DeviceSettings): Device {
  const child = spawn(
    process.execPath,
    [
      '--conditions=fleetcert-source',
      '--no-warnings',
      new URL('device-process.ts', import.meta.url).pathname,
      JSON.stringify(settings),
    ],
    // The channel tells the child that its parent is gone.
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  children.add(child)
  const lines: string[] = []
  let rest = ''
  child.stdout!.on('data', chunk => {
    const parts = (rest + String(chunk)).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
  })
  const exited = once(child, 'exit').then(() => children.delete(child))
  return {
    child,
    lines,
    exited,
    async said(line, seconds = 60) {
      const deadline = performance.now() + seconds * 1000
      while (!lines.includes(line)) {
        if (child.exitCode !== null || child.signalCode !== null) {
          // What it said last may still be on its way.
          await sleep(20)
          return lines.includes(line)
        }
        if (performance.now() > deadline) throw new Error(`it has not said "${line}": ${lines.join(', ')}`)
        await sleep(5)
      }
      return true
    },
  }
}

let count = 0

/** A device of its own for each life, in a folder of its own. */
async function newDevice(): Promise<DeviceSettings> {
  count += 1
  const deviceId = `device-${count}`
  const { brokerUrl, hubUrl, trustAnchors } = backend.address
  const { token } = await backend.fleet.createToken({ deviceId, owner: 'alice' })
  return { directory: folder.path(deviceId), deviceId, brokerUrl, hubUrl, token, trustAnchors }
}

/** Has a device that is connected renew now. */
async function hurry({ deviceId }: DeviceSettings): Promise<string> {
  // Only what was issued before is renewed.
  await sleep(2)
  const now = Date.now()
  const schedule = { from: new Date(now - 600_000), to: new Date(now + 500), deviceIds: [deviceId] }
  return (await backend.fleet.scheduleRenewals(schedule)).id
}

/** One life until its end, then another one on what it has left: it must come back, and renewal must come to its end. */
async function liveTwice(firstLife: (settings: DeviceSettings) => Promise<{ isKilled: boolean }>): Promise<boolean> {
  const settings = await newDevice()
  const { isKilled } = await firstLife(settings)
  total[isKilled ? 'killed' : 'unscathed'] += 1
  onNetwork = undefined

  const device = startDevice(settings)
  try {
    expect(await device.said('connected'), device.lines.join(', ')).toBe(true)
    const schedule = await hurry(settings)
    const settled = async (): Promise<unknown> => {
      const { withSeveralGood, withoutGood } = await backend.certificates()
      const one = await backend.fleet.device(settings.deviceId)
      const isOpen = [...withSeveralGood, ...withoutGood].includes(settings.deviceId)
      return one?.status === 'active' && !isOpen && (await issuedTo(settings.deviceId)) >= 2
    }
    await expect.poll(settled, { timeout: 120_000, interval: 200 }).toBe(true)
    await backend.fleet.withdrawRenewals(schedule)
    // Nothing that the broker or the hub held against it on the way.
    expect(device.lines.filter(line => line.startsWith('refused'))).toEqual([])
  } finally {
    device.child.kill('SIGKILL')
    await device.exited
  }
  return isKilled
}

async function issuedTo(deviceId: string): Promise<number> {
  const renewed = new Set<string>()
  for await (const event of backend.fleet.events({ follow: false })) {
    if (event.deviceId === deviceId && (event.type === 'issued' || event.type === 'renewed')) {
      renewed.add(event.fingerprint ?? event.cursor)
    }
  }
  return renewed.size
}

/** Until it is killed, or has been renewed. */
async function lifeCutAt(settings: DeviceSettings, change: number): Promise<{ isKilled: boolean }> {
  const device = startDevice({ ...settings, cutAt: change })
  try {
    if (!(await device.said('connected'))) return { isKilled: true }
    const schedule = await hurry(settings)
    const isRenewed = await device.said('renewed')
    await backend.fleet.withdrawRenewals(schedule)
    return { isKilled: !isRenewed }
  } finally {
    device.child.kill('SIGKILL')
    await device.exited
  }
}

const timeout = 1_200_000

describe('a device that is killed', () => {
  test('at a change on disk comes back and renews', { timeout }, async () => {
    // All of them, one after the other, until a life has no more; or some.
    const step = isLong ? 1 : 23
    let change = isLong ? 1 : 1 + (seed % step)
    while (await liveTwice(settings => lifeCutAt(settings, change))) change += step
    console.info(
      `changes on disk from the first start to the first renewal: ${isLong ? change - 1 : `about ${change}`}`,
    )
    expect(change).toBeGreaterThan(20)
  })

  const paths = ['/api/device/enroll', '/api/device/renewal-info', '/api/device/renew', '/api/device/confirm']
  const moments = ['request', 'answer', 'sent']
  const all = paths.flatMap(path => moments.map(moment => [path, moment] as const))
  test.each(isLong ? all : all.filter((_, index) => index % 4 === seed % 4 || index === 7))(
    'at %s, %s, comes back and renews',
    { timeout },
    async (path, moment) => {
      const isKilled = await liveTwice(async settings => {
        const device = startDevice(settings)
        onNetwork = (at, asked) => {
          if (at === moment && asked === path) device.child.kill('SIGKILL')
        }
        if (await device.said('connected')) await hurry(settings)
        await Promise.race([device.exited, sleep(60_000, undefined, { ref: false })])
        return { isKilled: device.child.signalCode === 'SIGKILL' }
      })
      expect(isKilled).toBe(true)
    },
  )

  test('at any time comes back and renews', { timeout }, async () => {
    let state = seed
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return state / 0x7fff_ffff
    }
    for (let round = 0; round < (isLong ? 100 : 3); round += 1) {
      await liveTwice(async settings => {
        const device = startDevice(settings)
        // While it begins, or in what follows the call to renew.
        if (round % 3 > 0 && (await device.said('connected'))) await hurry(settings)
        await sleep(random() * 1500)
        device.child.kill('SIGKILL')
        await device.exited
        return { isKilled: true }
      })
    }
  })
})
