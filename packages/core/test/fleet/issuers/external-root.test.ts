import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import {
  createCertificationRequest,
  parseCertificate,
  parseCertificationRequest,
  softwareSigner,
} from '@fleetcert/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../../../test-support/tools.ts'
import { type IssuerBench, issuerBench, issuerIn, issuersOf, opensslVerify } from './bench.ts'

let bench: IssuerBench
let fleet: Fleet
/** On the machine that has the root, and no network. */
let offline: Fleet
beforeEach(async () => {
  bench = issuerBench()
  fleet = await bench.open({ organization: 'Acme', root: { external: true } })
  offline = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    organization: 'Vault',
    background: false,
  })
})
afterEach(async () => {
  await bench.close()
  await offline.close()
})

describe('an offline root', () => {
  it('signs the issuing CA, and nothing else differs', async () => {
    expect(fleet.status).toBe('awaitingIssuer')
    expect(fleet.trustAnchors).toBe('')
    expect(await issuersOf(fleet)).toEqual([])
    await expect(fleet.enroll('sensor-1')).rejects.toMatchObject({ code: 'ERR_PKI_AWAITING_ISSUER' })
    await expect(fleet.issueServer({ hosts: ['broker.example'] })).rejects.toMatchObject({
      code: 'ERR_PKI_AWAITING_ISSUER',
    })
    await expect(fleet.crl()).rejects.toMatchObject({ code: 'ERR_PKI_AWAITING_ISSUER' })
    await expect(fleet.rollover('announce')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    expect(await fleet.ocsp(new Uint8Array([0x30, 0x00]))).toMatchObject({ responseStatus: expect.any(String) })
    expect(await fleet.device('sensor-1')).toBeUndefined()

    const { csr, issuerKeyId } = await fleet.issuerRequest()
    const request = parseCertificationRequest(csr)
    expect(request.requestedExtensions?.map(({ oid }) => oid)).toEqual(['2.5.29.19', '2.5.29.15'])
    const { certificate, chain } = await offline.signSubordinate(csr)
    await fleet.importIssuer(certificate, { chain })
    await fleet.importIssuer(certificate, { chain })
    expect(fleet.status).toBe('ready')
    expect(fleet.trustAnchors).toBe(offline.trustAnchors)
    expect(await issuersOf(fleet)).toMatchObject([
      { role: 'root', state: 'active', isForeign: true },
      { role: 'issuingCa', state: 'active', isForeign: false, issuerKeyId },
    ])
    const device = await fleet.enroll('sensor-1')
    expect(opensslVerify(device, fleet.trustAnchors)).toBe('OK')
    // The root's CRL comes from where the root is.
    const root = await issuerIn(fleet, 'root', 'active')
    await expect(fleet.crl({ issuerKeyId: root.issuerKeyId })).rejects.toMatchObject({ code: 'ERR_PKI_CRL_UNKNOWN' })
    const rootCrl = await offline.crl({ issuerKeyId: root.issuerKeyId })
    await fleet.importCrl(rootCrl.pem, { issuer: root.certificate })
    const crls = [(await fleet.crl()).pem, (await fleet.crl({ issuerKeyId: root.issuerKeyId })).pem]
    expect(opensslVerify(device, fleet.trustAnchors, { crls })).toBe('OK')
    // Restarted, with or without the word.
    await fleet.close()
    fleet = await bench.open()
    expect((await fleet.renew('sensor-1')).issuerKeyId).toBe(issuerKeyId)
    await expect(fleet.issuerRequest()).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
  })

  it('signs the next one, which is announced when it is imported', async () => {
    const import1 = await offline.signSubordinate((await fleet.issuerRequest()).csr)
    await fleet.importIssuer(import1.certificate, { chain: import1.chain })
    const old = await fleet.enroll('old-1')
    expect(await fleet.rollover('announce')).toMatchObject({ phase: 'announcing', isAwaitingIssuer: true })
    expect(await fleet.rollover('announce')).toMatchObject({ phase: 'announcing', isAwaitingIssuer: true })
    await expect(fleet.rollover('issue')).rejects.toMatchObject({ code: 'ERR_PKI_ROLLOVER' })
    const import2 = await offline.signSubordinate((await fleet.issuerRequest()).csr)
    await expect(fleet.importIssuer(import1.certificate, { chain: '' })).resolves.toBeUndefined()
    await fleet.importIssuer(import2.certificate, { chain: import2.chain })
    expect(await fleet.rolloverStatus()).toMatchObject({
      phase: 'announced',
      scope: 'issuingCa',
      isAwaitingIssuer: false,
    })
    await fleet.rollover('issue')
    const renewed = await fleet.renew('old-1', { overlapSeconds: 0 })
    for (const each of [old, renewed]) expect(opensslVerify(each, fleet.trustAnchors)).toBe('OK')
    expect(await fleet.rollover('retire')).toMatchObject({ phase: 'retired' })
    // The next comes from another root altogether.
    const other = await openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      organization: 'Other',
      background: false,
    })
    await fleet.rollover('announce')
    const import3 = await other.signSubordinate((await fleet.issuerRequest()).csr)
    await fleet.importIssuer(import3.certificate, { chain: import3.chain })
    expect(await fleet.rolloverStatus()).toMatchObject({ phase: 'announced', scope: 'root' })
    expect(fleet.trustAnchors).toBe(offline.trustAnchors + other.trustAnchors)
    await fleet.rollover('issue')
    expect(fleet.trustAnchors).toBe(other.trustAnchors + offline.trustAnchors)
    await fleet.renew('old-1', { overlapSeconds: 0 })
    await fleet.rollover('retire')
    expect(fleet.trustAnchors).toBe(other.trustAnchors)
    await other.close()
  })
})

describe('an import', () => {
  const refusal = async (certificate: string, chain: string): Promise<unknown> =>
    fleet.importIssuer(certificate, { chain }).then(
      () => 'imported',
      (error: { code?: string; details?: { reason?: string } }) => error.details?.reason ?? error.code ?? error,
    )
  afterEach(async () => {
    expect(fleet.status).toBe('awaitingIssuer')
    expect(await issuersOf(fleet)).toEqual([])
  })

  it('is refused for another key, another root, no root, or what is no CA', async () => {
    const { csr } = await fleet.issuerRequest()
    const made = await offline.signSubordinate(csr)
    const signer = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const foreign = await createCertificationRequest({ subject: [[{ type: 'CN', value: 'Not ours' }]], signer })
    const notOurs = await offline.signSubordinate(foreign)
    expect(await refusal(notOurs.certificate, notOurs.chain)).toMatch(/another key/)
    expect(await refusal(made.certificate, '')).toMatch(/no root/)
    const stranger = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    expect(await refusal(made.certificate, stranger.trustAnchors)).toMatch(/PATH_NOT_FOUND/)
    await stranger.close()
    const device = await offline.enroll('sensor-1', { csr })
    expect(await refusal(device.certificate, device.chain + offline.trustAnchors)).toMatch(/no CA/)
    expect(await refusal('nonsense', made.chain)).toMatch(/no CERTIFICATE/)
    expect(await refusal(made.certificate, 'x'.repeat(300_000))).toBe('ERR_PKI_TOO_LARGE')
    bench.now = new Date(made.notAfter.getTime() + 5000)
    expect(await refusal(made.certificate, made.chain)).toMatch(/EXPIRED/)
    await expect(fleet.importIssuer(made.certificate, { chian: '' } as never)).rejects.toThrow(TypeError)
  })

  it('is refused where a CA above forbids the path or the names', async () => {
    const { csr } = await fleet.issuerRequest()
    const { subjectPublicKeyInfo } = parseCertificationRequest(csr)
    expect(subjectPublicKeyInfo.length).toBeGreaterThan(0)
    if (runTool('openssl', ['version']).status !== 0) return
    const files = temporaryDirectory()
    try {
      const sign = (rootExtensions: string, caExtensions: string): readonly [string, string] => {
        const path = files.path
        writeFileSync(
          path('root.cnf'),
          `[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=Corporate Root\n[x]\n${rootExtensions}`,
        )
        writeFileSync(path('ca.cnf'), caExtensions)
        writeFileSync(path('csr.pem'), csr)
        const run = (...args: string[]): void => {
          const { status, output } = runTool('openssl', args, { cwd: files.directory })
          if (status !== 0) throw new Error(output)
        }
        run(
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-keyout',
          'root.key',
          '-out',
          'root.pem',
          '-days',
          '30',
          '-config',
          'root.cnf',
          '-extensions',
          'x',
        )
        run(
          'x509',
          '-req',
          '-in',
          'csr.pem',
          '-CA',
          'root.pem',
          '-CAkey',
          'root.key',
          '-CAcreateserial',
          '-days',
          '20',
          '-out',
          'ca.pem',
          '-extfile',
          'ca.cnf',
        )
        const read = (name: string): string => runTool('openssl', ['x509', '-in', path(name)]).output
        bench.now = new Date()
        return [read('ca.pem'), read('root.pem')]
      }
      const root = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
      const ca = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
      expect(await refusal(...sign(root.replace('CA:TRUE', 'CA:TRUE,pathlen:0'), ca))).toMatch(/PATH_LENGTH/)
      expect(await refusal(...sign(root, ca.replace(',cRLSign', '')))).toMatch(/cRLSign/)
      expect(await refusal(...sign(root, ca.replace('CA:TRUE', 'CA:FALSE').replace('keyCertSign,', '')))).toMatch(
        /no CA/,
      )
      expect(await refusal(...sign(`${root}nameConstraints=critical,permitted;URI:.example.com\n`, ca))).toMatch(
        /NAME_CONSTRAINTS/,
      )
      expect(await refusal(...sign(root, `${ca}extendedKeyUsage=serverAuth\n`))).toMatch(/PATH_PURPOSE/)
    } finally {
      files.remove()
    }
  })
})

describeWith(['openssl'], 'a corporate CA', () => {
  it('of openssl signs under an intermediate, and openssl takes all that comes of it', async () => {
    const files = temporaryDirectory()
    try {
      const run = (...args: string[]): void => {
        const { status, output } = runTool('openssl', args, { cwd: files.directory })
        if (status !== 0) throw new Error(output)
      }
      const ext =
        'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
      writeFileSync(files.path('ext.cnf'), ext)
      writeFileSync(files.path('csr.pem'), (await fleet.issuerRequest()).csr)
      run(
        'req',
        '-x509',
        '-newkey',
        'rsa:3072',
        '-nodes',
        '-keyout',
        'root.key',
        '-out',
        'root.pem',
        '-days',
        '3650',
        '-subj',
        '/C=DE/O=Corp/CN=Corporate Root',
        '-addext',
        'keyUsage=critical,keyCertSign,cRLSign',
      )
      run(
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        'mid.key',
        '-out',
        'mid.csr',
        '-subj',
        '/C=DE/O=Corp/CN=Corporate Policy CA',
      )
      run(
        'x509',
        '-req',
        '-in',
        'mid.csr',
        '-CA',
        'root.pem',
        '-CAkey',
        'root.key',
        '-CAcreateserial',
        '-days',
        '3000',
        '-out',
        'mid.pem',
        '-extfile',
        'ext.cnf',
      )
      // As such CAs do: another name than was asked for.
      run(
        'x509',
        '-req',
        '-in',
        'csr.pem',
        '-CA',
        'mid.pem',
        '-CAkey',
        'mid.key',
        '-CAcreateserial',
        '-days',
        '2000',
        '-out',
        'ca.pem',
        '-extfile',
        'ext.cnf',
        '-set_serial',
        '4711',
      )
      const read = (name: string): string => runTool('openssl', ['x509', '-in', files.path(name)]).output
      bench.now = new Date()
      await fleet.importIssuer(read('ca.pem'), { chain: read('mid.pem') + read('root.pem') })
      expect(fleet.status).toBe('ready')
      expect((await issuersOf(fleet)).map(({ role, isForeign }) => [role, isForeign])).toEqual([
        ['root', true],
        ['intermediateCa', true],
        ['issuingCa', false],
      ])
      expect(fleet.trustAnchors).toBe(read('root.pem'))
      const device = await fleet.enroll('sensor-1')
      expect(device.chain.match(/BEGIN/g)).toHaveLength(2)
      expect(opensslVerify(device, fleet.trustAnchors)).toBe('OK')
      const server = await fleet.issueServer({ hosts: ['broker.example'] })
      expect(opensslVerify(server, fleet.trustAnchors, { purpose: 'sslserver' })).toBe('OK')
      await fleet.revoke('sensor-1')
      expect((await fleet.identify({ fingerprint: device.fingerprint })).status).toBe('revoked')
      // What that CA certified itself may be registered; what ours did may not.
      run('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'd.key', '-out', 'd.csr', '-subj', '/CN=laptop-1')
      run(
        'x509',
        '-req',
        '-in',
        'd.csr',
        '-CA',
        'mid.pem',
        '-CAkey',
        'mid.key',
        '-CAcreateserial',
        '-days',
        '20',
        '-out',
        'd.pem',
      )
      bench.now = new Date()
      expect((await fleet.register('laptop-1', read('d.pem'))).status).toBe('active')
      await expect(fleet.register('laptop-2', device.certificate)).rejects.toMatchObject({
        code: 'ERR_PKI_CERTIFICATE',
      })
    } finally {
      files.remove()
    }
  })
})

describe('signing for others', () => {
  it('refuses names and keys of its own, and what is no request', async () => {
    const ours = await offline.issueServer({ hosts: ['a.example'] })
    expect(ours.certificate).toContain('BEGIN')
    const own = parseCertificate((await issuerIn(offline, 'root', 'active')).certificate)
    const signer = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const request = (subject: typeof own.subject): Promise<Uint8Array> =>
      createCertificationRequest({ subject, signer })
    await expect(offline.signSubordinate(await request(own.subject))).rejects.toMatchObject({ code: 'ERR_PKI_NAME' })
    // To clients it is the same name.
    const alike = own.subject.map(rdn =>
      rdn.map(({ type, value }) => ({ type, value: value.toUpperCase().replaceAll(' ', '  ') })),
    )
    await expect(offline.signSubordinate(await request(alike))).rejects.toMatchObject({ code: 'ERR_PKI_NAME' })
    await expect(offline.signSubordinate(await request([]))).rejects.toMatchObject({ code: 'ERR_PKI_NAME' })
    await expect(offline.signSubordinate('nonsense')).rejects.toMatchObject({ code: 'ERR_PKI_PEM' })
    const named = await request([[{ type: 'CN', value: 'Plant 7' }]])
    await expect(offline.signSubordinate(named, { validitySeconds: 20 * 365 * 86_400 })).rejects.toMatchObject({
      code: 'ERR_PKI_VALIDITY',
    })
    const { serialNumber, certificate } = await offline.signSubordinate(named, { validitySeconds: 86_400 })
    expect(parseCertificate(certificate).basicConstraints).toEqual({ cA: true, pathLength: 0 })
    // Recorded, and revoked like any certificate: it is another fleet's CA, not ours.
    const root = await issuerIn(offline, 'root', 'active')
    await offline.revoke({ issuerKeyId: root.issuerKeyId, serialNumber }, { reason: 'cessationOfOperation' })
    const crl = await offline.crl({ issuerKeyId: root.issuerKeyId })
    expect(Buffer.from(crl.der).toString('hex')).toContain(serialNumber)
  })
})
