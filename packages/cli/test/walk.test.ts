import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'
import { run } from './support/run.ts'

let folder: ReturnType<typeof temporaryDirectory>
const fleetcert = (...args: string[]) => run(folder.directory, args)
const made = async (): Promise<void> => {
  expect(await fleetcert('init', '--organization', 'Acme')).toMatchObject({ code: 0 })
}
beforeEach(() => {
  folder = temporaryDirectory()
})
afterEach(() => folder.remove())

describe('init', () => {
  test('makes a fleet once, with secrets that nobody else reads', async () => {
    await made()
    const mode = (name: string): number => statSync(folder.path(`certs/${name}`)).mode & 0o777
    for (const name of ['ca-key.pem', 'root-key.pem', 'operator-token', 'broker-token', 'fleet.db']) {
      expect([name, mode(name)]).toEqual([name, 0o600])
    }
    for (const name of ['ca-cert.pem', 'devices/ca-cert.pem', 'fleetcert.json']) {
      expect([name, mode(name)]).toEqual([name, 0o644])
    }
    const before = readFileSync(folder.path('certs/ca-cert.pem'), 'utf8')
    const again = await fleetcert('init')
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toBe('fleetcert: there is a fleet in certs already: nothing was changed\n')
    expect(readFileSync(folder.path('certs/ca-cert.pem'), 'utf8')).toBe(before)
  })

  test('finishes what an init that died had begun', async () => {
    await made()
    const before = readFileSync(folder.path('certs/ca-cert.pem'), 'utf8')
    for (const name of ['fleetcert.json', 'broker-token', 'ca-cert.pem']) rmSync(folder.path(`certs/${name}`))
    await made()
    expect(readFileSync(folder.path('certs/ca-cert.pem'), 'utf8')).toBe(before)
    expect(existsSync(folder.path('certs/broker-token'))).toBe(true)
  })

  test.each([
    [['--broker', 'http://x'], '--broker'],
    [['--crl', 'xml'], '--crl'],
    [['--base-url', 'https://x'], '--base-url'],
    [['--base-url', 'ca.example:3000'], '--base-url'],
    [['--organization', ''], 'organization'],
  ])('refuses %j and makes nothing', async (options, name) => {
    const { code, stderr } = await fleetcert('init', ...options)
    expect(code).toBe(2)
    expect(stderr).toMatch(new RegExp(`^fleetcert: .*${name}.*\n$`))
    expect(existsSync(folder.path('certs/fleet.db'))).toBe(false)
  })

  test('with a passphrase, and nothing without it afterwards', async () => {
    const env = { FLEETCERT_KEY_PASSPHRASE: 'correct horse' }
    expect((await run(folder.directory, ['init'], { env })).code).toBe(0)
    expect(readFileSync(folder.path('certs/ca-key.pem'), 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE')
    expect((await run(folder.directory, ['device', 'a'], { env })).code).toBe(0)
    const wrong = await run(folder.directory, ['device', 'b'], { env: { FLEETCERT_KEY_PASSPHRASE: 'wrong' } })
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toContain('FLEETCERT_KEY_PASSPHRASE')
    expect(wrong.stderr).not.toContain('wrong horse')
    expect((await run(folder.directory, ['device', 'b'])).code).toBe(1)
  })
})

describe('a device', () => {
  test('is made, shown, listed, held, released, renewed and revoked', async () => {
    await made()
    const device = await fleetcert('device', 'sensor-1', '--owner', 'alice', '--attribute', 'batch=7', '--json')
    expect(device.code).toBe(0)
    const [{ fingerprint } = {}] = device.json
    const show = async () => (await fleetcert('show', 'sensor-1', '--json')).json[0]
    expect(await show()).toMatchObject({
      deviceId: 'sensor-1',
      status: 'active',
      owner: 'alice',
      attributes: { batch: '7' },
      fingerprint,
    })
    expect((await fleetcert('list', '--json')).json).toMatchObject([{ deviceId: 'sensor-1' }])
    expect((await fleetcert('list', '--expiring-within', '30d', '--json')).json).toEqual([])
    expect((await fleetcert('hold', 'sensor-1')).code).toBe(0)
    expect(await show()).toMatchObject({ status: 'held' })
    expect((await fleetcert('release', 'sensor-1')).code).toBe(0)
    expect((await fleetcert('release', 'sensor-1')).code).toBe(3)
    const rotated = await fleetcert('rotate', '--owner', 'alice', '--json')
    expect(rotated.json).toMatchObject([{ deviceId: 'sensor-1', action: 'renewed' }])
    expect(await show()).toMatchObject({ status: 'active', fingerprint: rotated.json[0]!['fingerprint'] })
    expect((await fleetcert('revoke', '--fingerprint', `${fingerprint}`, '--json')).json).toMatchObject([
      { reason: 'unspecified', certificates: [{}] },
    ])
    const revoked = await fleetcert('revoke', 'sensor-1', '--reason', 'keyCompromise')
    expect(revoked).toMatchObject({ code: 0, stderr: expect.stringContaining('sessions that are open are not closed') })
    expect(await show()).toMatchObject({ status: 'revoked', reason: 'keyCompromise' })
    expect((await fleetcert('list', '--revoked', '--json')).json).toMatchObject([{ deviceId: 'sensor-1' }])
    const verified = await fleetcert('verify', 'certs/devices/sensor-1-cert.pem')
    expect(verified).toMatchObject({ code: 4, stdout: 'refused: the path is good; the fleet says: revoked\n' })
  })

  test('by serial number, which is never guessed', async () => {
    await made()
    const [{ serialNumber } = {}] = (await fleetcert('device', 'a', '--json')).json
    expect((await fleetcert('revoke', '--serial', 'zz')).code).toBe(2)
    expect((await fleetcert('revoke', '--serial', '00ff')).code).toBe(3)
    expect((await fleetcert('revoke', '--serial', `${serialNumber}`, '--issuer', '00')).code).toBe(2)
    expect((await fleetcert('revoke', '--serial', `${serialNumber}`)).code).toBe(0)
    expect((await fleetcert('show', 'a', '--json')).json).toMatchObject([{ status: 'revoked' }])
  })

  test('whose command died after the certificate was made gets that certificate', async () => {
    await made()
    await fleetcert('device', 'a')
    // As it is between the record and the files: the key lies beside, the certificate is not there.
    const key = readFileSync(folder.path('certs/devices/a-key.pem'), 'utf8')
    const certificate = readFileSync(folder.path('certs/devices/a-cert.pem'), 'utf8')
    writeFileSync(folder.path('certs/devices/a-next-key.pem'), key, { mode: 0o600 })
    for (const name of ['a-key.pem', 'a-cert.pem']) rmSync(folder.path(`certs/devices/${name}`))
    expect((await fleetcert('device', 'a')).code).toBe(0)
    expect(readFileSync(folder.path('certs/devices/a-cert.pem'), 'utf8')).toBe(certificate)
    expect(readFileSync(folder.path('certs/devices/a-key.pem'), 'utf8')).toBe(key)
    expect(existsSync(folder.path('certs/devices/a-next-key.pem'))).toBe(false)
  })

  test('that is there already keeps its files, and leaves no key about', async () => {
    await made()
    await fleetcert('device', 'a')
    const before = readFileSync(folder.path('certs/devices/a-key.pem'), 'utf8')
    const again = await fleetcert('device', 'a')
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('fleetcert rotate <id> renews it')
    expect(readFileSync(folder.path('certs/devices/a-key.pem'), 'utf8')).toBe(before)
    expect(existsSync(folder.path('certs/devices/a-next-key.pem'))).toBe(false)
  })
})

describe('bad input', () => {
  test.each([
    [['revok', 'x'], 2, "fleetcert: unknown command 'revok' (Did you mean revoke?)\n"],
    [['device', 'a', '--ownr', 'b'], 2, "fleetcert: unknown option '--ownr' (Did you mean --owner?)\n"],
    [['device'], 2, "fleetcert: missing required argument 'id'\n"],
    [[], 2, 'fleetcert: no command: fleetcert help lists them\n'],
    [['revoke'], 2, 'fleetcert: expected a device id, or --fingerprint, or --serial, and only one of them\n'],
    [
      ['revoke', 'a', '--reason', 'bored'],
      2,
      /^fleetcert: --reason: expected one of unspecified, keyCompromise, .*\n$/,
    ],
    [
      ['show', 'x'],
      3,
      'fleetcert: there is no fleet in certs – fleetcert init makes one; --dir or CERTS_DIR says where it is\n',
    ],
    [['verify', 'nothing.pem', '--trust', 'x.pem'], 3, /nothing\.pem: there is no such file or folder\n$/],
  ])('%j', async (args, code, stderr) => {
    const ran = await fleetcert(...args)
    expect(ran).toMatchObject({ code, stdout: '' })
    if (typeof stderr === 'string') expect(ran.stderr).toBe(stderr)
    else expect(ran.stderr).toMatch(stderr)
  })

  test('errors are JSON, too, where JSON was asked for', async () => {
    const { stderr } = await fleetcert('show', 'x', '--json')
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NO_FLEET', message: 'there is no fleet in certs' } })
  })

  test('an aborted command says so', async () => {
    await made()
    const signal = AbortSignal.abort(new DOMException('SIGINT', 'AbortError'))
    expect(await run(folder.directory, ['list'], { signal })).toMatchObject({
      code: 130,
      stderr: 'fleetcert: interrupted\n',
    })
  })
})

describeWith(['openssl'], 'openssl', () => {
  test('verifies what the guides verify, and reads the CRL', async () => {
    await made()
    await fleetcert('server', 'localhost', '127.0.0.1')
    await fleetcert('device', 'sensor-1')
    const openssl = (...args: string[]) => runTool('openssl', args, { cwd: folder.directory })
    for (const file of ['certs/devices/sensor-1-cert.pem', 'certs/server-cert.pem']) {
      expect(openssl('verify', '-CAfile', 'certs/ca-cert.pem', file).output).toBe(`${file}: OK\n`)
    }
    await fleetcert('revoke', 'sensor-1')
    expect(await fleetcert('crl', '--out', 'crl.pem')).toMatchObject({ code: 0 })
    const checked = openssl(
      ...[
        'verify',
        '-crl_check',
        '-CRLfile',
        'crl.pem',
        '-CAfile',
        'certs/ca-cert.pem',
        'certs/devices/sensor-1-cert.pem',
      ],
    )
    expect(checked.output).toContain('certificate revoked')
  })

  test('certifies a request made elsewhere', async () => {
    await made()
    const { status } = runTool(
      'openssl',
      'req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out r.csr -subj /CN=other'.split(' '),
      { cwd: folder.directory },
    )
    expect(status).toBe(0)
    expect((await fleetcert('device', 'a', '--csr', 'r.csr')).code).toBe(0)
    expect(existsSync(folder.path('certs/devices/a-key.pem'))).toBe(false)
    const piped = await run(folder.directory, ['device', 'b', '--csr', '-'], {
      input: readFileSync(folder.path('r.csr'), 'utf8'),
    })
    expect(piped.code).toBe(0)
    // It holds its key itself, so it is asked.
    expect((await fleetcert('rotate', 'b', '--json')).json).toMatchObject([{ deviceId: 'b', action: 'asked' }])
  })
})
