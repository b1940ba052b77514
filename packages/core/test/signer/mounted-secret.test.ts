import { chmodSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs'
import { fileKeyring } from '@fleetcert/core'
import { mountedSecret } from '@fleetcert/core/unsafe'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

/** As Kubernetes mounts a secret: a folder that all may write (tmpfs), with links to links to files of mode 0644. */
async function mountSecret(
  folder: ReturnType<typeof temporaryDirectory>,
): Promise<{ path: string; publicKey: Uint8Array }> {
  const path = folder.path('secret')
  const version = `${path}/..2026_01_01`
  const { publicKey } = await fileKeyring(version, { passphrase: 'open sesame' }).create('ca', 'P-256')
  chmodSync(`${version}/ca-key.pem`, 0o644)
  symlinkSync('..2026_01_01', `${path}/..data`)
  symlinkSync('..data/ca-key.pem', `${path}/ca-key.pem`)
  chmodSync(path, 0o1777)
  return { path, publicKey }
}

describe('a secret that is mounted', () => {
  let folder: ReturnType<typeof temporaryDirectory>
  beforeEach(() => {
    folder = temporaryDirectory()
  })
  afterEach(() => {
    vi.restoreAllMocks()
    folder.remove()
  })

  it('is refused as it is, and read when that is said', async () => {
    const { path, publicKey } = await mountSecret(folder)
    const refused = fileKeyring(path, { passphrase: 'open sesame' })
    await expect(refused.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PERMISSIONS' })
    chmodSync(path, 0o755)
    await expect(refused.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PERMISSIONS' })
    chmodSync(path, 0o1777)
    const keyring = fileKeyring(path, { passphrase: 'open sesame', access: mountedSecret })
    expect((await keyring.open('ca'))!.publicKey).toEqual(publicKey)
    expect(await keyring.open('root')).toBeUndefined()
    expect(await keyring.list()).toEqual(['ca'])
  })

  it('is never written to', async () => {
    const { path } = await mountSecret(folder)
    const before = readdirSync(path)
    const keyring = fileKeyring(path, { passphrase: 'open sesame', access: mountedSecret })
    const unwritable = { code: 'ERR_PKI_KEY_UNWRITABLE', details: { reason: 'a mounted secret is only read' } }
    await expect(keyring.create('root', 'P-256')).rejects.toMatchObject(unwritable)
    await expect(keyring.delete('ca')).rejects.toMatchObject(unwritable)
    await expect(keyring.import!('root', '')).rejects.toMatchObject(unwritable)
    expect(readdirSync(path)).toEqual(before)
  })

  it('keeps the rest: passphrase, kinds of files, and no key is missing where the mount is', async () => {
    const { path } = await mountSecret(folder)
    const wrong = fileKeyring(path, { passphrase: 'another', access: mountedSecret })
    await expect(wrong.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
    const keyring = fileKeyring(path, { passphrase: 'open sesame', access: mountedSecret })
    mkdirSync(`${path}/root-key.pem`)
    await expect(keyring.open('root')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNREADABLE' })
    renameSync(`${path}/..data`, `${path}/..gone`)
    await expect(keyring.open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      details: { reason: 'a link to nothing' },
    })
  })

  it('takes no other value', () => {
    for (const access of ['mountedSecret', true, Symbol('mountedSecret')]) {
      expect(() => fileKeyring('certs', { access: access as never })).toThrow(TypeError)
    }
  })
})
