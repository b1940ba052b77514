import { readFileSync } from 'node:fs'
import { decodePem, type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith, temporaryDirectory, toolOutput } from '../../../../test-support/tools.ts'

const clock = (): Date => new Date('2026-11-21T12:00:00Z')
const open = (alsoTrust?: string): Promise<Fleet> =>
  openFleet({
    store: memoryStore({ clock }),
    keyring: memoryKeyring(),
    clock,
    background: false,
    ...(alsoTrust === undefined ? {} : { alsoTrust }),
  })

describeWith(['openssl'], 'alsoTrust', () => {
  const folder = temporaryDirectory()
  afterAll(() => folder.remove())
  const made = new Map<string, string>()
  beforeAll(async () => {
    const certificate = (name: string, extensions: readonly string[], more: readonly string[] = []): void => {
      const file = folder.path(name)
      toolOutput('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
        ...['-keyout', `${file}.key`, '-out', `${file}.pem`, '-subj', `/CN=${name}`, '-days', '3650'],
        ...extensions.flatMap(extension => ['-addext', extension]),
        ...more,
      ])
      made.set(name, readFileSync(`${file}.pem`, 'utf8'))
    }
    const ca = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']
    certificate('corporate', ca)
    certificate('announced', ['basicConstraints=critical,CA:TRUE'])
    certificate('sha1', ca, ['-sha1'])
    certificate('brainpool', ca, ['-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'])
    certificate('device', ['basicConstraints=critical,CA:FALSE'])
    certificate('not-for-signing', ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign'])
    const other = await open()
    for await (const { role, certificate: pem } of other.issuers()) made.set(role, pem)
    await other.close()
  }, 60_000)

  it('comes behind the fleet’s own roots, each once, and into credentials', async () => {
    const corporate = made.get('corporate')!
    const fleet = await open(`# Example Corp\n${corporate}${made.get('announced')}${corporate}`)
    const anchors = decodePem(fleet.trustAnchors).map(({ der }) => Buffer.from(der).toString('hex'))
    expect(anchors).toHaveLength(3)
    for await (const { role, certificate } of fleet.issuers()) {
      if (role === 'root') expect(fleet.trustAnchors.startsWith(certificate)).toBe(true)
    }
    expect(fleet.trustAnchors).toContain(corporate)
    const { trustAnchors, chain } = await fleet.enroll('sensor-1')
    expect(trustAnchors).toBe(fleet.trustAnchors)
    expect(decodePem(chain)).toHaveLength(1)
    await fleet.close()
  })

  it('takes a root whose signature cannot be checked here: of SHA-1, or on another curve', async () => {
    for (const name of ['sha1', 'brainpool']) {
      const fleet = await open(made.get(name))
      expect(fleet.trustAnchors, name).toContain(made.get(name))
      await fleet.close()
    }
  })

  it('lets in nobody: what such a CA signs is unknown to identify', async () => {
    const fleet = await open(made.get('corporate'))
    const [block] = decodePem(made.get('device')!)
    expect(await fleet.identify({ der: block!.der })).toEqual({ status: 'unknown' })
    await fleet.close()
  })

  it('does not name the fleet’s own root twice', async () => {
    const store = memoryStore({ clock })
    const keyring = memoryKeyring()
    const kept = { ...store, close: async () => {} }
    const first = await openFleet({ store: kept, keyring, clock, background: false })
    const second = await openFleet({ store, keyring, clock, background: false, alsoTrust: first.trustAnchors })
    expect(second.trustAnchors).toBe(first.trustAnchors)
    await first.close()
    await second.close()
  })

  it('refuses what ends no chain, before the store is opened', async () => {
    const refused = async (pem: string, reason: string): Promise<void> => {
      await expect(open(pem), reason).rejects.toMatchObject({ code: 'ERR_PKI_TRUST_ANCHOR', details: { reason } })
    }
    await refused(made.get('device')!, 'not a CA')
    await refused(made.get('not-for-signing')!, 'not a CA')
    await refused(made.get('issuingCa')!, 'not self-signed')
    await refused('', 'expected 1 to 16 certificates')
    await refused(made.get('corporate')!.repeat(17), 'expected 1 to 16 certificates')
    const garbage = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'
    await refused(garbage, 'not a certificate')
    await refused(
      `${made.get('corporate')}${garbage.replaceAll('CERTIFICATE', 'PRIVATE KEY')}`,
      'expected nothing but certificates',
    )
    const [block] = decodePem(made.get('corporate')!)
    const forged = Buffer.from(block!.der)
    forged[forged.length - 1]! ^= 1
    await refused(
      `-----BEGIN CERTIFICATE-----\n${forged
        .toString('base64')
        .match(/.{1,64}/g)!
        .join('\n')}\n-----END CERTIFICATE-----\n`,
      'not self-signed',
    )
    await expect(open('x'.repeat(300_000))).rejects.toMatchObject({ code: 'ERR_PKI_TOO_LARGE' })
    await expect(open(7 as never)).rejects.toThrow(TypeError)
    const late = (): Date => new Date('2046-01-01T00:00:00Z')
    await expect(
      openFleet({ store: memoryStore(), keyring: memoryKeyring(), clock: late, alsoTrust: made.get('corporate')! }),
    ).rejects.toMatchObject({ code: 'ERR_PKI_TRUST_ANCHOR', details: { reason: 'expired' } })
  })
})
