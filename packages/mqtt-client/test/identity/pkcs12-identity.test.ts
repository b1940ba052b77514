import { execFileSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../../test-support/tools.ts'
import { connectDevice, memoryIdentity, pkcs12Identity, storedIdentity } from '../../src/index.ts'
import { createCredentialReader } from '../../src/read-credential.ts'
import { startAedes } from '../support/aedes-broker.ts'
import { fixtures } from '../support/fixtures.ts'
import { rejection } from '../support/rejection.ts'

const { ca, device, server } = fixtures
const folder = temporaryDirectory()
afterAll(folder.remove)

describeWith(['openssl'], 'pkcs12Identity', () => {
  function make(name: string, ...options: string[]): string {
    const keys = ['-inkey', device.privateKeyPath, '-in', device.certificatePath]
    const { status, output } = runTool('openssl', ['pkcs12', '-export', ...keys, '-out', folder.path(name), ...options])
    if (status !== 0) throw new Error(output)
    return folder.path(name)
  }
  const identity = (path: string, passphrase?: string | (() => Promise<string>)): ReturnType<typeof pkcs12Identity> =>
    pkcs12Identity({
      deviceId: 'sensor-1',
      path,
      trustAnchorsPath: ca.certificatePath,
      ...(passphrase === undefined ? {} : { passphrase }),
    })

  beforeAll(() => {
    make('good.p12', '-passout', 'pass:secret')
    make('chain.p12', '-passout', 'pass:secret', '-certfile', ca.certificatePath)
    make('old.p12', '-passout', 'pass:secret', '-legacy')
    make('keyless.p12', '-passout', 'pass:secret', '-nokeys')
  })

  test.each(['good.p12', 'chain.p12'])('%s connects; the passphrase comes from a callback', async name => {
    await using broker = await startAedes({ clientCa: ca, server })
    await using connection = await connectDevice(broker.url, {
      identity: identity(folder.path(name), async () => 'secret'),
    })
    expect(connection.client.connected).toBe(true)
  })

  test.each([
    ['good.p12', 'wrong', 'the passphrase of the PKCS #12 file is wrong, or missing'],
    ['good.p12', undefined, 'the passphrase of the PKCS #12 file is wrong, or missing'],
    ['old.p12', 'secret', 'encrypted with an algorithm that is too old'],
    ['keyless.p12', 'secret', 'the PKCS #12 file cannot be read'],
    ['missing.p12', 'secret', 'missing.p12: ENOENT'],
  ])('%s with %j is ERR_PKI_IDENTITY: %s', async (name, passphrase, reason) => {
    const error = await rejection(createCredentialReader(identity(folder.path(name), passphrase))())
    expect(error.code).toBe('ERR_PKI_IDENTITY')
    expect(error.message).toContain(reason)
    expect(JSON.stringify(error)).not.toContain('secret')
  })

  test('a file of more than 1 MiB is ERR_PKI_TOO_LARGE', async () => {
    writeFileSync(folder.path('big.p12'), '')
    truncateSync(folder.path('big.p12'), 1024 * 1024 + 1)
    expect((await rejection(identity(folder.path('big.p12')).credential())).code).toBe('ERR_PKI_TOO_LARGE')
  })

  test('the same file is one SecureContext', async () => {
    const read = createCredentialReader(identity(folder.path('good.p12'), 'secret'))
    expect((await read()).secureContext).toBe((await read()).secureContext)
    expect(await read()).toMatchObject({
      notAfter: expect.any(Date),
      fingerprint: expect.stringMatching(/^[0-9A-F:]{95}$/),
    })
  })

  test('it cannot keep a renewed credential, and says so', async () => {
    const renewal = { hub: 'https://hub.example' }
    const connecting = connectDevice('mqtts://localhost:1', { identity: identity(folder.path('good.p12')), renewal })
    await expect(connecting).rejects.toThrow(TypeError)
  })
})

describeWith(['mkfifo'], 'a FIFO', () => {
  test('is not waited for', async () => {
    execFileSync('mkfifo', ['-m', '600', folder.path('pipe.p12')])
    const identity = pkcs12Identity({ deviceId: 'a', path: folder.path('pipe.p12'), trustAnchorsPath: 'missing.pem' })
    expect((await rejection(identity.credential())).code).toBe('ERR_PKI_IDENTITY')
    const octets = pkcs12Identity({
      deviceId: 'a',
      path: folder.path('pipe.p12'),
      trustAnchorsPath: folder.path('pipe.p12'),
    })
    expect(await octets.credential()).toEqual({ pkcs12: Buffer.alloc(0), trustAnchors: '' })
  })
})

test('missing parts and options that cannot work are TypeErrors', async () => {
  expect(() => pkcs12Identity({ deviceId: 'a', path: '', trustAnchorsPath: 'b' })).toThrow(TypeError)
  expect(() => memoryIdentity({ deviceId: 'a', certificate: '', privateKey: 'b', trustAnchors: 'c' })).toThrow(
    TypeError,
  )
  expect(() => storedIdentity({ deviceId: 'a', storage: {} as never })).toThrow(TypeError)
  const identity = memoryIdentity({ deviceId: 'a', certificate: 'a', privateKey: 'b', trustAnchors: 'c' })
  for (const renewal of [
    {},
    { hub: 'http://hub.example' },
    { hub: 'https://hub.example', over: 'mqtt', topicPrefix: 'a' },
    { over: 'mqtt' },
    { over: 'mqtt', topicPrefix: 'devices/+' },
    { over: 'mqtt', topicPrefix: 'devices/a/' },
  ]) {
    await expect(connectDevice('mqtts://localhost:1', { identity, renewal: renewal as never })).rejects.toThrow(
      TypeError,
    )
  }
  const renewal = { hub: 'https://hub.example', pollSeconds: 0 }
  await expect(connectDevice('mqtts://localhost:1', { identity, renewal })).rejects.toThrow(RangeError)
})
