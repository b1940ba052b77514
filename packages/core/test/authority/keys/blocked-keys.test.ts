import { generateKeyPairSync } from 'node:crypto'
import {
  createCertificationRequest,
  memoryKeyring,
  memoryStore,
  type OpenFleetOptions,
  openFleet,
} from '@fleetcert/core'
import { keyId, publicKeyFingerprint, softwareSigner } from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'

const keyPair = () => softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
const blocked = keyPair()
const other = keyPair()
const csrOf = (signer: typeof blocked) => createCertificationRequest({ subject: [], signer })
const open = (blockedKeys: OpenFleetOptions['blockedKeys']) =>
  openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    background: false,
    ...(blockedKeys === undefined ? {} : { blockedKeys }),
  })
const refused = { code: 'ERR_PKI_KEY_BLOCKED' }

describe.each([
  ['a list of hexadecimal hashes', () => [keyId(blocked.publicKey)]],
  ['a list of fingerprints', () => new Set([publicKeyFingerprint(blocked.publicKey)])],
  ['a generator of hashes', () => [keyId(blocked.publicKey).toUpperCase()].values()],
  ['a function', () => (hash: string) => hash === keyId(blocked.publicKey)],
  ['an asynchronous function', () => async (hash: string) => hash === keyId(blocked.publicKey)],
])('%s', (_name, blockedKeys) => {
  it('keeps a key from every kind of certificate, and lets others pass', async () => {
    const fleet = await open(blockedKeys())
    const csr = await csrOf(blocked)
    await expect(fleet.enroll('a', { csr })).rejects.toMatchObject(refused)
    await expect(fleet.enroll('a', { csr, role: 'service' })).rejects.toMatchObject(refused)
    await expect(fleet.issueServer({ hosts: ['a.example'], csr })).rejects.toMatchObject(refused)
    expect(await fleet.device('a')).toBeUndefined()
    await fleet.enroll('a', { csr: await csrOf(other) })
    await expect(fleet.renew('a', { csr })).rejects.toMatchObject(refused)
    await fleet.renew('a')
    await fleet.close()
  })
})

it('takes anything but false for a yes', async () => {
  for (const answer of [undefined, null, 0, 'false']) {
    const fleet = await open((() => answer) as never)
    await expect(fleet.enroll('a', { csr: await csrOf(other) })).rejects.toMatchObject(refused)
    await fleet.close()
  }
})

it('issues nothing while the question fails', async () => {
  let down = true
  const fleet = await open(() => (down ? Promise.reject(new Error('database gone')) : false))
  await expect(fleet.enroll('a', { csr: await csrOf(other) })).rejects.toThrow('database gone')
  expect(await fleet.device('a')).toBeUndefined()
  down = false
  await fleet.enroll('a', { csr: await csrOf(other) })
  await fleet.close()
})

it('refuses a list with something else in it', async () => {
  await expect(open(['00'])).rejects.toMatchObject({ code: 'ERR_PKI_FINGERPRINT' })
  await expect(open('ab'.repeat(32) as never)).rejects.toBeInstanceOf(TypeError)
  await (await open([])).close()
})
