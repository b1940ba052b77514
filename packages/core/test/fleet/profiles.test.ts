import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import {
  type CertificateProfiles,
  createCertificationRequest,
  type Fleet,
  memoryKeyring,
  memoryStore,
  openFleet,
  type SubjectName,
} from '@fleetcert/core'
import { endlessNotAfter, formatName, parseCertificate, softwareSigner } from '@fleetcert/x509'
import { describe, expect, it, onTestFinished } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../../test-support/tools.ts'

const now = new Date('2026-11-21T12:00:00Z')
const open = async (
  profiles: CertificateProfiles = {},
  organization?: string,
  store = memoryStore(),
  keyring = memoryKeyring(),
): Promise<Fleet> => {
  const fleet = await openFleet({
    store,
    keyring,
    profiles,
    ...(organization === undefined ? {} : { organization }),
    clock: () => now,
    background: false,
  })
  onTestFinished(() => fleet.close())
  return fleet
}
const profileOf = async (fleet: Fleet, fingerprint: string): Promise<string> => {
  const answer = await fleet.identify({ fingerprint })
  if (answer.status === 'unknown') throw new Error('unknown')
  return answer.certificate.profile
}

describe('profiles of a fleet', () => {
  it('changes device, service and server', async () => {
    const fleet = await open({
      device: { validitySeconds: 3600, backdateSeconds: 0 },
      server: { validitySeconds: 7200 },
    })
    const end = (seconds: number) => new Date(now.getTime() + seconds * 1000 - 1000)
    const device = await fleet.enroll('a')
    expect([device.notBefore, device.notAfter]).toEqual([now, end(3600)])
    // A service follows the devices.
    expect((await fleet.enroll('b', { role: 'service' })).notAfter).toEqual(end(3600))
    expect((await fleet.issueServer({ hosts: ['a.example'] })).notAfter).toEqual(end(7200))
    const other = await open({ device: { validitySeconds: 3600 }, service: { validitySeconds: 600 } })
    expect((await other.enroll('b', { role: 'service' })).notAfter).toEqual(end(600))
  })

  it('issues by further profiles, and renews by the one that was enrolled by', async () => {
    const fleet = await open({ 'sensor-7d': { validitySeconds: 7 * 86_400 }, 'sensor-1h': { validitySeconds: 3600 } })
    const first = await fleet.enroll('a', { profile: 'sensor-7d' })
    expect(first.notAfter).toEqual(new Date('2026-11-28T11:59:59Z'))
    expect(await profileOf(fleet, first.fingerprint)).toBe('sensor-7d')
    const second = await fleet.renew('a')
    expect(second.notAfter).toEqual(first.notAfter)
    const third = await fleet.renew('a', { profile: 'sensor-1h' })
    expect(third.notAfter).toEqual(new Date('2026-11-21T12:59:59Z'))
    expect(await profileOf(fleet, third.fingerprint)).toBe('sensor-1h')
    expect((await fleet.device('a'))?.role).toBe('device')
    expect((await fleet.enroll('b', { profile: 'device' })).notAfter).toEqual(new Date('2027-11-21T11:59:59Z'))
  })

  it('refuses a profile that is not there, or is for something else', async () => {
    const fleet = await open({ bridge: { kind: 'server', clientAuth: true }, sensor: {} })
    const refusal = { code: 'ERR_PKI_PROFILE' }
    for (const profile of [
      'nobody',
      'bridge',
      'server',
      'service',
      'root',
      'issuingCa',
      'ocspResponder',
      '',
      '__proto__',
      'constructor',
    ]) {
      await expect(fleet.enroll('a', { profile })).rejects.toMatchObject(refusal)
    }
    for (const profile of ['nobody', 'device', 'sensor', 'root']) {
      await expect(fleet.issueServer({ hosts: ['a.example'], profile })).rejects.toMatchObject(refusal)
    }
    await expect(fleet.enroll('a', { role: 'service', profile: 'sensor' })).rejects.toMatchObject(refusal)
    expect(await fleet.device('a')).toBeUndefined()
    await fleet.enroll('a')
    await expect(fleet.renew('a', { profile: 'service' })).rejects.toMatchObject(refusal)
    await fleet.issueServer({ hosts: ['a.example'], profile: 'bridge' })
  })

  it('does not renew by a profile that the operator took away, unless told by which', async () => {
    const keyring = memoryKeyring()
    const store = Object.assign(memoryStore(), { close: async () => {} })
    const before = await open({ sensor: { validitySeconds: 600 } }, undefined, store, keyring)
    await before.enroll('a', { profile: 'sensor' })
    await before.close()
    const after = await open({}, undefined, store, keyring)
    await expect(after.renew('a')).rejects.toMatchObject({ code: 'ERR_PKI_PROFILE' })
    expect(await profileOf(after, (await after.renew('a', { profile: 'device' })).fingerprint)).toBe('device')
  })

  it.each<[string, unknown]>([
    ['a CA', { root: {} }],
    ['an OCSP responder', { ocspResponder: { validitySeconds: 60 } }],
    ['an odd name', { 'sensor 7d': {} }],
    ['a long name', { ['x'.repeat(65)]: {} }],
    ['no such kind', { x: { kind: 'ca' } }],
    ['no object', { x: 7 }],
    ['null', { device: null }],
    ['a bad device', { device: { validitySeconds: 1 } }],
  ])('does not open with %s', async (_name, profiles) => {
    const options = { store: memoryStore(), keyring: memoryKeyring(), background: false }
    await expect(openFleet({ ...options, profiles: profiles as never })).rejects.toMatchObject({
      code: 'ERR_PKI_PROFILE',
    })
  })

  it('opens with profiles that are undefined', async () => {
    const fleet = await open({ x: undefined })
    await expect(fleet.enroll('a', { profile: 'x' })).rejects.toMatchObject({ code: 'ERR_PKI_PROFILE' })
  })

  it('writes the subject in its order, the organization of the fleet where there is no other', async () => {
    const fleet = await open(
      {
        device: { subject: { OU: ['Roof', 'Sensors'], L: 'Ulm', C: 'DE', ST: 'BW' } },
        server: { subject: { O: 'Hosting' } },
      },
      'Acme',
    )
    const subject = async (pem: Promise<{ certificate: string }>) =>
      formatName(parseCertificate((await pem).certificate).subject)
    expect(await subject(fleet.enroll('a'))).toBe('CN=a,OU=Sensors,OU=Roof,O=Acme,L=Ulm,ST=BW,C=DE')
    expect(await subject(fleet.issueServer({ hosts: ['a.example'] }))).toBe('CN=a.example,O=Hosting')
  })

  it('makes and takes the keys that the profile names', async () => {
    const fleet = await open({
      ed: { keys: ['Ed25519', 'P-256'] },
      rsa: { keys: ['RSA'], rsaMinimumBits: 3000, keyUsage: ['keyEncipherment'] },
    })
    const keyOf = (pem: string) => parseCertificate(pem).publicKey
    expect(keyOf((await fleet.enroll('a', { profile: 'ed' })).certificate).type).toBe('ed25519')
    const rsa = parseCertificate((await fleet.enroll('b', { profile: 'rsa' })).certificate)
    expect(rsa.publicKey).toMatchObject({ type: 'rsa', modulusBits: 3072 })
    expect(rsa.keyUsage).toEqual(['digitalSignature', 'keyEncipherment'])
    const p384 = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)
    const csr = await createCertificationRequest({ subject: [], signer: p384 })
    await expect(fleet.enroll('c', { csr, profile: 'ed' })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_POLICY' })
    await fleet.enroll('c', { csr })
    await expect(fleet.renew('a', { csr })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_POLICY' })
  })

  it('makes IEEE 802.1AR birth certificates: no end, a serialNumber, and never by accident', async () => {
    const fleet = await open({ birth: { endless: true, subject: { O: 'Maker' } } })
    const born = await fleet.enroll('sn-0001', { profile: 'birth' })
    expect(born.notAfter).toEqual(endlessNotAfter)
    const certificate = parseCertificate(born.certificate)
    expect(formatName(certificate.subject)).toBe('CN=sn-0001,serialNumber=sn-0001,O=Maker')
    expect(Buffer.from(certificate.der).includes('99991231235959Z')).toBe(true)
    expect((await fleet.identify({ fingerprint: born.fingerprint })).status).toBe('active')
    await expect(fleet.enroll('b', { profile: 'birth', validitySeconds: 60 })).rejects.toMatchObject({
      code: 'ERR_PKI_VALIDITY',
    })
    // `_` and `@` are no characters of PrintableString, which serialNumber is.
    await expect(fleet.enroll('a_b', { profile: 'birth' })).rejects.toMatchObject({ code: 'ERR_PKI_NAME' })
    // It outlives its issuer; an ordinary one never does.
    for await (const issuer of fleet.issuers())
      expect(born.notAfter.getTime()).toBeGreaterThan(issuer.notAfter.getTime())
    const changed = await open({ device: { endless: true, extendedKeyUsage: ['1.2.3.4'] } })
    expect((await changed.enroll('a')).notAfter).toEqual(endlessNotAfter)
    const service = parseCertificate((await changed.enroll('b', { role: 'service' })).certificate)
    expect(service.notAfter).toEqual(new Date('2027-11-21T11:59:59Z'))
    expect(service.extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  })
})

describe('names that the caller adds', () => {
  const names: SubjectName[] = [
    { type: 'dns', value: 'GW.example' },
    { type: 'ip', value: '2001:DB8:0:0:0:0:0:1' },
    { type: 'uri', value: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6' },
    { type: 'email', value: 'ops@example.org' },
    { type: 'dns', value: 'gw.example' },
  ]
  const urn = { type: 'uri', value: 'urn:fleetcert:device:a' }
  const written = [{ type: 'dns', value: 'gw.example' }, { type: 'ip', value: '2001:db8::1' }, names[2], names[3]]
  const namesIn = (pem: string) => parseCertificate(pem).subjectAltName

  it('stand behind the URN of a device, once each, and stay when it is renewed', async () => {
    const fleet = await open()
    expect(namesIn((await fleet.enroll('a', { subjectAltName: names })).certificate)).toEqual([urn, ...written])
    expect(namesIn((await fleet.renew('a')).certificate)).toEqual([urn, ...written])
    expect(namesIn((await fleet.renew('a', { subjectAltName: names.slice(3, 4) })).certificate)).toEqual([
      urn,
      names[3],
    ])
    expect(namesIn((await fleet.renew('a', { subjectAltName: [] })).certificate)).toEqual([urn])
    expect(namesIn((await fleet.renew('a')).certificate)).toEqual([urn])
  })

  it('stand behind the hosts of a server', async () => {
    const fleet = await open()
    const server = await fleet.issueServer({
      hosts: ['gw.example'],
      subjectAltName: [...names, { type: 'dns', value: '*.gw.example' }],
    })
    expect(namesIn(server.certificate)).toEqual([...written, { type: 'dns', value: '*.gw.example' }])
  })

  it.each<[string, unknown]>([
    ['no list', 'gw.example'],
    ['null', null],
    ['a list of strings', ['gw.example']],
    ['no value', [{ type: 'dns' }]],
    ['an unknown type', [{ type: 'directoryName', value: [] }]],
    ['an unknown type of string', [{ type: 'other', value: 'x' }]],
    ['an address as DNS name', [{ type: 'dns', value: '192.0.2.1' }]],
    ['a DNS name as address', [{ type: 'ip', value: 'a.example' }]],
    ['a wildcard', [{ type: 'dns', value: '*.a.example' }]],
    ['a label beginning with a hyphen', [{ type: 'dns', value: '-a.example' }]],
    ['a reserved label', [{ type: 'dns', value: 'ab--c.example' }]],
    ['a U-label', [{ type: 'dns', value: 'münchen.example' }]],
    ['a relative URI', [{ type: 'uri', value: '/a' }]],
    ['a URI with spaces', [{ type: 'uri', value: 'http://a.example/a b' }]],
    ['a URI without a host', [{ type: 'uri', value: 'http:///a' }]],
    ['a URI that is not ASCII', [{ type: 'uri', value: 'http://a.example/ä' }]],
    ['a URN that is none', [{ type: 'uri', value: 'urn:uuid:1' }]],
    ['the URN of another device', [{ type: 'uri', value: 'urn:fleetcert:device:b' }]],
    ['the URN of another device in capitals', [{ type: 'uri', value: 'URN:FLEETCERT:device:b' }]],
    ['a mail address with a name', [{ type: 'email', value: 'A <a@example>' }]],
    ['a mail address that is not ASCII', [{ type: 'email', value: 'ä@example' }]],
    ['101 names', Array.from({ length: 101 }, (_, index) => ({ type: 'dns', value: `h${index}.example` }))],
  ])('are refused: %s', async (_name, subjectAltName) => {
    const fleet = await open()
    const request = { subjectAltName: subjectAltName as never }
    await expect(fleet.enroll('a', request)).rejects.toMatchObject({ code: 'ERR_PKI_NAME' })
    expect(await fleet.device('a')).toBeUndefined()
  })
})

describeWith(['openssl'], 'openssl', () => {
  it('verifies certificates of all profiles, the endless one by its own dates', async () => {
    const fleet = await openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      organization: 'Acme',
      profiles: {
        birth: { endless: true, subject: { C: 'DE', ST: 'BW', L: 'Ulm', OU: 'Sensors' } },
        minutes: { validitySeconds: 300 },
        agreeing: { keys: ['P-256'], keyUsage: ['keyAgreement'] },
        enciphering: { kind: 'server', keys: ['RSA'], keyUsage: ['keyEncipherment'], clientAuth: true },
      },
      background: false,
    })
    onTestFinished(() => fleet.close())
    const ofDevices = await Promise.all(
      ['device', 'birth', 'minutes', 'agreeing'].map(profile =>
        fleet.enroll(profile, { profile, subjectAltName: [{ type: 'email', value: 'a@example' }] }),
      ),
    )
    const ofServers = await Promise.all(
      ['server', 'enciphering'].map(profile => fleet.issueServer({ hosts: ['a.example', '192.0.2.1'], profile })),
    )
    const { path, remove } = temporaryDirectory()
    onTestFinished(remove)
    const judge = (
      purpose: string,
      { certificate, chain, trustAnchors }: (typeof ofDevices)[0] | (typeof ofServers)[0],
    ) => {
      for (const [name, pem] of Object.entries({ certificate, chain, trustAnchors })) writeFileSync(path(name), pem)
      const args = ['verify', '-x509_strict', '-purpose', purpose, '-no-CApath', '-no-CAstore']
      const files = ['-CAfile', path('trustAnchors'), '-untrusted', path('chain'), path('certificate')]
      return runTool('openssl', [...args, ...files]).output
    }
    for (const credential of ofDevices) expect(judge('sslclient', credential)).toMatch(/: OK\n$/)
    for (const credential of ofServers) expect(judge('sslserver', credential)).toMatch(/: OK\n$/)
    // The bridge dials out, too; other servers do not.
    expect(judge('sslclient', ofServers[1]!)).toMatch(/: OK\n$/)
    expect(judge('sslclient', ofServers[0]!)).toMatch(/error 26 /)
  })
})
