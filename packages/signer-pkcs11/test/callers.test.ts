import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Pkcs11KeyringOptions, pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { describe, expect, it } from 'vitest'

const good: Pkcs11KeyringOptions = { module: '/nowhere/module.so', pin: '1234' }

describe("callers' mistakes", () => {
  it.each([
    [{ module: '' }, /^pkcs11Keyring: module: expected/],
    [{ module: 7 }, /^pkcs11Keyring: module: expected/],
    [{ pin: '' }, /^pkcs11Keyring: pin: expected/],
    [{ pin: 1234 }, /^pkcs11Keyring: pin: expected/],
    [{ pin: undefined }, /^pkcs11Keyring: pin: expected/],
    [{ tokenLabel: '' }, /^pkcs11Keyring: tokenLabel: expected/],
    [{ tokenLabel: 'a'.repeat(33) }, /^pkcs11Keyring: tokenLabel: expected/],
    [{ slot: '0' }, /^pkcs11Keyring: slot: expected/],
    [{ slot: 1.5 }, /^pkcs11Keyring: slot: expected/],
    [{ labelPrefix: 7 }, /^pkcs11Keyring: labelPrefix: expected/],
    [{ tokenlabel: 'fleet' }, /^pkcs11Keyring: there is no "tokenlabel"/],
  ])('%j is a TypeError', (options, message) => {
    const call = () => pkcs11Keyring({ ...good, ...options } as Pkcs11KeyringOptions)
    expect(call).toThrow(TypeError)
    expect(call).toThrow(message)
  })

  it.each([
    { sessions: 0 },
    { sessions: 65 },
    { sessions: 1.5 },
    { timeoutSeconds: 0 },
    { timeoutSeconds: Number.NaN },
    { slot: -1 },
  ])('%j is a RangeError', options => {
    expect(() => pkcs11Keyring({ ...good, ...options })).toThrow(RangeError)
  })

  it('nothing is loaded before a method is called, and closing what was never used is nothing', async () => {
    const keyring = pkcs11Keyring(good)
    await keyring.close()
    await expect(keyring.list()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
  })

  it('where threads or addons are not allowed, that is said', () => {
    const index = fileURLToPath(new URL('../src/index.ts', import.meta.url))
    const script = `const { pkcs11Keyring } = await import(${JSON.stringify(index)})
      const keyring = pkcs11Keyring({ module: '/nowhere/module.so', pin: '1234' })
      process.stdout.write(await keyring.list().catch(error => error.code + ' ' + error.details.reason))`
    const reasonWith = (...allowed: string[]) => {
      const args = [
        '--permission',
        '--allow-fs-read=*',
        ...allowed,
        '--conditions=fleetcert-source',
        '--input-type=module',
        '-e',
        script,
      ]
      return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout
    }
    expect(reasonWith()).toBe('ERR_PKI_HSM_UNAVAILABLE no thread can be started')
    expect(reasonWith('--allow-worker')).toBe('ERR_PKI_HSM_UNAVAILABLE pkcs11js cannot be loaded (ERR_DLOPEN_DISABLED)')
  })

  it('a module that is not there is a coded error', async () => {
    await using keyring = pkcs11Keyring(good)
    await expect(keyring.open('ca')).rejects.toMatchObject({
      code: 'ERR_PKI_HSM_UNAVAILABLE',
      details: { reason: expect.stringMatching(/^the module cannot be loaded/) },
    })
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_HSM_UNAVAILABLE' })
  })
})
