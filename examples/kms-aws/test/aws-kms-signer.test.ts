import { createPublicKey, verify } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { KMSClient } from '@aws-sdk/client-kms'
import { memoryStore, openFleet, remoteKeyring } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'
import { awsKmsSigner } from '../src/aws-kms-signer.ts'
import { credentials, type KmsServer, startKmsServer } from './kms-server.ts'

const message = new TextEncoder().encode('to be signed')
let server: KmsServer
let client: KMSClient

beforeEach(async () => {
  server = await startKmsServer()
  client = clientWith(credentials)
})
afterEach(async () => {
  client.destroy()
  await server.close()
})

describe('a key in AWS KMS', () => {
  it.each(['P-256', 'P-384', 'RSA-2048'] as const)('signs: %s', async kind => {
    server.createKey(kind, 'key')
    const signer = (await awsKmsSigner(client, 'alias/key'))!
    const publicKey = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' })
    expect(verify(kind === 'P-384' ? 'sha384' : 'sha256', message, publicKey, await signer.sign(message))).toBe(true)
  })

  it('is no signer where there is none', async () => {
    expect(await awsKmsSigner(client, 'alias/none')).toBeUndefined()
  })

  it('stays the one that the alias meant', async () => {
    server.createKey('P-256', 'key')
    const signer = (await awsKmsSigner(client, 'alias/key'))!
    server.createKey('P-256', 'key')
    const publicKey = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' })
    expect(verify('sha256', message, publicKey, await signer.sign(message))).toBe(true)
  })

  it('is asked again where KMS is throttled or fails', async () => {
    server.createKey('P-256', 'key')
    const signer = (await awsKmsSigner(client, 'alias/key'))!
    server.faults.push([400, 'ThrottlingException'], [500, 'KMSInternalException'], [503, 'ServiceUnavailable'])
    await signer.sign(message)
    expect(server.operations).toEqual(['GetPublicKey', 'Sign', 'Sign', 'Sign', 'Sign'])
  })

  it.each([
    [[400, 'AccessDeniedException']],
    [[400, 'KMSInvalidStateException']],
    ['another key'],
    ['another algorithm'],
  ] as const)('is not asked again after %o', async fault => {
    server.createKey('P-256', 'key')
    const signer = (await awsKmsSigner(client, 'alias/key'))!
    server.faults.push(fault)
    await expect(signer.sign(message)).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER' })
    expect(server.operations).toEqual(['GetPublicKey', 'Sign'])
  })

  it('ends with the caller', async () => {
    server.createKey('P-256', 'key')
    const signer = (await awsKmsSigner(client, 'alias/key'))!
    const controller = new AbortController()
    const signing = signer.sign(message, { signal: controller.signal })
    controller.abort(new Error('given up'))
    await expect(signing).rejects.toThrow('given up')
  })
})

describeWith(['openssl'], 'a fleet with both CAs in AWS KMS', () => {
  const keyring = (firstStart = false, by = client): ReturnType<typeof remoteKeyring> =>
    remoteKeyring(
      { root: () => awsKmsSigner(by, 'alias/root'), ca: () => awsKmsSigner(by, 'alias/ca') },
      { firstStart },
    )

  it('is made, issues, and openssl verifies the chain', async () => {
    server.createKey('P-384', 'root')
    server.createKey('P-256', 'ca')
    const fleet = await openFleet({ store: memoryStore(), keyring: keyring(true), background: false })
    const { certificate, chain, trustAnchors } = await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1')
    const [root, issuing] = await Array.fromAsync(fleet.issuers())
    const folder = temporaryDirectory()
    const crls = [await fleet.crl(), await fleet.crl({ issuerKeyId: root!.issuerKeyId })].map(({ pem }) => pem).join('')
    const files = { root: trustAnchors, chain, device: certificate, crls, ca: issuing!.certificate }
    for (const [name, text] of Object.entries(files)) writeFileSync(folder.path(name), text)
    const verified = (...args: string[]): string =>
      runTool('openssl', [
        'verify',
        '-x509_strict',
        '-CAfile',
        folder.path('root'),
        '-untrusted',
        folder.path('chain'),
        ...args,
      ]).output
    expect(verified(folder.path('device'))).toContain('OK')
    expect(verified('-crl_check_all', '-CRLfile', folder.path('crls'), folder.path('device'))).toContain(
      'certificate revoked',
    )
    await fleet.close()
    folder.remove()
  })

  it('is refused where the store is empty and nobody says that this is the first start', async () => {
    server.createKey('P-256', 'root')
    server.createKey('P-256', 'ca')
    await expect(openFleet({ store: memoryStore(), keyring: keyring() })).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_LOST',
    })
    expect(server.operations).not.toContain('Sign')
  })

  it('is refused where a key is missing, disabled, or may not be used', async () => {
    server.createKey('P-256', 'root')
    await expect(openFleet({ store: memoryStore(), keyring: keyring(true) })).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNWRITABLE',
    })
    server.createKey('P-256', 'ca')
    server.disableKey('ca')
    await expect(openFleet({ store: memoryStore(), keyring: keyring(true) })).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
    })
    const stranger = clientWith({ ...credentials, secretAccessKey: 'another' })
    await expect(openFleet({ store: memoryStore(), keyring: keyring(true, stranger) })).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      cause: { name: 'IncompleteSignatureException' },
    })
    stranger.destroy()
  })
})

function clientWith(keys: typeof credentials): KMSClient {
  const { endpoint, region } = server
  return new KMSClient({ endpoint, region, credentials: keys, maxAttempts: 1 })
}
