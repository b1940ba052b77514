import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import {
  type DeviceCredential,
  type Fleet,
  fileKeyring,
  memoryKeyring,
  memoryStore,
  openFleet,
  parseCertificate,
} from '@fleetcert/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { freePort, listening } from '../../../../../test-support/ports.ts'
import { describeWith, temporaryDirectory } from '../../../../../test-support/tools.ts'

const execute = promisify(execFile)
const path = process.env['PATH'] ?? ''
process.env['PATH'] = `${path}:/usr/sbin:/sbin`

let files: ReturnType<typeof temporaryDirectory>
let fleet: Fleet
const store = { current: memoryStore() }
const keyring = { current: memoryKeyring() }

async function open(hotIssuer: boolean): Promise<Fleet> {
  return openFleet({
    // It outlives the processes that this file makes believe.
    store: { ...store.current, close: async () => {} },
    keyring: keyring.current,
    organization: 'Judges',
    publish: { baseUrl: 'http://pki.example' },
    hotIssuer: { ocspKeyring: fileKeyring(files.path('ocsp'), { passphrase: 'of the test' }) },
    background: hotIssuer,
  })
}

beforeEach(async () => {
  files = temporaryDirectory()
  store.current = memoryStore()
  keyring.current = memoryKeyring()
  fleet = await open(true)
})
afterEach(async () => {
  await fleet.close()
  files.remove()
})

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(files.path(name), content, { mode: 0o600 })
  return files.path(name)
}

/** What a judge says, whatever it thinks of it. */
async function run(name: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await execute(name, [...args], { timeout: 20_000 }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return `${stdout}\n${stderr}`
}

async function allCrls(): Promise<string> {
  let pem = ''
  for await (const { issuerKeyId } of fleet.issuers()) pem += (await fleet.crl({ issuerKeyId })).pem
  return pem
}

/** A device of a hot issuer, and one that was revoked when the process that had the key was gone. */
async function goodAndRevoked(): Promise<{ readonly good: DeviceCredential; readonly revoked: DeviceCredential }> {
  const good = await fleet.enroll('good')
  const revoked = await fleet.enroll('revoked')
  expect(good.chain.match(/BEGIN/g)).toHaveLength(2)
  await fleet.close()
  fleet = await open(false)
  await fleet.revoke('revoked', { reason: 'keyCompromise' })
  return { good, revoked }
}

describeWith(['openssl', 'certtool'], 'chains and CRLs of hot issuers', () => {
  it('openssl verifies, and knows what is revoked, also when the key is gone; so does the whole chain', async () => {
    const { good, revoked } = await goodAndRevoked()
    const verify = async ({ certificate, chain }: DeviceCredential, ...more: readonly string[]): Promise<string> => {
      const output = await run('openssl', [
        ...['verify', '-x509_strict', '-purpose', 'sslclient', '-no-CApath', '-no-CAstore', ...more],
        ...['-CAfile', write('root.pem', fleet.trustAnchors), '-untrusted', write('chain.pem', chain)],
        ...['-CRLfile', write('crls.pem', await allCrls()), write('device.pem', certificate)],
      ])
      return /^error (\d+)/m.exec(output)?.[1] ?? (/: OK$/m.test(output) ? 'OK' : output)
    }
    for (const check of ['-crl_check', '-crl_check_all']) {
      expect(await verify(good, check)).toBe('OK')
      expect(await verify(revoked, check)).toBe('23')
    }
    // A hot issuer is a certificate of its CA like another: revoked, it takes along what it has signed.
    const { serialNumber } = parseCertificate(good.chain.slice(0, good.chain.indexOf('-----END') + 26))
    await fleet.revoke({ issuerKeyId: good.issuerKeyId, serialNumber }, { reason: 'cACompromise' })
    expect(await verify(good, '-crl_check_all')).toBe('23')
  })

  it('so does GnuTLS', async () => {
    const { good, revoked } = await goodAndRevoked()
    const verify = async ({ certificate, chain }: DeviceCredential): Promise<string> =>
      run('certtool', [
        ...['--verify', '--verify-profile', 'medium', '--verify-purpose', '1.3.6.1.5.5.7.3.2'],
        ...[
          '--load-ca-certificate',
          write('root.pem', fleet.trustAnchors),
          '--load-crl',
          write('crls.pem', await allCrls()),
        ],
        ...['--infile', write('device.pem', certificate + chain)],
      ])
    expect(await verify(good)).toMatch(/Chain verification output: Verified/)
    expect(await verify(revoked)).toMatch(/revoked/)
  })

  it('a server that a stolen key would name is refused', async () => {
    // What a hot issuer does not sign, the test signs with a key of its own under the same constraints: the CA's word on them is what counts.
    const { good } = await goodAndRevoked()
    const output = await run('openssl', [
      'x509',
      '-noout',
      '-ext',
      'nameConstraints',
      '-in',
      write('hot.pem', good.chain),
    ])
    expect(output).toContain('Name Constraints: critical')
    expect(output).toContain('DNS:invalid')
    expect(output).toContain('IP:0.0.0.0/0.0.0.0')
    expect(output).toContain('IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0')
  })
})

describeWith(['openssl'], 'OCSP about what hot issuers have signed', () => {
  let server: Server
  let url: string
  beforeEach(async () => {
    server = createServer(async (request, response) => {
      const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
      const { der } = await fleet.ocsp(body)
      response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(der)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  const ask = async (credential: DeviceCredential, ...more: readonly string[]): Promise<string> => {
    const hotIssuer = credential.chain.slice(0, credential.chain.indexOf('-----END') + 26)
    return run('openssl', [
      ...[
        'ocsp',
        '-url',
        url,
        ...more,
        '-issuer',
        write('hot.pem', hotIssuer),
        '-cert',
        write('device.pem', credential.certificate),
      ],
      ...['-CAfile', write('root.pem', fleet.trustAnchors), '-verify_other', write('chain.pem', credential.chain)],
      ...['-no-CApath', '-no-CAstore'],
    ])
  }

  it('goes on when the key is gone, in another process, by both hashes', async () => {
    const { good, revoked } = await goodAndRevoked()
    for (const hash of ['-sha1', '-sha256']) {
      expect(await ask(good, hash)).toMatch(/: good\n.*\n.*\n\nResponse verify OK/)
      expect(await ask(revoked, hash)).toMatch(/: revoked\n.*\n.*\n\s*Reason: keyCompromise\n.*\n\nResponse verify OK/)
    }
  })

  it('hears of a revocation at once, and kept answers with it', async () => {
    const { good } = await goodAndRevoked()
    expect(await ask(good, '-no_nonce')).toContain(': good')
    expect(await ask(good, '-no_nonce')).toContain(': good')
    await fleet.revoke('good')
    expect(await ask(good, '-no_nonce')).toContain(': revoked')
  })

  it('says the same to those who ask by the first key of the CA, and nothing without the responder’s key', async () => {
    const { good } = await goodAndRevoked()
    const issuing = good.chain.slice(good.chain.indexOf('-----END') + 26)
    const asked = { ...good, chain: issuing.trimStart() }
    expect(await ask(asked)).toContain(': good')
    await fleet.close()
    await fileKeyring(files.path('ocsp'), { passphrase: 'of the test' }).delete('hot-ocsp')
    fleet = await open(false)
    expect(await ask(good)).toContain('unauthorized')
  })

  it('certificates name the responder where there is one', async () => {
    const { ocsp = [] } = parseCertificate((await fleet.enroll('named')).certificate).authorityInfoAccess ?? {}
    expect(ocsp).toEqual(['http://pki.example/ocsp'])
    await fleet.close()
    fleet = await openFleet({
      store: { ...store.current, close: async () => {} },
      keyring: keyring.current,
      publish: { baseUrl: 'http://pki.example' },
      hotIssuer: true,
    })
    const unnamed = parseCertificate((await fleet.enroll('unnamed')).certificate)
    expect(unnamed.authorityInfoAccess?.ocsp ?? []).toEqual([])
  })
})

describeWith(['mosquitto', 'mosquitto_pub'], 'Mosquitto', () => {
  it('lets devices of hot issuers in by the root alone, and refuses the revoked by the CRL of the issuing CA', async () => {
    const { good, revoked } = await goodAndRevoked()
    const server = await fleet.issueServer({ hosts: ['127.0.0.1'] })
    const port = await freePort()
    const root = write('root.pem', fleet.trustAnchors)
    const configuration = [
      `listener ${port} 127.0.0.1`,
      `cafile ${root}`,
      `certfile ${write('server.pem', server.certificate + server.chain)}`,
      `keyfile ${write('server-key.pem', server.privateKey!)}`,
      `crlfile ${write('crls.pem', await allCrls())}`,
      'require_certificate true',
      'allow_anonymous true',
      // As root Mosquitto would step down to a user that cannot read the folder.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
    ]
    const log: string[] = []
    const broker: ChildProcess = spawn('mosquitto', ['-c', write('mosquitto.conf', `${configuration.join('\n')}\n`)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    broker.stderr!.setEncoding('utf8').on('data', (text: string) => log.push(text))
    try {
      await listening(port, () => log.join(''))
      const publish = async ({ deviceId, certificate, chain, privateKey }: DeviceCredential): Promise<boolean> =>
        execute(
          'mosquitto_pub',
          [
            ...[
              '-h',
              '127.0.0.1',
              '-p',
              String(port),
              '-i',
              deviceId,
              '-t',
              'a',
              '-m',
              'b',
              '-q',
              '1',
              '--cafile',
              root,
            ],
            ...['--cert', write('device.pem', certificate + chain), '--key', write('device-key.pem', privateKey!)],
          ],
          { timeout: 20_000 },
        ).then(
          () => true,
          () => false,
        )
      expect(await publish(good), log.join('')).toBe(true)
      expect(await publish(revoked)).toBe(false)
    } finally {
      const exited = new Promise(resolve => broker.once('exit', resolve))
      broker.kill()
      await exited
    }
  })
})
