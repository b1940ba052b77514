import { certificateFingerprint, type DeviceCredential, type Fleet } from '@fleetcert/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import { createEmqxResponder } from '../../src/emqx/create-emqx-responder.ts'
import { brokerTrustFile } from '../../src/trust-file.ts'
import { inbox, startBroker, testFleet } from '../support/broker.ts'
import { endEntity, type MadeCertificate, opensslPki } from '../support/openssl-pki.ts'

const folder = temporaryDirectory()
const openssl = opensslPki(folder.directory)
afterAll(() => folder.remove())

describeWith(['openssl'], 'registered certificates', () => {
  let fleet: Fleet
  let own: MadeCertificate
  /** What `openssl req -x509` makes of itself: CA:TRUE. */
  let careless: MadeCertificate
  let forged: MadeCertificate
  beforeAll(async () => {
    fleet = await testFleet()
    own = openssl('/CN=d1', { extensions: endEntity })
    careless = openssl('/CN=d2')
    forged = openssl('/CN=d1', { extensions: endEntity, issuer: careless })
    return () => fleet.close()
  })
  beforeAll(async () => {
    await fleet.register('d1', own.certificate, { owner: 'alice' })
    await fleet.register('d2', careless.der)
  })
  const identityOf = ({ certificate, privateKey }: MadeCertificate, deviceId: string): Partial<DeviceCredential> => ({
    ...{ certificate, privateKey, deviceId, chain: '' },
  })

  it('let their devices in, by all their octets or their fingerprint', async () => {
    const auth = createBrokerAuth({ fleet })
    const allowed = { result: 'allow', deviceId: 'd1', owner: 'alice', fingerprint: certificateFingerprint(own.der) }
    expect(await auth.authenticate({ clientId: 'd1', certificate: { der: own.der } })).toMatchObject(allowed)
    const { fingerprint } = allowed
    expect(await auth.authenticate({ clientId: 'd1', certificate: { fingerprint } })).toMatchObject(allowed)
    // One octet less, one changed: another certificate.
    for (const change of [0, 100, own.der.length - 1]) {
      const der = Buffer.from(own.der)
      der[change]! ^= 1
      expect((await auth.authenticate({ clientId: 'd1', certificate: { der } })).result).toBe('deny')
    }
  })

  it('are nobody’s but their device’s, whatever name they bear', async () => {
    const auth = createBrokerAuth({ fleet })
    const liar = openssl('/CN=d1', { extensions: endEntity })
    await fleet.register('d3', liar.der)
    const certificate = { der: liar.der }
    expect(await auth.authenticate({ clientId: 'd3', certificate, commonName: 'd1' })).toMatchObject({ deviceId: 'd3' })
    expect(await auth.authenticate({ clientId: 'd1', certificate, commonName: 'd1' })).toEqual({
      result: 'deny',
      reason: 'clientIdNotBound',
      deviceId: 'd3',
    })
    // The authorizer knows the name alone, which the device gave itself: the client id says whose session it is.
    const ask = { clientId: 'd3', deviceId: 'd1', action: 'publish' } as const
    expect(await auth.authorize({ ...ask, topic: 'devices/d3/x' })).toEqual({ result: 'allow' })
    for (const topic of ['users/alice/devices/d1/x', 'devices/d1/x']) {
      expect(await auth.authorize({ ...ask, topic })).toEqual({ result: 'deny', reason: 'topicNotAllowed' })
    }
  })

  it('must be those of the handshake, where a broker hands on a user name that a client may have written', async () => {
    const nameless = openssl('/O=Only Org', { extensions: endEntity })
    const several = openssl('/CN=d6/CN=x', { extensions: endEntity })
    const empty = openssl('/', { extensions: [...endEntity, 'subjectAltName=DNS:d7'] })
    for (const [deviceId, { der }] of [
      ['d5', nameless],
      ['d6', several],
      ['d7', empty],
    ] as const)
      await fleet.register(deviceId, der)
    const auth = createBrokerAuth({ fleet })
    const ask = async (deviceId: string, { der }: MadeCertificate, commonName: string, subject?: string) => {
      const names = { commonName, ...(subject === undefined ? {} : { subject }) }
      const decision = await auth.authenticate({ clientId: deviceId, certificate: { der }, ...names })
      return decision.result === 'allow' ? 'allow' : decision.reason
    }
    expect(await ask('d1', own, 'd1', 'CN=d1')).toBe('allow')
    expect(await ask('d5', nameless, '', 'O=Only Org')).toBe('allow')
    expect(await ask('d6', several, 'd6,x', 'CN=x,CN=d6')).toBe('allow')
    expect(await ask('d7', empty, '', '')).toBe('allow')
    // No handshake with a certificate, or with another one.
    expect(await ask('d1', own, '', '')).toBe('commonNameMismatch')
    expect(await ask('d1', own, 'd2', 'CN=d2')).toBe('commonNameMismatch')
    expect(await ask('d5', nameless, '', '')).toBe('commonNameMismatch')
    expect(await ask('d6', several, 'd6', 'CN=d6')).toBe('commonNameMismatch')
  })

  it('can be revoked, and stay so when they are registered again', async () => {
    const pinned = openssl('/CN=d4', { extensions: endEntity })
    await fleet.register('d4', pinned.der)
    await fleet.revoke('d4')
    expect(await fleet.register('d4', pinned.der)).toMatchObject({ status: 'revoked' })
    const auth = createBrokerAuth({ fleet })
    expect(await auth.authenticate({ clientId: 'd4', certificate: { der: pinned.der } })).toMatchObject({
      result: 'deny',
      reason: 'revoked',
    })
  })

  it('that can sign let nobody in through us whom they signed, in either dialect', async () => {
    for (const dialect of ['emqx5', 'emqx4'] as const) {
      const reasons: string[] = []
      const responder = createEmqxResponder(createBrokerAuth({ fleet }), {
        dialect,
        onDeny: ({ reason }) => reasons.push(reason),
      })
      const cert = Buffer.from(forged.der).toString('base64')
      const body =
        dialect === 'emqx5'
          ? { clientid: 'd1', cert_pem: cert, cert_common_name: 'd1', cert_subject: 'CN=d1' }
          : { clientid: 'd1', certificate: cert, common_name: 'd1', subject: 'CN=d1' }
      expect(await responder.authenticate('application/json', Buffer.from(JSON.stringify(body)))).toBe(responder.deny)
      expect(reasons).toEqual(['certificateUnknown'])
    }
  })

  it('that can sign let nobody in through aedes, whose TLS trusts them', async () => {
    const trust = brokerTrustFile({
      authorities: fleet.trustAnchors,
      pins: [
        { deviceId: 'd1', certificate: own.certificate },
        { deviceId: 'd2', certificate: careless.certificate },
      ],
      broker: 'asksWithCertificate',
    })
    await using broker = await startBroker({ fleet, tlsAuthorities: trust, keepFleet: true })
    const owner = await broker.connect(identityOf(own, 'd1'))
    const { topics, until } = inbox(owner)
    await owner.subscribeAsync('users/alice/devices/d1/#')
    await owner.publishAsync('users/alice/devices/d1/x', 'x', { qos: 1 })
    await until('users/alice/devices/d1/x')
    expect(topics).toEqual(['users/alice/devices/d1/x'])

    await expect(broker.connect(identityOf(forged, 'd1'))).rejects.toMatchObject({ code: 5 })
    expect(broker.denials).toEqual([expect.objectContaining({ reason: 'certificateUnknown', clientId: 'd1' })])
    expect(owner.connected).toBe(true)
    const second = await broker.connect(identityOf(careless, 'd2'))
    expect(second.connected).toBe(true)
  })

  it('that can sign, or bear another name, are refused for a broker that goes by names', () => {
    const forNames = (deviceId: string, certificate: string | Uint8Array) => () =>
      brokerTrustFile({ authorities: fleet.trustAnchors, pins: [{ deviceId, certificate }], broker: 'goesByName' })
    expect(forNames('d1', own.certificate)()).toBe(fleet.trustAnchors + own.certificate)
    expect(forNames('d2', careless.der)).toThrow('d2 can sign')
    expect(forNames('d9', own.certificate)).toThrow('another common name')
    const several = openssl('/CN=d1/CN=d2', { extensions: endEntity })
    expect(forNames('d1', several.certificate)).toThrow('another common name')
    const signing = openssl('/CN=d1', { extensions: ['keyUsage=critical,keyCertSign'] })
    expect(forNames('d1', signing.certificate)).toThrow('can sign')
    expect(forNames('d1', 'x')).toThrow()
    expect(() => brokerTrustFile({ authorities: 'x', broker: 'goesByName' })).toThrow(TypeError)
    expect(() => brokerTrustFile({ authorities: fleet.trustAnchors, broker: 'emqx' as never })).toThrow(TypeError)
  })
})
