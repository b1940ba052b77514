import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'
import { run } from './support/run.ts'

let folder: ReturnType<typeof temporaryDirectory>
let env: Record<string, string>
const fleetcert = (...args: string[]) => run(folder.directory, args, { env })
beforeEach(() => {
  folder = temporaryDirectory()
  env = {}
})
afterEach(() => folder.remove())

describe('rollover', () => {
  test('from the first step to the last, with what stands in its way', { timeout: 120_000 }, async () => {
    for (const line of ['init', 'server localhost', 'device a']) await fleetcert(...line.split(' '))
    expect((await fleetcert('rollover')).stdout).toContain('there was no rollover yet')
    expect((await fleetcert('rollover', 'issue')).code).toBe(1)
    expect((await fleetcert('rollover', 'announce', '--json')).json).toMatchObject([{ phase: 'announced' }])
    expect((await fleetcert('issuers', '--json')).json.map(({ role, state }) => [role, state])).toEqual(
      expect.arrayContaining([
        ['root', 'active'],
        ['issuingCa', 'active'],
        ['issuingCa', 'announced'],
      ]),
    )
    const text = readFileSync(folder.path('certs/ca-cert.pem'), 'utf8')
    expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(3)
    expect((await fleetcert('rollover', 'issue', '--json')).json).toMatchObject([
      { phase: 'issuing', dependents: { devices: 1, servers: 1 } },
    ])
    expect((await fleetcert('rollover')).stdout).toMatch(/\namong them +a\nuntil +20\d\d-/)
    const refused = await fleetcert('rollover', 'retire')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('fleetcert rotate') })
    expect((await fleetcert('server', 'localhost')).code).toBe(0)
    expect((await fleetcert('rotate', '--all', '--overlap', '1s')).code).toBe(0)
    await expect
      .poll(async () => (await fleetcert('rollover', 'retire')).code, { timeout: 60_000, interval: 500 })
      .toBe(0)
    expect(readFileSync(folder.path('certs/ca-cert.pem'), 'utf8').match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect((await fleetcert('verify', 'certs/devices/a-cert.pem')).code).toBe(0)
  })

  test.each([
    [['rollover', 'backwards'], 'Allowed choices'],
    [['rollover', 'issue', '--root'], '--root'],
    [['rollover', 'announce', '--force'], '--force'],
  ])('%j is refused', async (args, words) => {
    const { code, stderr } = await fleetcert(...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
  })
})

describe('backup and restore', () => {
  // scrypt, several times over.
  test('bring back a fleet, its settings, and what was revoked since', { timeout: 120_000 }, async () => {
    env = { FLEETCERT_PASSPHRASE: 'of the backup', FLEETCERT_KEY_PASSPHRASE: 'of the keys' }
    for (const line of ['init --broker mqtts://broker.example:8884', 'device a', 'device b', 'backup fleet.age']) {
      const { code, stderr } = await fleetcert(...line.split(' '))
      expect([line, code, stderr]).toEqual([line, 0, expect.any(String)])
    }
    const again = await fleetcert('backup', 'fleet.age')
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('there is a file of that name already')])
    await fleetcert('revoke', 'b')
    await fleetcert('crl', '--out', 'last.pem')
    rmSync(folder.path('certs'), { recursive: true })

    env['FLEETCERT_PASSPHRASE'] = 'another one'
    expect(await fleetcert('restore', 'fleet.age')).toMatchObject({ code: 1, stdout: '' })
    env['FLEETCERT_PASSPHRASE'] = 'of the backup'
    expect((await fleetcert('restore', 'fleet.age', '--crl', 'last.pem')).code).toBe(0)
    expect((await fleetcert('show', 'a', '--json')).json).toMatchObject([{ status: 'active' }])
    expect((await fleetcert('show', 'b', '--json')).json).toMatchObject([{ status: 'revoked' }])
    expect((await fleetcert('device', 'c', '--json')).json).toMatchObject([
      { brokerUrl: 'mqtts://broker.example:8884' },
    ])
    // Keys keep the protection that they had.
    expect(readFileSync(folder.path('certs/ca-key.pem'), 'utf8')).toContain('ENCRYPTED')
    expect(await fleetcert('restore', 'fleet.age')).toMatchObject({ code: 1 })
  })

  test('need a passphrase, or keys of age', async () => {
    await fleetcert('init')
    const { code, stderr } = await fleetcert('backup', 'fleet.age')
    expect([code, stderr]).toEqual([2, expect.stringContaining('FLEETCERT_PASSPHRASE is not set')])
    expect(existsSync(folder.path('fleet.age'))).toBe(false)
  })
})

describeWith(['openssl'], 'the CA of the scripts', () => {
  test('is taken over with what it has issued, and nothing of it is written over', { timeout: 120_000 }, async () => {
    const openssl = (command: string): void => {
      const { status, output } = runTool('openssl', command.split(' '), { cwd: folder.directory })
      expect([command, status, output]).toEqual([command, 0, expect.any(String)])
    }
    mkdirSync(folder.path('old/devices'), { recursive: true })
    openssl('genrsa -out old/ca-key.pem 2048')
    openssl('req -new -x509 -days 3650 -key old/ca-key.pem -out old/ca-cert.pem -subj /C=DE/O=Acme/CN=MQTT-CA')
    for (const name of ['sensor-1', 'sensor-2']) {
      openssl(`genrsa -out old/devices/${name}-key.pem 2048`)
      openssl(`req -new -key old/devices/${name}-key.pem -out r.csr -subj /O=Acme/CN=${name}`)
      openssl(
        `x509 -req -in r.csr -CA old/ca-cert.pem -CAkey old/ca-key.pem -CAcreateserial -days 365 -out old/devices/${name}-cert.pem`,
      )
    }
    const init = await fleetcert('init', '--dir', 'old')
    expect(init).toMatchObject({ code: 1, stderr: expect.stringContaining('fleetcert import') })
    expect(existsSync(folder.path('old/fleet.db'))).toBe(false)

    await fleetcert('init')
    writeFileSync(
      folder.path('old/devices/broken-cert.pem'),
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    )
    const args = ['import', '--ca-cert', 'old/ca-cert.pem', '--ca-key', 'old/ca-key.pem', '--certs', 'old', '--json']
    const first = await fleetcert(...args)
    expect(first.json).toMatchObject([
      { adopted: 2, known: 0, refused: [{ file: 'old/devices/broken-cert.pem', reason: 'unreadable' }] },
    ])
    expect(first.code).toBe(4)
    rmSync(folder.path('old/devices/broken-cert.pem'))
    expect(await fleetcert(...args)).toMatchObject({ code: 0, json: [{ adopted: 0, known: 2 }] })
    expect((await fleetcert('verify', 'old/devices/sensor-1-cert.pem')).stdout).toBe(
      'ok: the path is good; the fleet says: active\n',
    )
    await fleetcert('revoke', 'sensor-2')
    expect((await fleetcert('verify', 'old/devices/sensor-2-cert.pem')).code).toBe(4)
    expect(
      (await fleetcert('import', '--ca-cert', 'old/ca-cert.pem', '--ca-key', 'old/devices/sensor-1-key.pem')).code,
    ).toBe(1)
  })
})
