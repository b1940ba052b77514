import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../test-support/tools.ts'
import { run } from './support/run.ts'

let folder: ReturnType<typeof temporaryDirectory>
const fleetcert = (...args: string[]) => run(folder.directory, args)
beforeAll(async () => {
  folder = temporaryDirectory()
  for (const line of [
    'init --base-url http://ca.example',
    'server localhost',
    'device sensor-1',
    'crl --out crl.pem',
  ]) {
    expect((await fleetcert(...line.split(' '))).code).toBe(0)
  }
})
afterAll(() => folder.remove())

describe('inspect', () => {
  test('a file of several certificates, one after the other', async () => {
    const { json, code } = await fleetcert('inspect', 'certs/devices/sensor-1-cert.pem', '--json')
    expect(code).toBe(0)
    expect(json).toMatchObject([
      { type: 'certificate', subject: 'CN=sensor-1', kind: 'end entity', purpose: 'client (TLS)', findings: [] },
      { type: 'certificate', kind: 'CA', findings: [] },
    ])
    const { stdout } = await fleetcert('inspect', 'certs/server-cert.pem')
    expect(stdout).toMatch(/^certificate\nsubject .*\nnames +dns:localhost\n/)
    expect(stdout).toMatch(/\nvalid until +\S+ \(in 36[45] days\)\n/)
  })

  test('a key, of which it shows no octet', async () => {
    const { stdout } = await fleetcert('inspect', 'certs/devices/sensor-1-key.pem')
    expect(stdout).toMatch(/^private key\nkey +P-256\nprotection +none\nkey fingerprint +[0-9A-F:]{95}\n$/)
    const [key] = (await fleetcert('inspect', 'certs/devices/sensor-1-key.pem', '--json')).json
    const [certificate] = (await fleetcert('inspect', 'certs/devices/sensor-1-cert.pem', '--json')).json
    expect(key?.['key fingerprint']).toBe(certificate?.['key fingerprint'])
  })

  test('a CRL', async () => {
    expect((await fleetcert('inspect', 'crl.pem', '--json')).json).toMatchObject([
      { type: 'crl', kind: 'full', number: '1', revoked: '0' },
    ])
  })

  test('what is none of it', async () => {
    writeFileSync(folder.path('noise'), randomBytes(64))
    writeFileSync(folder.path('der'), Uint8Array.of(0x30, 3, 2, 1, 1))
    writeFileSync(folder.path('cut.pem'), readFileSync(folder.path('certs/server-cert.pem'), 'utf8').slice(0, 300))
    writeFileSync(
      folder.path('mislabelled.pem'),
      readFileSync(folder.path('certs/server-key.pem'), 'utf8').replaceAll('PRIVATE KEY', 'CERTIFICATE'),
    )
    for (const name of ['noise', 'der', 'cut.pem', 'mislabelled.pem']) {
      const { code, stdout, stderr } = await fleetcert('inspect', name)
      expect([name, code === 4 ? stdout : stderr]).toEqual([
        name,
        expect.stringMatching(/^(something else|fleetcert: )/),
      ])
      expect(code).not.toBe(0)
    }
  })
})

describeWith(['openssl'], 'what openssl makes', () => {
  test.each([
    ['genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out f', 'privateKey', { key: 'RSA, 2048 bits' }],
    ['genpkey -algorithm ED25519 -outform DER -out f', 'privateKey', { key: 'Ed25519' }],
    ['ecparam -name prime256v1 -genkey -noout -out f', 'privateKey', { key: 'P-256' }],
    ['pkey -in certs/server-key.pem -pubout -out f', 'publicKey', { key: 'P-256' }],
    ['pkcs8 -topk8 -in certs/server-key.pem -passout pass:x -out f', 'encryptedPrivateKey', {}],
    ['pkcs12 -export -in certs/server-cert.pem -inkey certs/server-key.pem -passout pass:x -out f', 'pkcs12', {}],
    ['req -new -key certs/server-key.pem -subj /CN=x -out f', 'certificationRequest', { subject: 'CN=x' }],
    ['x509 -in certs/server-cert.pem -outform DER -out f', 'certificate', { kind: 'end entity' }],
    ['crl -in crl.pem -outform DER -out f', 'crl', { revoked: '0' }],
  ])('%s', async (command, type, facts) => {
    expect(runTool('openssl', command.split(' '), { cwd: folder.directory }).status).toBe(0)
    const { json } = await fleetcert('inspect', 'f', '--json')
    expect(json.at(-1)).toMatchObject({ type, ...facts })
  })

  test('a subject that would move the cursor does not', async () => {
    const command = [
      'req',
      '-x509',
      '-newkey',
      'ed25519',
      '-nodes',
      '-keyout',
      'k',
      '-out',
      'f',
      '-subj',
      '/CN=a\u001b[2Jb',
    ]
    expect(runTool('openssl', command, { cwd: folder.directory }).status).toBe(0)
    const { stdout } = await fleetcert('inspect', 'f')
    expect(stdout).toContain('CN=a')
    expect(stdout).not.toContain('\u001b')
  })
})

describe('broker', () => {
  test.each(['4.4.19', '5.0.9', '5.8.9', '6.2.1'])('EMQX %s, in which the linter finds nothing', async version => {
    const { json } = await fleetcert('broker', 'emqx', '--emqx', version, '--json')
    const [{ files } = { files: [] }] = json as { files: { name: string; text: string }[] }[]
    const text = files!.filter(({ name }) => name.startsWith('emqx')).map(file => file.text)
    const secret = readFileSync(folder.path('certs/broker-token'), 'utf8').trim()
    expect(text.join('')).toContain(secret)
    writeFileSync(folder.path('emqx.conf'), text.join('\n'))
    expect(await fleetcert('lint-broker', 'emqx.conf', '--emqx', version)).toMatchObject({ code: 0, stdout: '' })
  })

  test('files with the secret in them are for their owner alone', async () => {
    const { code, stderr } = await fleetcert('broker', 'emqx', '--emqx', '5.8.9', '--out', 'emqx')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(runTool('stat', ['-c', '%a', folder.path('emqx/emqx.conf')]).output).toBe('600\n')
  })

  test('Mosquitto and HAProxy', async () => {
    const { stdout } = await fleetcert('broker', 'mosquitto', '--certs', '/etc/mosquitto/fleet')
    expect(stdout).toContain('cafile /etc/mosquitto/fleet/ca-cert.pem\n')
    expect((await fleetcert('broker', 'haproxy', '--broker', 'a:8883', '--broker', 'b:8883')).stdout).toContain(
      'b:8883',
    )
  })

  test('a configuration that lets everybody in', async () => {
    writeFileSync(folder.path('bad.conf'), 'listeners.ssl.default { bind = 8883 }\n')
    const { code, stdout } = await fleetcert('lint-broker', 'bad.conf')
    expect(code).toBe(4)
    expect(stdout).toMatch(/^bad\.conf:\d+: error: /)
  })

  test.each([
    [['broker', 'emqx'], 'expected --emqx <version>'],
    [['broker', 'emqx', '--emqx', '7'], 'version'],
    [['broker', 'emqx', '--emqx', '5.8.9', '--hub', 'localhost'], '--hub'],
    [['broker', 'nats'], 'Allowed choices are emqx, mosquitto, haproxy'],
    [['broker', 'haproxy'], '--broker'],
    [['broker', 'haproxy', '--broker', 'a'], '--broker'],
  ])('%j is refused', async (args, words) => {
    const { code, stderr } = await fleetcert(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(words)
  })
})
