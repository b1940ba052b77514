import type { PathLike, Stats } from 'node:fs'
import { readdirSync, statSync } from 'node:fs'
import type * as Files from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { fileKeyring } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

/** The calls that fail, by name, each with its code. */
const faults = vi.hoisted(() => new Map<string, string>())

vi.mock('node:fs/promises', async importOriginal => {
  const real = await importOriginal<typeof Files>()
  const fail = (call: string): void => {
    const code = faults.get(call)
    if (code !== undefined) throw Object.assign(new Error(`${code}: simulated`), { code })
  }
  return {
    ...real,
    async link(from: PathLike, to: PathLike): Promise<void> {
      fail('link')
      return real.link(from, to)
    },
    async mkdir(...parameters: Parameters<typeof real.mkdir>): Promise<unknown> {
      fail('mkdir')
      return real.mkdir(...parameters)
    },
    async unlink(path: PathLike): Promise<void> {
      fail('unlink')
      return real.unlink(path)
    },
    async open(path: PathLike, ...parameters: [string | number, number]): Promise<FileHandle> {
      const final = String(path).endsWith('-key.pem')
      if (final) fail('open')
      const handle = await real.open(path, ...parameters)
      const { writeFile, stat, sync } = handle
      handle.writeFile = async (...parameters) => {
        const call = final ? 'write' : 'write temporary'
        if (faults.has(call)) await writeFile.call(handle, 'half a key')
        fail(call)
        return writeFile.call(handle, ...parameters)
      }
      handle.sync = async () => {
        if (statSync(path).isDirectory()) fail('sync folder')
        return sync.call(handle)
      }
      handle.stat = (async () => {
        const stats = (await stat.call(handle)) as Stats
        if (faults.has('mode')) stats.mode = Number(faults.get('mode'))
        return stats
      }) as unknown as FileHandle['stat']
      return handle
    },
  }
})

let folder: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  folder = temporaryDirectory()
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  faults.clear()
  folder.remove()
  vi.restoreAllMocks()
})

function unwritable(reason: string): object {
  return {
    code: 'ERR_PKI_KEY_UNWRITABLE',
    details: { name: 'ca', reason },
    cause: expect.objectContaining({ code: reason }),
  }
}

describe('a file system that takes nothing', () => {
  it.each(['EROFS', 'ENOSPC', 'EDQUOT'])('%s for the folder', async code => {
    faults.set('mkdir', code)
    await expect(fileKeyring(folder.path('keys')).create('ca', 'P-256')).rejects.toMatchObject(unwritable(code))
  })

  it.each(['EROFS', 'ENOSPC', 'EIO'])('%s for the key, of which nothing stays', async code => {
    faults.set('write temporary', code)
    await expect(fileKeyring(folder.directory).create('ca', 'P-256')).rejects.toMatchObject(unwritable(code))
    expect(readdirSync(folder.directory)).toEqual([])
  })

  it.each(['EROFS', 'EIO'])('%s for deleting', async code => {
    await fileKeyring(folder.directory).create('ca', 'P-256')
    faults.set('unlink', code)
    await expect(fileKeyring(folder.directory).delete('ca')).rejects.toMatchObject(unwritable(code))
  })

  it('EIO for the key that is opened', async () => {
    const keyring = fileKeyring(folder.directory)
    await keyring.create('ca', 'P-256')
    faults.set('open', 'EIO')
    await expect(keyring.open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      details: { name: 'ca', reason: 'EIO' },
    })
  })

  it('a folder whose entries cannot be made durable', async () => {
    faults.set('sync folder', 'EIO')
    await expect(fileKeyring(folder.directory).create('ca', 'P-256')).rejects.toMatchObject(unwritable('EIO'))
    faults.set('sync folder', 'EINVAL') // It has no such operation: nothing to be done.
    await fileKeyring(folder.directory).create('root', 'P-256')
  })
})

describe.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])('a file system without hard links (%s)', code => {
  beforeEach(() => void faults.set('link', code))

  it('takes keys, each once', async () => {
    const keyring = fileKeyring(folder.directory, { passphrase: 'open sesame' })
    const made = await Promise.allSettled(Array.from({ length: 4 }, () => keyring.create('ca', 'P-256')))
    const winners = made.filter(result => result.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    for (const result of made) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_PKI_KEY_EXISTS' })
    }
    expect((await keyring.open('ca'))!.publicKey).toEqual(winners[0]!.value.publicKey)
    expect(readdirSync(folder.directory)).toEqual(['ca-key.pem'])
    expect(statSync(folder.path('ca-key.pem')).mode & 0o777).toBe(0o600)
  })

  it('keeps no half of a key when it is full', async () => {
    faults.set('write', 'ENOSPC')
    await expect(fileKeyring(folder.directory).create('ca', 'P-256')).rejects.toMatchObject(unwritable('ENOSPC'))
    expect(readdirSync(folder.directory)).toEqual([])
  })
})

it('a link that fails for another reason is no missing operation', async () => {
  faults.set('link', 'EIO')
  await expect(fileKeyring(folder.directory).create('ca', 'P-256')).rejects.toMatchObject(unwritable('EIO'))
  expect(readdirSync(folder.directory)).toEqual([])
})

it('writes no key into a file that others can read, whatever mode was asked for (FAT, CIFS)', async () => {
  faults.set('mode', String(0o100755))
  await expect(fileKeyring(folder.directory).create('ca', 'P-256')).rejects.toMatchObject({
    code: 'ERR_PKI_KEY_PERMISSIONS',
    details: { mode: '755' },
  })
  expect(readdirSync(folder.directory)).toEqual([])
})
