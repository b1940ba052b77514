import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fileKeyring } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'

let folder: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  folder = temporaryDirectory()
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  folder.remove()
  vi.restoreAllMocks()
})

const root = process.getuid?.() === 0
const nobody = 65534

function unreadable(reason: unknown): object {
  return { code: 'ERR_PKI_KEY_UNREADABLE', details: { name: 'ca', reason } }
}

function unwritable(reason: unknown): object {
  return { code: 'ERR_PKI_KEY_UNWRITABLE', details: { name: 'ca', reason } }
}

describe('a folder that is missing', () => {
  it('holds no keys, and nothing of it is deleted', async () => {
    const keyring = fileKeyring(folder.path('a/b'))
    expect(await keyring.open('ca')).toBeUndefined()
    expect(await keyring.list()).toEqual([])
    await keyring.delete('ca')
    expect(existsSync(folder.path('a'))).toBe(false)
  })

  it('is made with its parents, writable by no others', async () => {
    await Promise.all(['ca', 'root'].map(name => fileKeyring(folder.path('a/b/c')).create(name, 'P-256')))
    for (const path of ['a', 'a/b', 'a/b/c']) expect(statSync(folder.path(path)).mode & 0o777).toBe(0o755)
  })

  it('is refused where none can be made', async () => {
    symlinkSync(folder.path('nowhere'), folder.path('dangling'))
    const keyring = fileKeyring(folder.path('dangling/keys'))
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject(unwritable('EEXIST'))
  })

  it.runIf(existsSync('/proc/self/status'))('is refused below /proc (skipped where there is none)', async () => {
    const keyring = fileKeyring('/proc/fleetcert/keys')
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject(unwritable('ENOENT'))
  })
})

describe('a folder that is a file', () => {
  it.each(['file', 'file/keys'])('is refused: %s', async path => {
    writeFileSync(folder.path('file'), '')
    const keyring = fileKeyring(folder.path(path))
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject(unwritable('ENOTDIR'))
    await expect(keyring.delete('ca')).rejects.toMatchObject(unwritable('ENOTDIR'))
    await expect(keyring.open('ca')).rejects.toMatchObject(unreadable('ENOTDIR'))
    await expect(keyring.list()).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      details: { reason: 'ENOTDIR' },
    })
  })
})

describe('what is no file', () => {
  it('is not opened as a key: a folder', async () => {
    mkdirSync(folder.path('ca-key.pem'), { mode: 0o700 })
    await expect(fileKeyring(folder.directory).open('ca')).rejects.toMatchObject(unreadable('not a regular file'))
    await expect(fileKeyring(folder.directory).delete('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNWRITABLE' })
  })

  it('is not opened as a key: a link to nothing, which is no missing key either', async () => {
    symlinkSync(folder.path('nowhere'), folder.path('ca-key.pem'))
    await expect(fileKeyring(folder.directory).open('ca')).rejects.toMatchObject(
      unreadable(expect.stringMatching(/link/)),
    )
  })

  it('is not opened as a key: /dev/zero', async () => {
    symlinkSync('/dev/zero', folder.path('ca-key.pem'))
    await expect(fileKeyring(folder.directory).open('ca')).rejects.toMatchObject(unreadable('not a regular file'))
  })
})

describeWith(['mkfifo'], 'a FIFO', () => {
  it('is not opened as a key, and not waited for', async () => {
    execFileSync('mkfifo', ['-m', '600', folder.path('ca-key.pem')])
    await expect(fileKeyring(folder.directory).open('ca')).rejects.toMatchObject(unreadable('not a regular file'))
  })
})

it('opens a key of 64 KiB with what else its file holds, and none that is larger', async () => {
  const keyring = fileKeyring(folder.directory)
  const { publicKey } = await keyring.create('ca', 'P-256')
  const key = readFileSync(folder.path('ca-key.pem'), 'latin1')
  const comment = `${'# \n'.repeat(22_000)}`.slice(0, 64 * 1024 - key.length - 1)
  writeFileSync(folder.path('ca-key.pem'), `${comment}\n${key}`)
  expect(statSync(folder.path('ca-key.pem')).size).toBe(64 * 1024)
  expect((await keyring.open('ca'))!.publicKey).toEqual(publicKey)
  writeFileSync(folder.path('ca-key.pem'), `${comment}\n${key}\n`)
  await expect(keyring.open('ca')).rejects.toMatchObject(unreadable(expect.stringContaining('64 KiB')))
})

describe('a link', () => {
  it('is followed to a key of good permissions, as mounted secrets need it, and to no other', async () => {
    const { publicKey } = await fileKeyring(folder.path('mounted')).create('ca', 'P-256')
    renameSync(folder.path('mounted'), folder.path('..data'))
    mkdirSync(folder.path('keys'), { mode: 0o755 })
    symlinkSync('../..data/ca-key.pem', folder.path('keys/ca-key.pem'))
    const keyring = fileKeyring(folder.path('keys'))
    expect((await keyring.open('ca'))!.publicKey).toEqual(publicKey)
    chmodSync(folder.path('..data/ca-key.pem'), 0o644)
    await expect(keyring.open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_PERMISSIONS',
      details: { path: folder.path('keys/ca-key.pem'), mode: '644' },
    })
  })
})

describe.runIf(root)('the owner (skipped unless root runs the tests: only root gives files away)', () => {
  it('of a key file is this process or root', async () => {
    const keyring = fileKeyring(folder.directory)
    await keyring.create('ca', 'P-256')
    chownSync(folder.path('ca-key.pem'), nobody, nobody)
    await expect(keyring.open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_PERMISSIONS',
      details: { path: folder.path('ca-key.pem'), mode: '600', reason: `owned by uid ${nobody}` },
    })
  })

  it('of the folder is this process or root', async () => {
    const keyring = fileKeyring(folder.directory)
    await keyring.create('ca', 'P-256')
    chownSync(folder.directory, nobody, nobody)
    for (const promise of [keyring.open('ca'), keyring.create('root', 'P-256')])
      await expect(promise).rejects.toMatchObject({
        code: 'ERR_PKI_KEY_PERMISSIONS',
        details: { path: folder.directory, reason: `owned by uid ${nobody}` },
      })
    expect(readdirSync(folder.directory)).toEqual(['ca-key.pem'])
  })
})

/** Runs each method in a process of its own, for what this one cannot bring about in itself. Resolves `code reason`, or `done`. */
function outcomes(directory: string, setUp: string, shell = 'exec "$0" "$@"'): Record<string, string> {
  const script = `
    import { fileKeyring } from '@fleetcert/core'
    const keyring = fileKeyring(${JSON.stringify(directory)})
    ${setUp}
    const outcomes = {}
    for (const method of ['create', 'open', 'list', 'delete'])
      outcomes[method] = await keyring[method]('ca', 'P-256').then(() => 'done', error => error.code + ' ' + error.details?.reason)
    console.log(JSON.stringify(outcomes))`
  const flags = ['--disable-warning=FLEETCERT_UNENCRYPTED_KEY', '--conditions=fleetcert-source', '--input-type=module']
  const result = spawnSync('sh', ['-c', shell, process.execPath, ...flags, '--eval', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    timeout: 20_000,
  })
  if (result.status !== 0) throw new Error(result.stderr)
  return JSON.parse(result.stdout)
}

describe.skipIf(process.platform === 'win32')('what the system refuses is told by its code', () => {
  it('a folder that may not be entered', () => {
    mkdirSync(folder.path('locked'), { mode: 0o000 })
    expect(outcomes(folder.path('locked/keys'), `if (process.getuid() === 0) process.seteuid(${nobody})`)).toEqual({
      create: 'ERR_PKI_KEY_UNWRITABLE EACCES',
      open: 'ERR_PKI_KEY_UNREADABLE EACCES',
      list: 'ERR_PKI_KEY_UNREADABLE EACCES',
      delete: 'ERR_PKI_KEY_UNWRITABLE EACCES',
    })
    chmodSync(folder.path('locked'), 0o700)
  })

  it('a file that may not grow leaves nothing behind', () => {
    expect(outcomes(folder.path('keys'), '', 'trap "" XFSZ; ulimit -f 0; exec "$0" "$@"')).toEqual({
      create: 'ERR_PKI_KEY_UNWRITABLE EFBIG',
      open: 'done',
      list: 'done',
      delete: 'done',
    })
    expect(readdirSync(folder.path('keys'))).toEqual([])
  })
})
