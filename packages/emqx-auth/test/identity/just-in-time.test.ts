import {
  type CertificateRecord,
  decodePem,
  type Fleet,
  memoryKeyring,
  memoryStore,
  openFleet,
  PkiError,
} from '@fleetcert/core'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import type { JustInTimeRegistration, RegistrationCandidate } from '../../src/just-in-time.ts'
import { testFleet } from '../support/broker.ts'
import { authority, endEntity, type MadeCertificate, opensslPki } from '../support/openssl-pki.ts'
import { stubFleet } from '../support/stub-fleet.ts'

const folder = temporaryDirectory()
const openssl = opensslPki(folder.directory)
afterAll(() => folder.remove())

describeWith(['openssl'], 'just-in-time registration', () => {
  let manufacturer: MadeCertificate
  let line: MadeCertificate
  let device: MadeCertificate
  beforeAll(() => {
    manufacturer = openssl('/CN=manufacturer', { extensions: authority })
    line = openssl('/CN=line 1', { extensions: authority, issuer: manufacturer })
    device = openssl('/O=Maker/CN=unit-7', { extensions: endEntity, issuer: line })
  })
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await testFleet()
    return () => fleet.close()
  })

  const nameOf = ({ certificate }: RegistrationCandidate) =>
    certificate.subject.flat().find(({ type }) => type === 'CN')!.value
  function setUp(options: Partial<JustInTimeRegistration> = {}) {
    const register = vi.fn<JustInTimeRegistration['register']>(candidate => ({
      deviceId: nameOf(candidate),
      owner: 'alice',
    }))
    const justInTime = {
      ...{ trustAnchors: manufacturer.certificate, intermediates: [line.certificate], register },
      ...options,
    }
    const auth = createBrokerAuth({ fleet, justInTime })
    const connect = ({ der }: Pick<MadeCertificate, 'der'>, clientId = 'unit-7') =>
      auth.authenticate({
        clientId,
        certificate: { der },
        username: 'u',
        peerAddress: '10.0.0.1',
      })
    return { auth, connect, register }
  }
  const devices = async () => (await Array.fromAsync(fleet.devices())).map(({ deviceId }) => deviceId)

  it('lets a certificate of the trusted CA in at first sight, and remembers it', async () => {
    const { connect, register } = setUp()
    expect(await connect(device)).toMatchObject({ result: 'allow', deviceId: 'unit-7', owner: 'alice' })
    expect(register).toHaveBeenCalledOnce()
    const [candidate] = register.mock.calls[0]!
    expect(candidate).toMatchObject({ clientId: 'unit-7', username: 'u', peerAddress: '10.0.0.1' })
    expect(candidate.path.map(({ subject }) => subject.flat().at(-1)?.value)).toEqual([
      'unit-7',
      'line 1',
      'manufacturer',
    ])
    expect(candidate.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    expect(await connect(device)).toMatchObject({ result: 'allow' })
    // Known now to everybody, also where nothing is registered.
    expect((await createBrokerAuth({ fleet }).authenticate({ clientId: 'unit-7', certificate: device })).result).toBe(
      'allow',
    )
    expect(register).toHaveBeenCalledOnce()
  })

  it('asks once for many at the same time, as a broker that asks again does', async () => {
    const { connect, register } = setUp()
    const decisions = await Promise.all(Array.from({ length: 20 }, () => connect(device)))
    expect(new Set(decisions.map(({ result }) => result))).toEqual(new Set(['allow']))
    expect(register).toHaveBeenCalledOnce()
    expect(await devices()).toEqual(['unit-7'])
  })

  it('does not bring back what was revoked, with the same certificate or another', async () => {
    const { connect } = setUp({ register: () => ({ deviceId: 'unit-7', additional: true }) })
    await connect(device)
    await fleet.revoke('unit-7')
    expect(await connect(device)).toMatchObject({ result: 'deny', reason: 'revoked' })
    const another = openssl('/CN=unit-7', { extensions: endEntity, issuer: line })
    expect(await connect(another)).toEqual({ result: 'deny', reason: 'revoked' })
  })

  it('gives nobody the name of a device that is there, unless it is said', async () => {
    await fleet.enroll('unit-7')
    expect(await setUp().connect(device)).toEqual({ result: 'deny', reason: 'deviceExists' })
    const { connect } = setUp({ register: () => ({ deviceId: 'unit-7', additional: true }) })
    expect(await connect(device)).toMatchObject({ result: 'allow', deviceId: 'unit-7' })
  })

  it('gives one of two certificates a new name that both want', async () => {
    const another = openssl('/CN=unit-7', { extensions: endEntity, issuer: line })
    const { connect } = setUp()
    const results = await Promise.all([connect(device), connect(another)])
    expect(results.map(({ result }) => result).sort()).toEqual(['allow', 'deny'])
    expect(results.find(({ result }) => result === 'deny')).toMatchObject({
      reason: expect.stringMatching(/^registrationBusy|deviceExists$/),
    })
  })

  it('binds the client id to the device all the same', async () => {
    expect(await setUp().connect(device, 'unit-8')).toEqual({
      ...{ result: 'deny', reason: 'clientIdNotBound', deviceId: 'unit-7' },
    })
  })

  it.each([
    ['nothing', () => undefined],
    ['a promise of nothing', async () => undefined],
    ['something else', () => 'unit-7' as never],
    ['a device id that is none', () => ({ deviceId: 'a/b' })],
    ['an owner that is none', () => ({ deviceId: 'unit-7', owner: '+' })],
    [
      'a throw',
      () => {
        throw new Error('no')
      },
    ],
    ['a rejection', () => Promise.reject(new Error('no'))],
  ] as [string, JustInTimeRegistration['register']][])('refuses when the callback answers %s', async (_, register) => {
    expect(await setUp({ register }).connect(device)).toEqual({ result: 'deny', reason: 'registrationRefused' })
    expect(await devices()).toEqual([])
  })

  it('refuses when the callback does not answer, and tells it to stop', async () => {
    let signal: AbortSignal | undefined
    const { connect } = setUp({
      timeoutSeconds: 0.05,
      register: (_candidate, options) => {
        signal = options.signal
        return new Promise(() => {})
      },
    })
    expect(await connect(device)).toEqual({ result: 'deny', reason: 'registrationRefused' })
    expect(signal?.aborted).toBe(true)
  })

  it('refuses what the trusted CA has not made for clients, unasked', async () => {
    const stranger = openssl('/CN=manufacturer', { extensions: authority })
    const server = ['basicConstraints=critical,CA:FALSE', 'extendedKeyUsage=serverAuth']
    const refused = {
      'another CA of the same name': openssl('/CN=unit-7', { extensions: endEntity, issuer: stranger }),
      'its own signature': openssl('/CN=unit-7', { extensions: endEntity }),
      'another purpose': openssl('/CN=unit-7', { extensions: server, issuer: line }),
      'a CA': openssl('/CN=unit-7', { extensions: authority, issuer: line }),
      'the CA itself': line,
      'the trust anchor': manufacturer,
      'a device of it that signs': openssl('/CN=unit-8', { extensions: endEntity, issuer: device }),
      'no certificate': { der: Uint8Array.of(0x30, 2, 5, 0) },
    }
    const { connect, register } = setUp()
    for (const [name, certificate] of Object.entries(refused)) {
      expect(await connect(certificate), name).toEqual({ result: 'deny', reason: 'certificateUntrusted' })
    }
    expect(register).not.toHaveBeenCalled()
    const { connect: without } = setUp({ intermediates: [] })
    expect(await without(device)).toEqual({ result: 'deny', reason: 'certificateUntrusted' })
  })

  it('registers nothing that was not in the handshake', async () => {
    const { auth, register } = setUp()
    const input = { clientId: 'unit-7', certificate: device, commonName: '', subject: '' }
    expect(await auth.authenticate(input)).toEqual({ result: 'deny', reason: 'commonNameMismatch' })
    expect(register).not.toHaveBeenCalled()
  })

  it('judges expiry by the clock it was given', async () => {
    const late = new Date(Date.now() + 31 * 86_400_000)
    const register = vi.fn()
    const fleet = await openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      background: false,
      clock: () => late,
    })
    const justInTime = { trustAnchors: manufacturer.der, intermediates: [line.der], register }
    const auth = createBrokerAuth({ fleet, justInTime, clock: () => late })
    expect(await auth.authenticate({ clientId: 'unit-7', certificate: device })).toEqual({
      result: 'deny',
      reason: 'certificateUntrusted',
    })
    expect(register).not.toHaveBeenCalled()
    await fleet.close()
  })

  it('never registers what the fleet’s own CA has made, though it be trusted', async () => {
    await using former = await testFleet()
    const chain = (await Array.fromAsync(former.issuers())).map(({ certificate }) => certificate)
    const { certificate } = await former.enroll('unit-7')
    const der = decodePem(certificate)[0]!.der
    // A store that has lost the row.
    const forgetful = { ...former, identify: async () => ({ status: 'unknown' }) as const, register: vi.fn() }
    const register = vi.fn<JustInTimeRegistration['register']>(() => ({ deviceId: 'unit-7' }))
    const auth = createBrokerAuth({
      fleet: forgetful,
      justInTime: { trustAnchors: chain.join(''), intermediates: chain, register },
    })
    expect(await auth.authenticate({ clientId: 'unit-7', certificate: { der } })).toEqual({
      result: 'deny',
      reason: 'certificateUnknown',
    })
    expect(register).not.toHaveBeenCalled()
    expect(forgetful.register).not.toHaveBeenCalled()
  })

  it('does not ask about certificates that are known and nobody’s identity', async () => {
    const server: Partial<CertificateRecord>['role'] = 'server'
    const known = stubFleet([{ deviceId: 'unit-7', der: device.der, certificateRole: server }])
    const register = vi.fn()
    const auth = createBrokerAuth({
      fleet: { ...known, register: vi.fn(), issuers: fleet.issuers },
      justInTime: { trustAnchors: manufacturer.der, register },
    })
    expect(await auth.authenticate({ clientId: 'unit-7', certificate: device })).toEqual({
      result: 'deny',
      reason: 'certificateUnknown',
    })
    expect(register).not.toHaveBeenCalled()
  })

  it('says when the store is to blame', async () => {
    const down = new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'locked' })
    const broken = { ...fleet, register: () => Promise.reject(down) }
    const justInTime = {
      trustAnchors: manufacturer.der,
      intermediates: [line.der],
      register: () => ({ deviceId: 'unit-7' }),
    }
    const auth = createBrokerAuth({ fleet: broken, justInTime })
    expect(await auth.authenticate({ clientId: 'unit-7', certificate: device })).toEqual({
      result: 'deny',
      reason: 'storeUnavailable',
    })
  })

  it('takes no more at once than it may', async () => {
    let go!: () => void
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const { connect } = setUp({
      maximumConcurrent: 1,
      register: async candidate => {
        await gate
        return { deviceId: nameOf(candidate) }
      },
    })
    const first = connect(device)
    const second = openssl('/CN=unit-8', { extensions: endEntity, issuer: line })
    await vi.waitFor(async () =>
      expect(await connect(second, 'unit-8')).toEqual({ result: 'deny', reason: 'registrationBusy' }),
    )
    go()
    expect(await first).toMatchObject({ result: 'allow' })
    expect(await connect(second, 'unit-8')).toMatchObject({ result: 'allow' })
  })

  it.each([
    [{ register: 'yes' }, TypeError],
    [{ trustAnchors: [] }, TypeError],
    [{ trustAnchors: '' }, Error],
    [{ trustAnchors: Uint8Array.of(1) }, Error],
    [{ timeoutSeconds: 0 }, RangeError],
    [{ maximumConcurrent: 0 }, RangeError],
  ])('refuses the options %j', (options, type) => {
    expect(() => setUp(options as never)).toThrow(type)
  })
  it('needs a fleet that registers', () => {
    const justInTime = { trustAnchors: manufacturer.der, register: () => undefined }
    expect(() => createBrokerAuth({ fleet: stubFleet([]), justInTime })).toThrow(TypeError)
  })
})
