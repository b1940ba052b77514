import {
  createCertificationRequest,
  type DeviceCredential,
  type Fleet,
  type FleetWarning,
  type Keyring,
  memoryKeyring,
  memoryStore,
  type OpenFleetOptions,
  openFleet,
  parseCertificate,
  type Store,
  verifyPath,
} from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AwayKeyring, awayKeyring } from './away-keyring.ts'

const hour = 3_600_000
const certificatePem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g

let now: number
let keyring: AwayKeyring
let store: Store
let warnings: FleetWarning[]
let lastCsr: Uint8Array
const opened: Fleet[] = []

beforeEach(() => {
  now = Date.UTC(2026, 0, 1)
  keyring = awayKeyring()
  store = memoryStore()
  warnings = []
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map(fleet => fleet.close()))
})

async function open(options: Partial<OpenFleetOptions> = {}): Promise<Fleet> {
  const fleet = await openFleet({
    // It outlives the processes that this file makes believe.
    store: { ...store, close: async () => {} },
    keyring,
    organization: 'Acme',
    hotIssuer: true,
    publish: { baseUrl: 'http://pki.example' },
    clock: () => new Date(now),
    onWarning: warning => warnings.push(warning),
    ...options,
  })
  opened.push(fleet)
  return fleet
}

async function csrOf(): Promise<Uint8Array> {
  const signer = await memoryKeyring().create('device', 'P-256')
  lastCsr = await createCertificationRequest({ subject: [[{ type: 'CN', value: 'device' }]], signer })
  return lastCsr
}

/** The chain that goes with a credential, DER parsed, the signer of the certificate first. */
function chainOf({ chain }: { readonly chain: string }): ReturnType<typeof parseCertificate>[] {
  return (chain.match(certificatePem) ?? []).map(pem => parseCertificate(pem))
}
const isHot = (credential: { readonly chain: string }): boolean => chainOf(credential).length === 2
const hotSerial = (credential: DeviceCredential): string => chainOf(credential)[0]!.serialNumber

describe('a hot issuer', () => {
  it('signs for devices and services in the name of the issuing CA, which signs but once', async () => {
    const fleet = await open()
    await fleet.enroll('sensor-0')
    const before = keyring.signatures
    const devices = await Promise.all(Array.from({ length: 20 }, (_, index) => fleet.enroll(`sensor-${index + 1}`)))
    devices.push(await fleet.enroll('backend', { role: 'service' }), await fleet.renew('sensor-1'))
    expect(keyring.signatures).toBe(before)
    const [ca] = (await Array.fromAsync(fleet.issuers())).filter(({ role }) => role === 'issuingCa')
    for (const device of devices) {
      const [hot, issuing] = chainOf(device)
      const certificate = parseCertificate(device.certificate)
      expect(certificate.authorityKeyIdentifier).toEqual(hot!.subjectKeyIdentifier)
      expect(certificate.issuerDer).toEqual(issuing!.subjectDer)
      expect(hot!.subjectDer).toEqual(issuing!.subjectDer)
      expect(hot!.authorityKeyIdentifier).toEqual(issuing!.subjectKeyIdentifier)
      expect(hot!.keyUsage).toEqual(['keyCertSign'])
      expect(issuing!.basicConstraints).toEqual({ cA: true, pathLength: 1 })
      // In the books it is the CA's: its CRLs, its identity.
      expect(device.issuerKeyId).toBe(ca!.issuerKeyId)
      expect(certificate.crlDistributionPoints).toEqual([
        `http://pki.example/crl/${ca!.issuerKeyId.slice(0, 16)}-0.crl`,
      ])
      expect(await fleet.identify({ fingerprint: device.fingerprint })).toMatchObject({ status: 'active' })
    }
    expect(new Set(devices.map(hotSerial)).size).toBe(1)
    expect(ca!.hotIssuer).toEqual({
      certificate: devices[0]!.chain.match(certificatePem)![0],
      serialNumber: hotSerial(devices[0]!),
      usedUntil: new Date(now + 8 * hour),
    })
  })

  it('is on record and in the ledger like everything that is signed', async () => {
    const fleet = await open()
    const device = await fleet.enroll('sensor-1')
    const serialNumber = hotSerial(device)
    const record = await store.certificate({ issuerKeyId: device.issuerKeyId, serialNumber })
    expect(record).toMatchObject({ state: 'issued', role: 'issuingCa', profile: 'hotIssuer' })
    const events = await Array.fromAsync(fleet.events({ follow: false }))
    expect(
      events.filter(({ certificate }) => certificate?.serialNumber === serialNumber).map(({ type }) => type),
    ).toEqual(['issuing', 'issued'])
  })

  it('is renewed ahead of its end, and signs nothing after it', async () => {
    const fleet = await open()
    const first = hotSerial(await fleet.enroll('sensor-1'))
    now += 3 * hour
    expect(hotSerial(await fleet.enroll('sensor-2'))).toBe(first)
    now += 2 * hour
    // Half of the eight hours are over: whoever asks now does not wait for the next one.
    let count = 3
    await vi.waitFor(async () => expect(hotSerial(await fleet.enroll(`sensor-${count++}`))).not.toBe(first))
    now += 9 * hour
    const third = await fleet.enroll('sensor-late')
    expect(isHot(third)).toBe(true)
    expect(warnings).toEqual([])
  })

  it('goes on for hours while the key of its CA is away, and takes up again when that is back', async () => {
    const fleet = await open()
    const first = await fleet.enroll('sensor-1')
    keyring.isAway = true
    now += 7 * hour
    const later = await fleet.enroll('sensor-2')
    expect(hotSerial(later)).toBe(hotSerial(first))
    await fleet.revoke('sensor-1')
    expect(await fleet.identify({ fingerprint: first.fingerprint })).toMatchObject({ status: 'revoked' })
    await vi.waitFor(() => expect(warnings).toContainEqual(expect.objectContaining({ type: 'hotIssuerNotRenewed' })))
    const [warning] = warnings
    expect(warning).toMatchObject({ nextUpdate: new Date(Date.UTC(2026, 0, 1, 8)), retrySeconds: 10 })

    now += 2 * hour
    await expect(fleet.enroll('sensor-3')).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER' })
    keyring.isAway = false
    // Until it is asked again, the CA's own key signs: nothing fails.
    await fleet.enroll('sensor-3')
  })

  it('is not waited for by callers who have gone', async () => {
    await (await open({ hotIssuer: false })).close()
    const asked = Promise.withResolvers<void>()
    const hanging: Keyring = {
      ...keyring,
      async open(name) {
        const signer = await keyring.open(name)
        return (
          signer && {
            ...signer,
            sign: (_, options) =>
              new Promise((_, reject) => {
                asked.resolve()
                options?.signal?.addEventListener('abort', () => reject(options.signal?.reason))
              }),
          }
        )
      },
    }
    const fleet = await open({ keyring: hanging })
    await asked.promise
    const gone = new AbortController()
    const enrolling = fleet.enroll('sensor-1', {}, { signal: gone.signal })
    gone.abort(new Error('the caller has gone'))
    await expect(enrolling).rejects.toThrow('the caller has gone')
    await fleet.close()
  })

  it('has its key in one process alone; another has another, and knows whose signed what', async () => {
    const one = await open()
    const token = await one.createToken({ deviceId: 'sensor-1', expiresInSeconds: 600 })
    const device = await one.enroll('sensor-1', { token: token.token, csr: await csrOf() })
    const other = await open()
    const again = await other.enroll('sensor-1', { token: token.token, csr: lastCsr })
    expect(again.certificate).toBe(device.certificate)
    expect(again.chain).toBe(device.chain)
    const second = await other.enroll('sensor-2')
    expect(isHot(second)).toBe(true)
    expect(hotSerial(second)).not.toBe(hotSerial(device))
    expect(second.issuerKeyId).toBe(device.issuerKeyId)
  })

  it('ends with its process; what it has signed goes on, without hot issuers, too', async () => {
    const fleet = await open()
    const token = await fleet.createToken({ deviceId: 'sensor-1', expiresInSeconds: 600 })
    const device = await fleet.enroll('sensor-1', { token: token.token, csr: await csrOf() })
    await fleet.close()
    const next = await open({ hotIssuer: false })
    expect(await next.identify({ fingerprint: device.fingerprint })).toMatchObject({ status: 'active' })
    expect(await next.enroll('sensor-1', { token: token.token, csr: lastCsr })).toMatchObject({ chain: device.chain })
    const renewed = await next.renew('sensor-1', { overlapSeconds: 0 })
    expect(isHot(renewed)).toBe(false)
  })

  it('is replaced at once when it is revoked, by whichever process', async () => {
    const fleet = await open()
    const device = await fleet.enroll('sensor-1')
    const other = await open({ hotIssuer: false })
    await other.revoke(
      { issuerKeyId: device.issuerKeyId, serialNumber: hotSerial(device) },
      { reason: 'keyCompromise' },
    )
    await vi.waitFor(
      async () => {
        await fleet.revoke('sensor-1')
        expect(hotSerial(await fleet.enroll('sensor-1'))).not.toBe(hotSerial(device))
      },
      { timeout: 10_000 },
    )
  })

  it('is not made for one-shot commands, nor unless it is asked for', async () => {
    expect(isHot(await (await open({ background: false })).enroll('sensor-1'))).toBe(false)
    expect(isHot(await (await open({ hotIssuer: false })).enroll('sensor-2'))).toBe(false)
  })

  it('signs under an issuing CA that was made without it in mind', async () => {
    await (await open({ hotIssuer: false })).close()
    const device = await (await open()).enroll('sensor-1')
    expect(isHot(device)).toBe(true)
    expect(chainOf(device)[1]!.basicConstraints).toEqual({ cA: true, pathLength: 0 })
  })
})

it('verifyPath goes the way of a hot issuer, and asks the CRL of its CA', async () => {
  const fleet = await open()
  const devices = [await fleet.enroll('sensor-1'), await fleet.enroll('sensor-2')]
  await fleet.revoke('sensor-2')
  const crls: string[] = []
  for await (const { issuerKeyId } of fleet.issuers()) crls.push((await fleet.crl({ issuerKeyId })).pem)
  const verify = ({ certificate, chain, trustAnchors }: DeviceCredential): ReturnType<typeof verifyPath> => {
    const at = new Date(now)
    return verifyPath({ certificate, chain, trustAnchors, at, purpose: 'clientAuth', revocation: 'checkAll', crls })
  }
  expect((await verify(devices[0]!)).path).toHaveLength(4)
  await expect(verify(devices[1]!)).rejects.toMatchObject({ code: 'ERR_PKI_PATH_REVOKED', details: { depth: 0 } })
})

describe('with the CA that a hot issuer is of', () => {
  it('it is replaced: what comes next is signed by one of the new CA, and nothing depends on the old one but what it has signed', async () => {
    await (await open({ hotIssuer: false })).close()
    const fleet = await open()
    const old = await fleet.enroll('sensor-1')
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    const status = await fleet.rolloverStatus()
    expect(status?.dependents).toMatchObject({ devices: 1, services: 0, servers: 0 })
    const renewed = await fleet.renew('sensor-1', { overlapSeconds: 0 })
    expect(isHot(renewed)).toBe(true)
    expect(renewed.issuerKeyId).not.toBe(old.issuerKeyId)
    // Made by a fleet with hot issuers, at last.
    expect(chainOf(renewed)[1]!.basicConstraints).toEqual({ cA: true, pathLength: 1 })
    now += 1000
    await fleet.rollover('retire')
    expect(await fleet.identify({ fingerprint: renewed.fingerprint })).toMatchObject({ status: 'active' })
  })

  it('it is revoked: with the CA, all that its hot issuers have signed', async () => {
    const fleet = await open()
    const device = await fleet.enroll('sensor-1')
    await fleet.rollover('announce')
    await fleet.rollover('issue')
    await fleet.revokeIssuer(device.issuerKeyId, { reason: 'cACompromise' })
    expect(await fleet.identify({ fingerprint: device.fingerprint })).toMatchObject({ status: 'revoked' })
    expect(isHot(await fleet.enroll('sensor-2'))).toBe(true)
  })
})

describe('what a hot issuer may not sign, the issuing CA signs', () => {
  it('names of servers, and what OpenSSL takes for one', async () => {
    const fleet = await open()
    expect(isHot(await fleet.enroll('sensor-1'))).toBe(true)
    expect(isHot(await fleet.issueServer({ hosts: ['broker.example'] }))).toBe(false)
    expect(isHot(await fleet.enroll('sensor.one'))).toBe(false)
    for (const [type, value] of [
      ['dns', 'sensor.example'],
      ['ip', '192.0.2.1'],
    ] as const) {
      expect(isHot(await fleet.enroll(`sensor-${type}`, { subjectAltName: [{ type, value }] }))).toBe(false)
    }
    expect(
      isHot(await fleet.enroll('sensor-mail', { subjectAltName: [{ type: 'email', value: 'a@b.example' }] })),
    ).toBe(true)
  })

  it('unless it may', async () => {
    const fleet = await open({ hotIssuer: { serverNames: true } })
    const server = await fleet.issueServer({ hosts: ['broker.example', '192.0.2.1'] })
    expect(isHot(server)).toBe(true)
    expect(isHot(await fleet.enroll('sensor.one'))).toBe(true)
  })

  it('what lasts longer than its own certificate', async () => {
    const fleet = await open({ profiles: { forever: { kind: 'device', endless: true } } })
    expect(isHot(await fleet.enroll('sensor-1', { validitySeconds: 399 * 86_400 }))).toBe(true)
    const long = await fleet.enroll('sensor-2', { validitySeconds: 401 * 86_400 })
    expect(isHot(long)).toBe(false)
    expect(isHot(await fleet.enroll('sensor-3', { profile: 'forever' }))).toBe(false)
    const longer = await open({ hotIssuer: { validitySeconds: 500 * 86_400 } })
    expect(isHot(await longer.enroll('sensor-4', { validitySeconds: 401 * 86_400 }))).toBe(true)
  })

  it('in shards, too', async () => {
    const fleet = await open({ crl: { shards: 4 } })
    const devices = await Promise.all(Array.from({ length: 12 }, (_, index) => fleet.enroll(`sensor-${index}`)))
    const named = new Set(
      devices.flatMap(({ certificate }) => parseCertificate(certificate).crlDistributionPoints ?? []),
    )
    expect(named.size).toBeGreaterThan(1)
    expect(devices.every(isHot)).toBe(true)
  })
})

describe('options of hot issuers', () => {
  it.each([
    [{ useSeconds: 59 }, RangeError],
    [{ useSeconds: 8 * 86_400 }, RangeError],
    [{ useSeconds: 3600, validitySeconds: 3600 }, RangeError],
    [{ serverNames: 'yes' }, TypeError],
    [{ ocspKeyring: {} }, TypeError],
    [{ seconds: 1 }, TypeError],
    ['yes', TypeError],
  ])('refuses %o', async (hotIssuer, error) => {
    await expect(openFleet({ store, keyring, hotIssuer: hotIssuer as never })).rejects.toThrow(error)
  })
})
