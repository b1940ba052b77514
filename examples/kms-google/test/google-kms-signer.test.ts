import { createPublicKey, verify } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { memoryStore, openFleet, remoteKeyring, type Signer } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'
import { crc32c } from '../src/crc32c.ts'
import { googleKmsSigner } from '../src/google-kms-signer.ts'
import { type KmsServer, startKmsServer, token } from './kms-server.ts'

const message = new TextEncoder().encode('to be signed')
let server: KmsServer

beforeEach(async () => {
  server = await startKmsServer()
})
afterEach(async () => {
  await server.close()
})

describe('a key version in Google Cloud KMS', () => {
  it.each([
    ['EC_SIGN_P256_SHA256', 'sha256'],
    ['EC_SIGN_P384_SHA384', 'sha384'],
    ['EC_SIGN_ED25519', null],
    ['RSA_SIGN_PKCS1_2048_SHA256', 'sha256'],
  ] as const)('signs: %s', async (algorithm, hash) => {
    const signer = (await signerOf(server.createKey(algorithm)))!
    const publicKey = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' })
    expect(verify(hash, message, publicKey, await signer.sign(message))).toBe(true)
  })

  it('is no signer where there is none', async () => {
    expect(await signerOf('projects/p/locations/l/keyRings/r/cryptoKeys/none/cryptoKeyVersions/1')).toBeUndefined()
  })

  it('is refused where it is not for signing, or its public half came damaged', async () => {
    await expect(signerOf(server.createKey('RSA_DECRYPT_OAEP_2048_SHA256'))).rejects.toThrow('none for a CA')
    const key = server.createKey('EC_SIGN_P256_SHA256')
    server.damagePublicKeys()
    await expect(signerOf(key)).rejects.toThrow('damaged')
  })

  it('is asked again where KMS is throttled, fails, or something came damaged', async () => {
    const signer = (await signerOf(server.createKey('EC_SIGN_P256_SHA256')))!
    server.faults.push({ code: 503, status: 'UNAVAILABLE' }, 'damaged answer', 'damaged request')
    await signer.sign(message)
    server.faults.push({ code: 429, status: 'RESOURCE_EXHAUSTED' })
    await signer.sign(message)
    expect(server.signatures()).toBe(6)
  })

  it('is asked when Retry-After says', async () => {
    const signer = (await signerOf(server.createKey('EC_SIGN_P256_SHA256')))!
    server.faults.push({ code: 429, status: 'RESOURCE_EXHAUSTED', retryAfter: '120' })
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_SIGNER_BUSY',
      details: { retryAfterSeconds: 120 },
    })
  })

  it.each([
    [{ code: 403, status: 'PERMISSION_DENIED' }],
    [{ code: 400, status: 'FAILED_PRECONDITION' }],
    ['another key'],
  ] as const)('is not asked again after %o', async fault => {
    const signer = (await signerOf(server.createKey('EC_SIGN_P256_SHA256')))!
    server.faults.push(fault)
    const error = await signer.sign(message).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'ERR_PKI_SIGNER' })
    expect(String(error)).not.toContain('secret')
    expect(server.signatures()).toBe(1)
  })
})

describeWith(['openssl'], 'a fleet with both CAs in Google Cloud KMS', () => {
  it('is made, issues, and openssl verifies the chain', async () => {
    const [root, ca] = [server.createKey('EC_SIGN_P384_SHA384'), server.createKey('EC_SIGN_P256_SHA256')]
    const keyring = remoteKeyring({ root: () => signerOf(root), ca: () => signerOf(ca) }, { firstStart: true })
    const fleet = await openFleet({ store: memoryStore(), keyring, background: false })
    const { certificate, chain, trustAnchors } = await fleet.enroll('sensor-1')
    await fleet.close()
    const folder = temporaryDirectory()
    for (const [name, text] of Object.entries({ certificate, chain, trustAnchors }))
      writeFileSync(folder.path(name), text)
    const args = ['-x509_strict', '-CAfile', folder.path('trustAnchors'), '-untrusted', folder.path('chain')]
    expect(runTool('openssl', ['verify', ...args, folder.path('certificate')]).output).toContain('OK')
    folder.remove()
  })

  it('is refused where the token is wrong', async () => {
    const root = server.createKey('EC_SIGN_P256_SHA256')
    const keyring = remoteKeyring({ root: () => signerOf(root, 'another') }, { firstStart: true })
    await expect(openFleet({ store: memoryStore(), keyring })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNREADABLE' })
  })
})

it('computes CRC-32C', () => {
  // RFC 3720 appendix B.4: 32 octets of zeros, of ones, and rising.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e)
})

function signerOf(keyVersion: string, accessToken = token): Promise<Signer | undefined> {
  return googleKmsSigner({ keyVersion, origin: server.origin, accessToken: async () => accessToken })
}
