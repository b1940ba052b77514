import { writeFileSync } from 'node:fs'
import { fileKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { describeWith, runTool } from '../../../test-support/tools.ts'
import { makeSoftHsm, modulePath, pin, type SoftHsm } from './support/softhsm.ts'

describeWith(['softhsm2-util', 'pkcs11-tool', 'openssl'], 'a fleet with its CAs in an HSM', () => {
  let hsm: SoftHsm
  beforeEach(() => {
    hsm = makeSoftHsm('root', 'issuing')
  })
  afterEach(() => {
    vi.restoreAllMocks()
    hsm.remove()
  })
  const open = (tokenLabel: string) => pkcs11Keyring({ module: modulePath, tokenLabel, pin })

  it('enrolls, revokes and goes on after a restart; openssl verifies all of it', async () => {
    // Kept over the restart.
    const store = { ...memoryStore(), close: async () => {} }
    {
      await using root = open('root')
      await using issuing = open('issuing')
      await using fleet = await openFleet({ store, keyring: { root, issuing }, organization: 'Acme' })
      const credentials = await Promise.all(Array.from({ length: 32 }, (_, index) => fleet.enroll(`sensor-${index}`)))
      for (const { deviceId, certificate, chain, trustAnchors } of credentials.slice(0, 4)) {
        writeFileSync(hsm.path('device.pem'), certificate)
        writeFileSync(hsm.path('chain.pem'), chain)
        writeFileSync(hsm.path('ca.pem'), trustAnchors)
        const files = ['-CAfile', hsm.path('ca.pem'), '-untrusted', hsm.path('chain.pem'), hsm.path('device.pem')]
        expect(runTool('openssl', ['verify', '-x509_strict', ...files]), deviceId).toMatchObject({ status: 0 })
      }
      await fleet.revoke('sensor-1')
    }
    expect(hsm.tool('root', '--list-objects').match(/Private Key Object/g)).toHaveLength(1)
    expect(hsm.tool('issuing', '--list-objects').match(/Private Key Object/g)?.length).toBeGreaterThanOrEqual(1)

    await using root = open('root')
    await using issuing = open('issuing')
    await using fleet = await openFleet({ store, keyring: { root, issuing } })
    const { certificate } = await fleet.enroll('sensor-99')
    writeFileSync(hsm.path('device.pem'), certificate)
    writeFileSync(hsm.path('crl.pem'), (await fleet.crl()).pem)
    const files = ['-CAfile', hsm.path('ca.pem'), '-untrusted', hsm.path('chain.pem')]
    expect(runTool('openssl', ['verify', ...files, hsm.path('device.pem')])).toMatchObject({ status: 0 })
    expect(
      runTool('openssl', ['crl', '-in', hsm.path('crl.pem'), '-CAfile', hsm.path('chain.pem'), '-noout']).output,
    ).toContain('verify OK')
  })

  it('a token that is away stops issuing with a code, and nothing is lost', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using issuing = open('issuing')
    const keyring = { root: fileKeyring(hsm.path('root')), issuing }
    await using fleet = await openFleet({ store: memoryStore(), keyring, background: false })
    await fleet.enroll('sensor-1')
    await issuing.delete('ca')
    await expect(fleet.enroll('sensor-2')).rejects.toMatchObject({
      code: 'ERR_PKI_SIGNER',
      cause: { code: 'ERR_PKI_KEY_MISSING' },
    })
    expect((await fleet.device('sensor-1'))?.deviceId).toBe('sensor-1')
  })
})
