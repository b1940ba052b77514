import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { type DeviceIdentity, fileIdentity, pathIdentity, pemIdentity } from '../src/index.ts'
import { createCredentialReader } from '../src/read-credential.ts'
import { fixtures } from './support/fixtures.ts'
import { rejection } from './support/rejection.ts'

const { ca, device, otherCa } = fixtures
const directory = mkdtempSync(join(tmpdir(), 'fleetcert-identity-'))
const path = (name: string): string => join(directory, name)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function read(identity: DeviceIdentity): Promise<unknown> {
  return createCredentialReader(identity)()
}

describeWith(['openssl'], 'fileIdentity', () => {
  beforeEach(() => {
    mkdirSync(path('devices'), { recursive: true })
    writeFileSync(path('devices/sensor-1-cert.pem'), device.certificate)
    writeFileSync(path('devices/sensor-1-key.pem'), device.privateKey)
    writeFileSync(path('devices/ca-cert.pem'), ca.certificate)
    writeFileSync(path('ca-cert.pem'), otherCa.certificate)
  })

  test("reads the fleet's folder", async () => {
    const identity = fileIdentity(directory, 'sensor-1')
    expect(identity.deviceId).toBe('sensor-1')
    const { certificate, privateKey } = device
    expect(await identity.credential()).toEqual({ certificate, privateKey, trustAnchors: ca.certificate })
  })

  test('takes the trust anchors of the folder above where there is no copy', async () => {
    rmSync(path('devices/ca-cert.pem'))
    const { trustAnchors } = await fileIdentity(directory, 'sensor-1').credential()
    expect(trustAnchors).toBe(otherCa.certificate)
  })

  test.each(['sensor-1-cert.pem', 'sensor-1-key.pem'])('says that %s is missing', async name => {
    rmSync(path(`devices/${name}`))
    const error = await rejection(fileIdentity(directory, 'sensor-1').credential())
    expect(error.code).toBe('ERR_PKI_IDENTITY')
    expect(error.message).toContain(`cannot read ${path(`devices/${name}`)}: ENOENT`)
  })

  test('does not fall back when the trust anchors are there and cannot be read', async () => {
    rmSync(path('devices/ca-cert.pem'))
    mkdirSync(path('devices/ca-cert.pem'))
    const error = await rejection(fileIdentity(directory, 'sensor-1').credential())
    rmSync(path('devices/ca-cert.pem'), { recursive: true })
    expect(error.message).toContain('EISDIR')
  })

  test('a file too large, or without end, is not read to its end', async () => {
    writeFileSync(path('devices/sensor-1-cert.pem'), 'x'.repeat(1024 * 1024 + 1))
    expect((await rejection(fileIdentity(directory, 'sensor-1').credential())).code).toBe('ERR_PKI_TOO_LARGE')
    if (!existsSync('/dev/zero')) return
    const endless = pathIdentity({
      deviceId: 'sensor-1',
      certificatePath: '/dev/zero',
      privateKeyPath: device.privateKeyPath,
      trustAnchorsPath: ca.certificatePath,
    })
    expect((await rejection(endless.credential())).code).toBe('ERR_PKI_TOO_LARGE')
  })

  test.each(['../sensor-1', 'a/b', 'a\\b', '.', '..', '', 'ca', 'a b', 'a\0b', 'a+b', 'a#', 'x'.repeat(65)])(
    'the device id %j is refused',
    id => {
      expect(() => fileIdentity(directory, id)).toThrow(expect.objectContaining({ code: 'ERR_PKI_DEVICE_ID' }))
    },
  )

  test.each(['sensor-1', 'A', 'a.b_c-d:e@f', 'x'.repeat(64), 'cable', 'größe'])('the device id %j is taken', id => {
    expect(fileIdentity(directory, id).deviceId).toBe(id)
  })
})

describeWith(['openssl'], 'pathIdentity and pemIdentity', () => {
  test('read three files, anew each time', async () => {
    const identity = pathIdentity({
      deviceId: 'sensor-1',
      certificatePath: path('c.pem'),
      privateKeyPath: device.privateKeyPath,
      trustAnchorsPath: ca.certificatePath,
    })
    expect((await rejection(read(identity))).message).toContain('c.pem: ENOENT')
    writeFileSync(path('c.pem'), device.certificate)
    expect(await read(identity)).toMatchObject({ notAfter: expect.any(Date) })
  })

  test('missing parts are TypeErrors', () => {
    const { certificate, privateKey } = device
    const trustAnchors = ca.certificate
    expect(() => pemIdentity({ deviceId: '', certificate, privateKey, trustAnchors })).toThrow(TypeError)
    expect(() => pemIdentity({ deviceId: 'a', certificate, privateKey, trustAnchors: '' })).toThrow(TypeError)
    const paths = { certificatePath: 'a', privateKeyPath: 'b' }
    expect(() => pathIdentity({ deviceId: 'a', ...paths } as never)).toThrow(TypeError)
    expect(() => fileIdentity('', 'a')).toThrow(TypeError)
  })
})

describeWith(['openssl'], 'reading a credential', () => {
  const good = { deviceId: 'sensor-1', certificate: device?.certificate, privateKey: device?.privateKey }
  const identity = (changes: object): DeviceIdentity =>
    pemIdentity({ ...good, trustAnchors: ca.certificate, ...changes })

  test('a private KeyObject, and a chain of its own', async () => {
    const { createPrivateKey } = await import('node:crypto')
    const privateKey = createPrivateKey(device.privateKey)
    expect(await read(identity({ privateKey, chain: ca.certificate }))).toMatchObject({ notBefore: expect.any(Date) })
  })

  test('one SecureContext as long as nothing changes', async () => {
    let current = identity({})
    const reader = createCredentialReader({ deviceId: 'sensor-1', credential: () => current.credential() })
    const { secureContext } = await reader()
    expect((await reader()).secureContext).toBe(secureContext)
    current = identity({ trustAnchors: otherCa.certificate })
    expect((await reader()).secureContext).not.toBe(secureContext)
  })

  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const encrypted = pair.privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  })
  const broken = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'
  test.each([
    [{ privateKey: pair.privateKey }, 'does not belong to the certificate'],
    [{ privateKey: pair.publicKey }, 'a private key is needed, not a public one'],
    [{ privateKey: encrypted }, 'the private key is encrypted'],
    [{ privateKey: 'no PEM' }, 'the private key cannot be read'],
    [{ privateKey: undefined }, 'the private key cannot be read'],
    [{ certificate: 'no PEM' }, 'the certificate text holds no certificate'],
    [{ certificate: broken }, 'the certificate text holds a certificate that cannot be read'],
    [{ chain: 'no PEM' }, 'the chain text holds no certificate'],
    [{ trustAnchors: broken }, 'the trust anchors text holds a certificate that cannot be read'],
  ])('%#: is ERR_PKI_IDENTITY, "%s"', async (changes, message) => {
    const error = await rejection(read(identity(changes)))
    expect(error.code).toBe('ERR_PKI_IDENTITY')
    expect(error.message).toContain(message)
  })

  test('PEM that is none is ERR_PKI_PEM', async () => {
    const error = await rejection(read(identity({ certificate: device.certificate.replace('-----END', '-----') })))
    expect(error.code).toBe('ERR_PKI_PEM')
  })
})
