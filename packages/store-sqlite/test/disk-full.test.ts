import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasTool } from '../../../test-support/tools.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fleetcert-sqlite-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const child = [
  process.execPath,
  '--conditions=fleetcert-source',
  '--no-warnings',
  join(import.meta.dirname, 'children', 'write-on-full-disk.ts'),
]

// A mount of our own, gone with the process.
const canMount =
  hasTool('unshare') &&
  spawnSync('unshare', ['--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0
const why = canMount ? '' : ' (skipped: no mount namespace for this user)'

describe('a disk that is full', () => {
  it.skipIf(!canMount)(`is the store being unavailable, and harms nothing${why}`, () => {
    const script = 'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@" "$0"'
    const output = execFileSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script, folder, ...child])
    expect(JSON.parse(output.toString())).toMatchObject({
      full: 'ERR_PKI_STORE_UNAVAILABLE: the disk is full',
      afterwards: 'ok',
      isWhole: true,
    })
  })

  it.skipIf(process.platform === 'win32')('is no different from a file that may not grow', () => {
    // Blocks of 512 octets. Nothing makes room here.
    const script = 'ulimit -f 2048 && exec "$@" "$0"'
    const output = execFileSync('sh', ['-c', script, folder, ...child])
    expect(JSON.parse(output.toString())).toMatchObject({
      full: 'ERR_PKI_STORE_UNAVAILABLE: input or output failed',
      isWhole: true,
    })
  })
})
