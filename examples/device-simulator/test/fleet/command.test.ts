import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

async function simulate(flags: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const main = 'examples/device-simulator/src/main.ts'
  const child = spawn(process.execPath, ['--conditions=fleetcert-source', '--no-warnings', main, ...flags], {
    cwd: root,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => (stdout += chunk))
  child.stderr.on('data', chunk => (stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

test('the command: a few devices are enrolled, renewed and cut off, and all is accounted for', {
  timeout: 240_000,
}, async () => {
  const folder = temporaryDirectory()
  try {
    const flags = [
      '--count',
      '6',
      '--racks',
      '2',
      '--renew-within-seconds',
      '2',
      '--storms',
      '0',
      '--clock-skew-seconds',
      '2',
    ]
    const { code, stdout, stderr } = await simulate([
      ...flags,
      '--telemetry-seconds',
      '1',
      '--json',
      '--directory',
      folder.directory,
    ])
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      held: true,
      devices: 6,
      stranded: [],
      messages: { lost: 0, doubled: 0 },
      renewals: { renewed: 6, notSuperseded: 0 },
      powerCuts: [{ devices: 3 }],
      percentiles: { acknowledge: { p50: expect.any(Number) } },
      processes: { devices: { residentMiB: expect.any(Number) } },
    })
    expect(stderr).toMatch(/^\d\d:\d\d {2}switching 6 devices on/m)
    expect(stderr).toMatch(/^\d\d:\d\d {2}renewals: 6 done in /m)
    expect(stderr).toMatch(/^\d\d:\d\d {2}power cut: its 3 devices are back after /m)
    expect(stderr).not.toContain('\x1b')
    // The folder that was asked for is kept.
    expect(readdirSync(folder.directory).sort()).toEqual(['backend', 'rack-1', 'rack-2'])
    expect((await simulate(['--count', '1', '--directory', folder.directory])).code).toBe(2)
  } finally {
    folder.remove()
  }
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s to the whole group ends it with an account, not with a failure',
  {
    timeout: 60_000,
  },
  async signal => {
    const child = spawn(
      process.execPath,
      ['--conditions=fleetcert-source', '--no-warnings', 'examples/device-simulator/src/main.ts', '--count', '2'],
      // A group of its own, as a terminal or a service manager makes one.
      { cwd: root, detached: true },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
    const closed = once(child, 'close')
    await expect.poll(() => output, { timeout: 30_000 }).toContain('all on after')
    process.kill(-child.pid!, signal)
    expect(await closed).toEqual([0, null])
    expect(output).toContain('held: nothing lost, nobody stranded')
    expect(output).not.toContain('the process ended')
  },
)
