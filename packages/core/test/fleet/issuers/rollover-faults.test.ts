import { readFileSync, writeFileSync } from 'node:fs'
import { type DeviceCredential, type Fleet, type Keyring, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { decodePem, encodePem } from '@fleetcert/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeWith, hasTool, runTool, temporaryDirectory } from '../../../../../test-support/tools.ts'
import { type IssuerBench, issuerBench, issuerIn, issuersOf, opensslVerify } from './bench.ts'

let bench: IssuerBench
let fleet: Fleet
beforeEach(async () => {
  bench = issuerBench()
  fleet = await bench.open({ organization: 'Acme' })
})
afterEach(() => bench.close())

const statesOf = async (each: Fleet): Promise<string[]> =>
  (await issuersOf(each)).map(({ role, state }) => `${role} ${state}`)
const status = async ({ fingerprint }: DeviceCredential): Promise<string> =>
  (await fleet.identify({ fingerprint })).status

/** A fleet that keeps a root for others. */
const vault = (organization: string): Promise<Fleet> =>
  openFleet({ store: memoryStore(), keyring: memoryKeyring(), organization, background: false })

/** Has the issuing CA that waits certified by `by`. */
async function certify(waiting: Fleet, by: Fleet): Promise<void> {
  const { certificate, chain } = await by.signSubordinate((await waiting.issuerRequest()).csr)
  await waiting.importIssuer(certificate, { chain })
}

describe('retire, while others issue', () => {
  it('is refused while a certificate of the old CA is being signed', async () => {
    const signing = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const slow: Keyring = {
      ...bench.keyring,
      async open(name) {
        const signer = await bench.keyring.open(name)
        if (signer === undefined || name !== 'ca') return signer
        return {
          ...signer,
          async sign(message, options) {
            begun.resolve()
            await signing.promise
            return signer.sign(message, options)
          },
        }
      },
    }
    const other = await bench.open({ keyring: slow })
    const [device, server] = [other.enroll('sensor-1'), other.issueServer({ hosts: ['broker.example'] })]
    await begun.promise
    await expect.poll(async () => (await Array.fromAsync(other.pending())).length).toBe(2)
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    await expect(fleet.rollover('retire')).rejects.toMatchObject({
      code: 'ERR_PKI_ISSUER_IN_USE',
      details: { devices: 1, services: 0, servers: 1 },
    })
    signing.resolve()
    expect(await status(await device)).toBe('active')
    await server
    await expect(fleet.rollover('retire')).rejects.toMatchObject({ details: { devices: 1, servers: 1 } })
  })

  it('does not wait for a process that died', async () => {
    const dead = await bench.open({
      keyring: {
        ...bench.keyring,
        async open(name) {
          const signer = await bench.keyring.open(name)
          return signer && name === 'ca' ? { ...signer, sign: () => new Promise<never>(() => {}) } : signer
        },
      },
    })
    void dead.enroll('sensor-1').catch(() => {})
    await expect.poll(async () => (await Array.fromAsync(fleet.pending())).length).toBe(1)
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    bench.now = new Date(bench.now.getTime() + 60_000)
    await fleet.rollover('retire')
  })

  it('comes after every process has heard which CA issues', async () => {
    const other = await bench.open()
    await fleet.rollover('announce')
    // It may go by this for half a second.
    await issuersOf(other)
    await other.enroll('before')
    await fleet.revoke('before')
    await fleet.rollover('issue')
    const retiring = fleet.rollover('retire')
    retiring.catch(() => {})
    const during = await other.enroll('during')
    const isRetired = await retiring.then(
      () => true,
      () => false,
    )
    const after = await other.enroll('after')
    expect(await status(after)).toBe('active')
    // One of the old CA stands in the way of its end.
    const isOfTheOld = during.issuerKeyId !== after.issuerKeyId
    expect(isRetired).toBe(!isOfTheOld)
    expect(await status(during)).toBe('active')
  })
})

describe('a CA that is revoked in the middle of a rollover', () => {
  it('moves a rollover of the root on as `issue` does: old root out of use, new one in use', async () => {
    const { issuerKeyId } = await fleet.enroll('sensor-1')
    await fleet.rollover('announce', { root: true })
    await fleet.revokeIssuer(issuerKeyId)
    expect(await statesOf(fleet)).toEqual(['root retiring', 'issuingCa revoked', 'root active', 'issuingCa active'])
    const device = await fleet.enroll('sensor-2')
    await fleet.rollover('retire')
    expect(await statesOf(fleet)).toEqual(['root retired', 'issuingCa revoked', 'root active', 'issuingCa active'])
    // What comes next does not touch the root that is in use.
    await fleet.rollover('announce')
    await fleet.rollover('withdraw')
    expect((await issuerIn(fleet, 'root', 'active')).certificate).toBe(fleet.trustAnchors)
    if (hasTool('openssl')) expect(opensslVerify(device, fleet.trustAnchors)).toBe('OK')
  })

  it('is replaced while another one waits for its certificate, which may still come', async () => {
    const { issuerKeyId } = await fleet.enroll('sensor-1')
    await fleet.rollover('announce', { root: 'external' })
    const request = await fleet.issuerRequest()
    const { issuingKeyId } = await fleet.revokeIssuer(issuerKeyId)
    expect(await fleet.rolloverStatus()).toMatchObject({ phase: 'announcing', isAwaitingIssuer: true })
    expect(await fleet.issuerRequest()).toMatchObject({ issuerKeyId: request.issuerKeyId })
    expect(await status(await fleet.enroll('sensor-2'))).toBe('active')
    expect(await fleet.revokeIssuer(issuerKeyId)).toMatchObject({ issuingKeyId })
    const corporate = await vault('Corporate')
    await certify(fleet, corporate)
    await fleet.rollover('issue')
    expect(await fleet.enroll('sensor-3')).toMatchObject({ issuerKeyId: request.issuerKeyId })
    await fleet.rollover('retire', { force: true })
    expect(fleet.trustAnchors).toBe(corporate.trustAnchors)
    await corporate.close()
  })
})

describe('roots of others', () => {
  it('are trusted again when a fleet comes back to one', async () => {
    const plant = issuerBench()
    const external = await plant.open({ organization: 'Plant', root: { external: true } })
    const [first, second] = [await vault('First'), await vault('Second')]
    await certify(external, first)
    for (const root of [second, first]) {
      await external.rollover('announce')
      await certify(external, root)
      expect(await external.rolloverStatus()).toMatchObject({ scope: 'root', phase: 'announced' })
      await external.rollover('issue')
      await external.rollover('retire')
      expect(external.trustAnchors).toBe(root.trustAnchors)
      if (hasTool('openssl')) {
        const device = await external.enroll(root === first ? 'sensor-1' : 'sensor-2')
        expect(opensslVerify(device, root.trustAnchors)).toBe('OK')
        await external.revoke(device.deviceId)
      }
    }
    await Promise.all([plant.close(), first.close(), second.close()])
  })

  it('stay trusted above an adopted CA when a rollover ends, until that is retired', async () => {
    const corporate = await vault('Corporate')
    const plant = issuerBench()
    const external = await plant.open({ organization: 'Plant', root: { external: true } })
    await certify(external, corporate)
    const device = await external.enroll('sensor-1')
    const ca = await issuerIn(external, 'issuingCa', 'active')
    const adoption = {
      certificate: ca.certificate,
      chain: corporate.trustAnchors,
      key: { privateKey: (await plant.keyring.export?.('ca')) ?? '' },
      certificates: [device.certificate],
    }
    await fleet.adoptIssuer(adoption)
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    await fleet.rollover('retire')
    expect(fleet.trustAnchors).toContain(corporate.trustAnchors)
    expect(await status(device)).toBe('active')
    await fleet.retireIssuer(ca.issuerKeyId, { force: true })
    expect(fleet.trustAnchors).not.toContain(corporate.trustAnchors)
    // What it has issued would be let in nowhere.
    await expect(fleet.adoptIssuer(adoption)).rejects.toMatchObject({ code: 'ERR_PKI_ISSUER_CERTIFICATE' })
    await Promise.all([plant.close(), corporate.close()])
  })
})

describeWith(['openssl'], 'a root of others that was certified anew for the same key', () => {
  it('takes the place of its old certificate, and under another name is refused', async () => {
    const files = temporaryDirectory()
    const openssl = (...args: readonly string[]): void => {
      const { status: code, output } = runTool('openssl', args, { cwd: files.directory })
      if (code !== 0) throw new Error(output)
    }
    const rootOf = (days: number, name: string): string => {
      openssl(
        ...['req', '-x509', '-new', '-key', 'root.key', '-sha256', '-days', String(days), '-subj', `/CN=${name}`],
        ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-out', 'root.pem'],
      )
      return readFileSync(files.path('root.pem'), 'utf8')
    }
    const signed = async (waiting: Fleet): Promise<string> => {
      writeFileSync(files.path('ca.csr'), (await waiting.issuerRequest()).csr)
      writeFileSync(
        files.path('ca.cnf'),
        'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
      )
      openssl(
        ...['x509', '-req', '-in', 'ca.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-days', '300', '-sha256'],
        ...['-extfile', 'ca.cnf', '-out', 'ca.pem'],
      )
      return readFileSync(files.path('ca.pem'), 'utf8')
    }
    const plant = issuerBench()
    try {
      openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'root.key')
      const external = await plant.open({ organization: 'Plant', root: { external: true } })
      const first = rootOf(1000, 'Corporate Root')
      await external.importIssuer(await signed(external), { chain: first })
      const old = await external.enroll('old-1')
      await external.rollover('announce')
      const stranger = rootOf(2000, 'Another Name')
      const certificate = await signed(external)
      await expect(external.importIssuer(certificate, { chain: stranger })).rejects.toMatchObject({
        code: 'ERR_PKI_ISSUER_CERTIFICATE',
        details: { reason: 'a CA above it is here by another name, or under another CA' },
      })
      expect(external.trustAnchors).toBe(parsedPem(first))
      const renewed = rootOf(2000, 'Corporate Root')
      await external.importIssuer(await signed(external), { chain: renewed })
      expect(await external.rolloverStatus()).toMatchObject({ scope: 'issuingCa', phase: 'announced' })
      expect(external.trustAnchors).toBe(parsedPem(renewed))
      await external.rollover('issue')
      for (const each of [old, await external.enroll('new-1')]) {
        for (const root of [first, renewed]) expect(opensslVerify(each, root, { strict: false })).toBe('OK')
      }
    } finally {
      await plant.close()
      files.remove()
    }
  })
})

/** As this package writes it. */
function parsedPem(pem: string): string {
  return encodePem('CERTIFICATE', decodePem(pem)[0]!.der)
}
