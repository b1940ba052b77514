import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../../test-support/tools.ts'

const program = join(import.meta.dirname, '../bin/fleetcert.js')

function start(cwd: string, args: readonly string[], nodeOptions: readonly string[] = []) {
  const { FLEETCERT_KEY_PASSPHRASE: _, ...env } = process.env
  return spawnSync(process.execPath, [...nodeOptions, program, ...args], { cwd, env, encoding: 'utf8' })
}

test.each(['18.20.8', '20.20.2', '22.12.0'])('on Node.js %s says what is needed, and makes nothing', version => {
  const older = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
  const folder = temporaryDirectory()
  try {
    const { status, stderr } = start(folder.directory, ['init'], ['--import', `data:text/javascript,${older}`])
    expect(stderr).toBe(`fleetcert: Node.js 22.13 or newer is needed; this is ${version}\n`)
    expect(status).toBe(1)
  } finally {
    folder.remove()
  }
})

test('keys in the clear are warned about in the words of the program', () => {
  const folder = temporaryDirectory()
  try {
    const { status, stderr } = start(folder.directory, ['init'])
    expect(status).toBe(0)
    expect(stderr).toContain('fleetcert: warning: the keys of the CAs are not encrypted')
    expect(stderr).toContain('FLEETCERT_KEY_PASSPHRASE')
    expect(stderr).not.toContain('fileKeyring')
  } finally {
    folder.remove()
  }
})

test('a file where the folder should be is named', () => {
  const folder = temporaryDirectory()
  try {
    const { status, stderr } = start(folder.directory, ['--dir', program, 'init'])
    expect(stderr).toBe(`fleetcert: ${program}: there is a file of that name already\n`)
    expect(status).toBe(1)
  } finally {
    folder.remove()
  }
})

test('serve ends when the program is told to, and not the terminal', async () => {
  const folder = temporaryDirectory()
  try {
    expect(start(folder.directory, ['init']).status).toBe(0)
    const server = spawn(process.execPath, [program, 'serve', '--port', '0', '--json'], { cwd: folder.directory })
    const ended = once(server, 'exit')
    await once(server.stdout, 'data')
    server.kill('SIGTERM')
    expect(await ended).toEqual([expect.any(Number), null])
  } finally {
    folder.remove()
  }
})
