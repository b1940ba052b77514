import { createPublicKey } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileKeyring } from '@fleetcert/core'
import { verifySignature } from '@fleetcert/x509'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { describeWith, temporaryDirectory, toolOutput } from '../../../../test-support/tools.ts'

let folder: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  folder = temporaryDirectory()
  // Keys in the clear are meant here.
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  folder.remove()
  vi.restoreAllMocks()
})
const message = Buffer.from('message')

describe('fileKeyring', () => {
  it.each(['P-256', 'P-384', 'Ed25519', 'RSA-2048'] as const)(
    'makes %s keys, 0600, and opens them again',
    async algorithm => {
      const keyring = fileKeyring(folder.path('keys'))
      const made = await keyring.create('ca', algorithm)
      expect(statSync(folder.path('keys/ca-key.pem')).mode & 0o777).toBe(0o600)
      expect(statSync(folder.path('keys')).mode & 0o777).toBe(0o755)
      const opened = await fileKeyring(folder.path('keys')).open('ca')
      expect(opened!.publicKey).toEqual(made.publicKey)
      const signature = await opened!.sign(message)
      expect(verifySignature(made.algorithm, made.publicKey, message, signature)).toBe(true)
      expect(verifySignature(made.algorithm, made.publicKey, Buffer.from('other'), signature)).toBe(false)
      expect(await keyring.list()).toEqual(['ca'])
      await keyring.delete('ca')
      await keyring.delete('ca')
      expect(await keyring.open('ca')).toBeUndefined()
    },
  )

  it('never overwrites a key, not even when two make it at once', async () => {
    const keyring = fileKeyring(folder.directory)
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => keyring.create('ca', 'P-256')))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'ERR_PKI_KEY_EXISTS', details: { name: 'ca' } })
    }
    expect(readdirSync(folder.directory)).toEqual(['ca-key.pem'])
  })

  it('refuses a key that others can read and a folder that others can write', async () => {
    const keyring = fileKeyring(folder.directory)
    await keyring.create('ca', 'P-256')
    chmodSync(folder.path('ca-key.pem'), 0o640)
    await expect(keyring.open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_PERMISSIONS',
      details: { mode: '640' },
    })
    chmodSync(folder.path('ca-key.pem'), 0o600)
    chmodSync(folder.directory, 0o777)
    await expect(keyring.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PERMISSIONS' })
    await expect(keyring.create('b', 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PERMISSIONS' })
  })

  it.each(['../ca', 'CA', '', 'a/b', '.x', '1a', 'a'.repeat(65)])('refuses the name %j', async name => {
    const keyring = fileKeyring(folder.directory)
    await expect(keyring.create(name, 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_NAME' })
    await expect(keyring.open(name)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_NAME' })
  })

  it('opens an encrypted key with its passphrase alone, and says nothing of it in the error', async () => {
    await fileKeyring(folder.directory, { passphrase: 'open sesame' }).create('ca', 'P-256')
    const text = readFileSync(folder.path('ca-key.pem'), 'utf8')
    expect(text).toContain('BEGIN ENCRYPTED PRIVATE KEY')
    const opened = await fileKeyring(folder.directory, { passphrase: async () => 'open sesame' }).open('ca')
    expect(
      createPublicKey({ key: Buffer.from(opened!.publicKey), format: 'der', type: 'spki' }).asymmetricKeyType,
    ).toBe('ec')
    for (const options of [{ passphrase: 'wrong one' }, {}]) {
      const error = await fileKeyring(folder.directory, options)
        .open('ca')
        .catch((error: Error) => error)
      expect(error).toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
      expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/wrong one|open sesame|BEGIN/)
    }
  })

  it('names what cannot be read, without quoting it', async () => {
    writeFileSync(folder.path('ca-key.pem'), 'secret-ish nonsense', { mode: 0o600 })
    const error = await fileKeyring(folder.directory)
      .open('ca')
      .catch((error: Error) => error)
    expect(error).toMatchObject({ code: 'ERR_PKI_KEY_UNREADABLE', details: { name: 'ca' } })
    expect(String((error as Error).stack)).not.toContain('secret-ish')
  })
})

describeWith(['openssl'], 'key files judged by openssl', () => {
  it('reads a plain and an encrypted one', async () => {
    const keyring = fileKeyring(folder.directory, { passphrase: 'open sesame' })
    const signer = await keyring.create('ca', 'P-256')
    const spki = toolOutput('openssl', [
      'pkey',
      '-in',
      folder.path('ca-key.pem'),
      '-passin',
      'pass:open sesame',
      '-pubout',
      '-outform',
      'DER',
    ])
    expect(Buffer.compare(spki, signer.publicKey)).toBe(0)
    const parameters = toolOutput('openssl', ['asn1parse', '-in', folder.path('ca-key.pem')]).toString()
    expect(parameters).toContain('PBES2')
    expect(parameters).toContain('scrypt')
    expect(parameters).toContain('aes-256-cbc')
    const plain = await fileKeyring(folder.path('plain')).create('ca', 'Ed25519')
    expect(
      Buffer.compare(
        toolOutput('openssl', ['pkey', '-in', folder.path('plain/ca-key.pem'), '-pubout', '-outform', 'DER']),
        plain.publicKey,
      ),
    ).toBe(0)
  })
})
