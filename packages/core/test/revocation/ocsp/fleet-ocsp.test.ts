import { randomBytes } from 'node:crypto'
import {
  encodeCertId,
  encodeOcspRequest,
  type Fleet,
  type FleetWarning,
  type Keyring,
  memoryKeyring,
  PkiError,
  parseCertificate,
  parseOcspResponse,
} from '@fleetcert/core'
import { encodeCertIdIssuer, encodeExtension, extensionOids, ocspOids } from '@fleetcert/x509'
import { bitString, context, integer, octetString, sequence } from '@fleetcert/x509/der'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hexOf, type OcspFleet, openOcspFleet, responderOf } from './ocsp-fleet.ts'

let world: OcspFleet
let fleet: Fleet
beforeEach(async () => {
  // The time that nobody sets, by which a revocation of another process is heard of, stands still, too.
  vi.useFakeTimers({ toFake: ['performance'] })
  world = await openOcspFleet()
  ;({ fleet } = world)
})
afterEach(async () => {
  world.before = () => {}
  await fleet.close()
  vi.useRealTimers()
})

describe('what was issued', () => {
  it.each(['sha256', 'sha1'] as const)('is good, asked for with %s', async hash => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const answer = await world.ask(serialNumber, { hash })
    expect(answer).toMatchObject({
      responseStatus: 'successful',
      thisUpdate: new Date('2026-11-21T12:00:00Z'),
      nextUpdate: new Date('2026-11-21T13:00:00Z'),
      hasNonce: false,
    })
    const response = parseOcspResponse(answer.der)
    expect(response).toMatchObject({ producedAt: new Date('2026-11-21T12:00:00Z'), extensions: [] })
    expect(world.judge(answer, serialNumber)).toMatchObject({ certStatus: 'good', extensions: [] })
  })

  it('is good, asked for without parameters of the hash, and the answer repeats the words of the question', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const issuer = encodeCertIdIssuer(world.issuingCa, 'sha1', { parameters: false })
    const certId = sequence(issuer, integer(Buffer.from(serialNumber, 'hex')))
    const answer = await fleet.ocsp(encodeOcspRequest([certId]))
    const verdict = world.judge(answer, serialNumber)
    expect(verdict).toMatchObject({ certStatus: 'good', certId: { der: certId } })
  })

  it('is good when it is superseded or expired, which no OCSP client asks about', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1', { validitySeconds: 86_400 })
    await fleet.renew('sensor-1', { overlapSeconds: 0 })
    expect(await world.statusOf(serialNumber)).toBe('good')
    world.later(2 * 86_400)
    expect(await world.statusOf(serialNumber)).toBe('good')
  })

  it('is revoked with its reason and time', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    world.later(60)
    await fleet.revoke('sensor-1', { reason: 'keyCompromise' })
    world.later(60)
    expect(world.judge(await world.ask(serialNumber), serialNumber)).toMatchObject({
      certStatus: 'revoked',
      reason: 'keyCompromise',
      revocationDate: new Date('2026-11-21T12:01:00Z'),
      thisUpdate: new Date('2026-11-21T12:02:00Z'),
    })
  })

  it('does not say that a reason is unspecified', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1')
    expect(await world.statusOf(serialNumber)).toBe('revoked')
  })

  it('is held, released, and revoked for good', async () => {
    const { serialNumber, fingerprint } = await fleet.enroll('sensor-1')
    const seen = [await world.statusOf(serialNumber)]
    await fleet.revoke({ fingerprint }, { reason: 'certificateHold' })
    seen.push(await world.statusOf(serialNumber))
    await fleet.release({ fingerprint })
    seen.push(await world.statusOf(serialNumber))
    await fleet.revoke('sensor-1', { reason: 'cessationOfOperation' })
    seen.push(await world.statusOf(serialNumber))
    expect(seen).toEqual(['good', 'revoked certificateHold', 'good', 'revoked cessationOfOperation'])
  })
})

describe('what was not issued is never good', () => {
  it('a pinned certificate, also when it says that our CA issued it, and when it is revoked', async () => {
    const { certificate } = await fleet.enroll('sensor-1')
    const { der } = parseCertificate(certificate)
    const id = { issuerKeyId: (await issuerKeyIds(fleet)).issuingCa, serialNumber: '0a0b0c' }
    const at = world.now
    await world.store.register(
      {
        id,
        role: 'device',
        profile: 'device',
        deviceId: 'stranger',
        publicKeyHash: new Uint8Array(32),
        fingerprint: new Uint8Array(32).fill(1),
        der,
        notBefore: at,
        notAfter: new Date(at.getTime() + 86_400_000),
        shard: 0,
        createdAt: at,
      },
      [{ type: 'registered', at, certificate: id, deviceId: 'stranger' }],
    )
    expect(await world.statusOf('0a0b0c')).toBe('unauthorized')
    await fleet.revoke(id)
    expect(await world.statusOf('0a0b0c')).toBe('unauthorized')
  })

  it('a serial number without a record', async () => {
    expect(await world.statusOf('0102030405060708090a0b0c0d0e0f10')).toBe('unauthorized')
  })

  it.each(['00', '80'])('a serial number that nobody draws: INTEGER %s', async hex => {
    const certId = sequence(encodeCertIdIssuer(world.issuingCa, 'sha256'), Buffer.from(`0201${hex}`, 'hex'))
    expect(await fleet.ocsp(encodeOcspRequest([certId]))).toMatchObject({ responseStatus: 'unauthorized' })
  })

  it('a certificate of another CA', async () => {
    const other = await openOcspFleet()
    const { serialNumber } = await other.fleet.enroll('sensor-1')
    expect(await fleet.ocsp(other.request(serialNumber))).toMatchObject({ responseStatus: 'unauthorized' })
    await other.fleet.close()
  })

  it('an issuer under a hash that is not known', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const certId = Buffer.from(encodeCertId(world.issuingCa, serialNumber))
    // 2.16.840.1.101.3.4.2.1 becomes …2.9.
    certId[certId.indexOf('608648016503040201', 0, 'hex') + 8] = 9
    expect(await fleet.ocsp(encodeOcspRequest([certId]))).toMatchObject({ responseStatus: 'unauthorized' })
  })

  it.each(['reserved', 'abandoned'])(
    'a certificate that may have been signed and was given to nobody: %s',
    async state => {
      let serialNumber = ''
      world.before = name => {
        if (name === 'commit') throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
        if (name === 'abandon' && state === 'reserved') throw new Error('simulated')
      }
      await fleet.enroll('sensor-1').catch(() => {})
      world.before = () => {}
      for await (const record of fleet.pending()) {
        ;({ serialNumber } = record.id)
        expect(record.state).toBe(state)
      }
      expect(await world.statusOf(serialNumber)).toBe('unauthorized')
      await fleet.revoke({ issuerKeyId: (await issuerKeyIds(fleet)).issuingCa, serialNumber }, { reason: 'superseded' })
      expect(await world.statusOf(serialNumber)).toBe('revoked superseded')
    },
  )
})

describe('the nonce', () => {
  it.each([1, 16, 23, 32, 128])('of %i octets is echoed, in an answer of its own', async length => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    await world.ask(serialNumber)
    const nonce = randomBytes(length)
    const answer = await world.ask(serialNumber, { nonce })
    expect(answer).toMatchObject({ responseStatus: 'successful', hasNonce: true })
    expect(world.judge(answer, serialNumber, { nonce })).toMatchObject({ certStatus: 'good' })
    expect(() => world.judge(answer, serialNumber, { nonce: randomBytes(length + 1) })).toThrow(/nonce/)
    const without = await world.ask(serialNumber)
    expect(parseOcspResponse(without.der)).toMatchObject({ extensions: [], nonce: undefined })
  })

  it.each([0, 129, 1000])('of %i octets is malformed', async length => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const nonce = encodeExtension(ocspOids.nonce, false, octetString(new Uint8Array(length)))
    const certIds = sequence(sequence(encodeCertId(world.issuingCa, serialNumber)))
    const request = sequence(sequence(certIds, context(2, true, sequence(nonce))))
    expect(hexOf(await fleet.ocsp(request))).toBe('30030a0101')
  })
})

describe('several certificates in one request', () => {
  it('are answered one by one, in order', async () => {
    const serials = []
    for (let index = 0; index < 5; index += 1) serials.push((await fleet.enroll(`sensor-${index}`)).serialNumber)
    await fleet.revoke('sensor-3', { reason: 'superseded' })
    const answer = await fleet.ocsp(world.request(serials))
    const response = parseOcspResponse(answer.der)
    expect(response).toMatchObject({
      responses: serials.map((serialNumber, index) => ({
        certId: { serialNumber },
        certStatus: index === 3 ? 'revoked' : 'good',
      })),
    })
    expect(world.judge(answer, serials[3]!)).toMatchObject({ certStatus: 'revoked', reason: 'superseded' })
  })

  it('are answered once each', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const sha1 = encodeCertId(world.issuingCa, serialNumber, 'sha1')
    const sha256 = encodeCertId(world.issuingCa, serialNumber)
    const answer = await fleet.ocsp(encodeOcspRequest([sha1, sha256, sha1, sha256]))
    expect(parseOcspResponse(answer.der)).toMatchObject({
      responses: [{ certId: { der: sha1 } }, { certId: { der: sha256 } }],
    })
  })

  it('are unauthorized if there is no record of one, or if they are of two CAs', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    expect(await fleet.ocsp(world.request([serialNumber, '0a0b']))).toMatchObject({ responseStatus: 'unauthorized' })
    const certIds = [
      encodeCertId(world.issuingCa, serialNumber),
      encodeCertId(world.root, world.issuingCa.serialNumber),
    ]
    expect(await fleet.ocsp(encodeOcspRequest(certIds))).toMatchObject({ responseStatus: 'unauthorized' })
  })

  it('are refused when they are ten thousand, or a hundred and one, before anybody is asked', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    world.calls.length = 0
    for (const count of [101, 10_000]) {
      const answer = await fleet.ocsp(world.request(Array.from({ length: count }, () => serialNumber)))
      expect(hexOf(answer)).toBe('30030a0101')
    }
    expect(world.calls).toEqual([])
    const hundred = await fleet.ocsp(world.request(Array.from({ length: 100 }, () => serialNumber)))
    expect(world.judge(hundred, serialNumber)).toMatchObject({ certStatus: 'good' })
  })
})

describe('requests that are out of the ordinary', () => {
  const extension = (critical: boolean) => encodeExtension('1.3.6.1.4.1.55555.1', critical, sequence())
  let certId: Uint8Array
  let serialNumber: string
  beforeEach(async () => {
    ;({ serialNumber } = await fleet.enroll('sensor-1'))
    certId = encodeCertId(world.issuingCa, serialNumber)
  })

  it.each<[string, () => Uint8Array]>([
    ['nothing', () => new Uint8Array()],
    ['text', () => Buffer.from('GET / HTTP/1.1')],
    ['a mebibyte', () => new Uint8Array(1024 * 1024)],
    ['no certificate', () => sequence(sequence(sequence()))],
    ['octets behind the end', () => Buffer.concat([world.request(serialNumber), Buffer.of(0)])],
    ['cut short', () => world.request(serialNumber).subarray(0, 60)],
    ['a version of its own', () => sequence(sequence(context(0, true, integer(1)), sequence(sequence(certId))))],
    [
      'a critical extension',
      () => sequence(sequence(sequence(sequence(certId)), context(2, true, sequence(extension(true))))),
    ],
    [
      'a critical extension of one certificate',
      () => sequence(sequence(sequence(sequence(certId, context(0, true, sequence(extension(true))))))),
    ],
  ])('%s: malformed', async (_, make) => {
    const answer = await fleet.ocsp(make())
    expect(hexOf(answer)).toBe('30030a0101')
    expect(answer).toEqual({ responseStatus: 'malformedRequest', der: answer.der })
  })

  it.each<[string, () => Uint8Array]>([
    [
      'an extension that is not critical',
      () => sequence(sequence(sequence(sequence(certId)), context(2, true, sequence(extension(false))))),
    ],
    [
      'an extension of one certificate',
      () => sequence(sequence(sequence(sequence(certId, context(0, true, sequence(extension(false))))))),
    ],
    [
      'what kinds of answers it takes, critically',
      () =>
        sequence(
          sequence(
            sequence(sequence(certId)),
            context(2, true, sequence(encodeExtension(ocspOids.acceptableResponses, true, sequence()))),
          ),
        ),
    ],
    [
      'a name of who asks',
      () => sequence(sequence(context(1, true, context(6, false, Buffer.from('urn:x'))), sequence(sequence(certId)))),
    ],
    [
      'a signature',
      () =>
        sequence(sequence(sequence(sequence(certId))), context(0, true, sequence(sequence(), bitString(Buffer.of(1))))),
    ],
  ])('%s: answered', async (_, make) => {
    expect(world.judge(await fleet.ocsp(make()), serialNumber)).toMatchObject({ certStatus: 'good' })
  })

  it('no octets at all: a mistake of the caller', async () => {
    await expect(fleet.ocsp('30' as never)).rejects.toBeInstanceOf(TypeError)
  })

  it('an abort: rejected', async () => {
    const reason = new Error('enough')
    await expect(fleet.ocsp(world.request(serialNumber), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('after the end: rejected', async () => {
    await fleet.close()
    await expect(fleet.ocsp(world.request(serialNumber))).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
  })
})

describe("the responder's certificate", () => {
  it('is issued directly by the CA, for OCSPSigning alone, short-lived, on record, and says nothing of its own revocation', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const responder = responderOf(await world.ask(serialNumber))
    expect(responder.issuerDer).toEqual(world.issuingCa.subjectDer)
    expect(responder.extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.9'])
    const oids = responder.extensions.map(({ oid }) => oid)
    expect(oids).toContain(extensionOids.ocspNoCheck)
    expect(oids).not.toContain(extensionOids.authorityInfoAccess)
    expect(oids).not.toContain(extensionOids.crlDistributionPoints)
    expect(responder.notAfter.toISOString()).toBe('2026-11-28T11:59:59.000Z')
    expect(await world.statusOf(responder.serialNumber)).toBe('good')
    const record = await world.store.certificate({
      issuerKeyId: (await issuerKeyIds(fleet)).issuingCa,
      serialNumber: responder.serialNumber,
    })
    expect(record).toMatchObject({ role: 'ocspResponder', state: 'issued', der: responder.der })
  })

  it('is made once, however many ask at once', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => world.ask(serialNumber, { nonce: randomBytes(32) })),
    )
    expect(new Set(answers.map(answer => responderOf(answer).serialNumber)).size).toBe(1)
  })

  it('is renewed when half of its life is over, and nobody waits for that', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const serialNow = async () => responderOf(await world.ask(serialNumber, { nonce: randomBytes(8) })).serialNumber
    const first = await serialNow()
    world.later(3 * 86_400)
    expect(await serialNow()).toBe(first)
    world.later(86_400)
    const renewal = gate()
    world.before = name => (name === 'reserve' ? renewal.passed : undefined)
    expect(await serialNow()).toBe(first)
    renewal.open()
    await vi.waitFor(async () => expect(await serialNow()).not.toBe(first))
    expect(await world.statusOf(serialNumber)).toBe('good')
  })

  it('serves on to its end when it cannot be renewed, and then it is "try later"', async () => {
    const issuing = awayKeyring()
    await fleet.close()
    const warnings: FleetWarning[] = []
    world = await openOcspFleet({
      keyring: { root: memoryKeyring(), issuing },
      onWarning: warning => void warnings.push(warning),
    })
    ;({ fleet } = world)
    const { serialNumber } = await fleet.enroll('sensor-1')
    expect(await world.statusOf(serialNumber)).toBe('good')
    // A process that has its responder goes on; one that comes now has none.
    issuing.isAway = true
    const late = await world.open()
    expect(await late.ocsp(world.request(serialNumber))).toMatchObject({
      responseStatus: 'tryLater',
      cause: { code: 'ERR_PKI_KEY_MISSING' },
    })
    world.before = name => {
      if (name === 'reserve') throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
    }
    world.later(5 * 86_400)
    expect(await world.statusOf(serialNumber)).toBe('good')
    await vi.waitFor(() => expect(warnings).toHaveLength(1))
    expect(warnings[0]).toMatchObject({
      type: 'ocspResponderNotRenewed',
      error: { code: 'ERR_PKI_STORE_UNAVAILABLE' },
      nextUpdate: new Date('2026-11-28T11:59:59Z'),
    })
    await world.ask(serialNumber)
    expect(warnings, 'not at each answer').toHaveLength(1)
    world.later(2 * 86_400 - 600)
    const answer = await world.ask(serialNumber)
    // Not beyond the end of the certificate.
    expect(answer).toMatchObject({ nextUpdate: new Date('2026-11-28T11:59:59Z') })
    world.later(600)
    expect(await world.ask(serialNumber)).toMatchObject({
      responseStatus: 'tryLater',
      cause: { code: 'ERR_PKI_STORE_UNAVAILABLE' },
    })
    world.before = () => {}
    expect(await world.statusOf(serialNumber)).toBe('good')
    await late.close()
  })

  it('is made anew when the clock has jumped, and nothing is said by a clock that is behind', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const first = responderOf(await world.ask(serialNumber))
    const { now } = world
    world.later(30 * 86_400)
    const second = responderOf(await world.ask(serialNumber))
    expect(second.serialNumber).not.toBe(first.serialNumber)
    world.now = now
    expect(await world.ask(serialNumber)).toMatchObject({
      responseStatus: 'tryLater',
      cause: { code: 'ERR_PKI_CLOCK' },
    })
  })

  it('is given up when it is revoked, also where every request has a nonce', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const responder = responderOf(await world.ask(serialNumber, { nonce: randomBytes(8) }))
    const { issuingCa: issuerKeyId } = await issuerKeyIds(fleet)
    const other = await world.open()
    await other.revoke({ issuerKeyId, serialNumber: responder.serialNumber })
    vi.advanceTimersByTime(500)
    const next = responderOf(await world.ask(serialNumber, { nonce: randomBytes(8) }))
    expect(next.serialNumber).not.toBe(responder.serialNumber)
    await other.close()
  })

  it('is given up when it is revoked, with all that it has signed', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const answer = await world.ask(serialNumber)
    const responder = responderOf(answer)
    const { issuingCa: issuerKeyId } = await issuerKeyIds(fleet)
    await fleet.revoke({ issuerKeyId, serialNumber: responder.serialNumber }, { reason: 'keyCompromise' })
    const next = await world.ask(serialNumber)
    expect(next).not.toBe(answer)
    expect(responderOf(next).serialNumber).not.toBe(responder.serialNumber)
  })
})

describe("the issuing CA's own certificate", () => {
  const request = () => encodeOcspRequest([encodeCertId(world.root, world.issuingCa.serialNumber)])

  it('is answered by a responder of the root while the root’s key is at hand', async () => {
    const answer = await fleet.ocsp(request())
    expect(world.judge(answer, world.issuingCa.serialNumber, { issuer: world.root })).toMatchObject({
      certStatus: 'good',
    })
    expect(responderOf(answer).issuerDer).toEqual(world.root.subjectDer)
  })

  it('is nobody’s business here when it is away', async () => {
    const root = awayKeyring()
    await fleet.close()
    world = await openOcspFleet({ keyring: { root, issuing: memoryKeyring() } })
    ;({ fleet } = world)
    root.isAway = true
    const late = await world.open()
    expect(await late.ocsp(request())).toMatchObject({ responseStatus: 'unauthorized' })
    await late.close()
  })
})

describe('answers that are kept', () => {
  it('are given out again, the same object, without asking the store', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const answer = await world.ask(serialNumber)
    await world.ask(serialNumber)
    world.calls.length = 0
    expect(await world.ask(serialNumber)).toBe(answer)
    expect(world.calls).toEqual([])
  })

  it('until a quarter of their validity is left', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const answer = await world.ask(serialNumber)
    world.later(2699)
    expect(await world.ask(serialNumber)).toBe(answer)
    world.later(1)
    const next = await world.ask(serialNumber)
    expect(next).toMatchObject({ thisUpdate: new Date('2026-11-21T12:45:00Z') })
  })

  it('not when the clock has gone back before them', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    world.later(4)
    const answer = await world.ask(serialNumber)
    world.later(-3)
    const next = await world.ask(serialNumber)
    expect(next).not.toBe(answer)
    expect(next).toMatchObject({ thisUpdate: new Date('2026-11-21T12:00:01Z') })
  })

  it('are dropped at once by a revocation in this process, and that of their certificate alone', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const other = await fleet.enroll('sensor-2')
    const kept = await world.ask(other.serialNumber)
    for (const hash of ['sha1', 'sha256'] as const) await world.ask(serialNumber, { hash })
    await fleet.revokeAll({ deviceIds: ['sensor-1'] }, { reason: 'superseded' })
    for (const hash of ['sha1', 'sha256'] as const) {
      expect(world.judge(await world.ask(serialNumber, { hash }), serialNumber)).toMatchObject({
        certStatus: 'revoked',
      })
    }
    expect(await world.ask(other.serialNumber)).toBe(kept)
  })

  it('are dropped by a revocation that comes while the ledger is being read', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const other = await fleet.enroll('sensor-2')
    for (const asked of [serialNumber, other.serialNumber]) await world.ask(asked)
    vi.advanceTimersByTime(500)
    const read = gate()
    const revoked = gate()
    world.after = async name => {
      if (name !== 'ledger') return
      read.open()
      await revoked.passed
    }
    const slow = world.ask(other.serialNumber)
    await read.passed
    world.after = () => {}
    await fleet.revoke('sensor-1', { reason: 'superseded' })
    revoked.open()
    expect(world.judge(await slow, other.serialNumber)).toMatchObject({ certStatus: 'good' })
    expect(await world.statusOf(serialNumber)).toBe('revoked superseded')
  })

  it('are dropped within half a second by a revocation of another process', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const answer = await world.ask(serialNumber)
    expect(await world.ask(serialNumber)).toBe(answer)
    const other = await world.open()
    await other.revoke('sensor-1', { reason: 'cessationOfOperation' })
    vi.advanceTimersByTime(499)
    expect(await world.ask(serialNumber), 'nobody has told yet').toBe(answer)
    vi.advanceTimersByTime(1)
    expect(await world.statusOf(serialNumber)).toBe('revoked cessationOfOperation')
    await other.close()
  })

  it('are all dropped when what happened meanwhile is not known any more', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const other = await fleet.enroll('sensor-2')
    const kept = await world.ask(other.serialNumber)
    const answer = await world.ask(serialNumber)
    expect(await world.ask(serialNumber)).toBe(answer)
    const second = await world.open()
    await second.revoke('sensor-1', { reason: 'superseded' })
    world.later(1)
    await second.enroll('sensor-3')
    await world.store.prune({ ledgerBefore: world.now }, 1000)
    vi.advanceTimersByTime(500)
    expect(await world.statusOf(serialNumber)).toBe('revoked superseded')
    expect(await world.ask(other.serialNumber)).not.toBe(kept)
    await second.close()
  })

  it('are not given out while the store is down, half a second after it was last heard of', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    await world.ask(serialNumber)
    await world.ask(serialNumber)
    world.before = () => {
      throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
    }
    vi.advanceTimersByTime(500)
    const answer = await world.ask(serialNumber)
    expect(answer).toMatchObject({ responseStatus: 'tryLater', cause: { code: 'ERR_PKI_STORE_UNAVAILABLE' } })
    expect(hexOf(answer)).toBe('30030a0103')
  })

  it('are given out while a long ledger is read, as long as the record says the same', async () => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const answer = await world.ask(serialNumber)
    await world.ask(serialNumber)
    // More than is read at once.
    const events = Array.from({ length: 2500 }, () => ({ type: 'settingsChanged', at: world.now }) as const)
    await world.store.putDocument('other', new Uint8Array(1), 0, events)
    vi.advanceTimersByTime(500)
    world.calls.length = 0
    expect(await world.ask(serialNumber)).toBe(answer)
    expect(world.calls).toContain('certificateStatus')
    // Nobody waits for the rest of it.
    world.calls.length = 0
    expect(await world.ask(serialNumber)).toBe(answer)
    expect(world.calls).toEqual(['certificateStatus'])
    vi.advanceTimersByTime(100)
    world.calls.length = 0
    expect(await world.ask(serialNumber)).toBe(answer)
    expect(world.calls).toEqual(['ledger', 'ledger'])
  })

  it.each([
    ['nobody has asked meanwhile', false],
    ['the ledger has been read meanwhile', true],
  ])('never hold what was read before a revocation and signed after it: %s', async (_, isRead) => {
    const { serialNumber } = await fleet.enroll('sensor-1')
    const other = await fleet.enroll('sensor-2')
    await world.ask(other.serialNumber)
    const read = gate()
    const revoked = gate()
    world.after = async name => {
      if (name !== 'certificateStatus') return
      read.open()
      await revoked.passed
    }
    const early = world.ask(serialNumber)
    await read.passed
    world.after = () => {}
    await fleet.revoke('sensor-1', { reason: 'superseded' })
    if (isRead) await world.ask(other.serialNumber)
    revoked.open()
    expect(world.judge(await early, serialNumber)).toMatchObject({ certStatus: 'good' })
    expect(await world.statusOf(serialNumber)).toBe('revoked superseded')
  })

  it('are none with `cacheBytes: 0`', async () => {
    const open = await world.open({ ocsp: { cacheBytes: 0, validitySeconds: 60 } })
    const { serialNumber } = await open.enroll('sensor-1')
    const first = await open.ocsp(world.request(serialNumber))
    expect(first).toMatchObject({ nextUpdate: new Date('2026-11-21T12:01:00Z') })
    expect(await open.ocsp(world.request(serialNumber))).not.toBe(first)
    await open.close()
  })

  it.each([
    { validitySeconds: 59 },
    { validitySeconds: 604_801 },
    { validitySeconds: Number.NaN },
    { cacheBytes: -1 },
    { cacheBytes: 1.5 },
  ])('and not with options out of range: %j', async ocsp => {
    await expect(world.open({ ocsp })).rejects.toBeInstanceOf(RangeError)
  })
})

async function issuerKeyIds(open: Fleet): Promise<Record<'root' | 'issuingCa', string>> {
  const found: Record<string, string> = {}
  for await (const { role, issuerKeyId } of open.issuers()) found[role] = issuerKeyId
  return found as Record<'root' | 'issuingCa', string>
}

/** Something to wait for. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {}
  const passed = new Promise<void>(resolve => {
    open = resolve
  })
  return { passed, open }
}

/** A keyring that can be taken away. */
function awayKeyring(): Keyring & { isAway: boolean } {
  const keyring = memoryKeyring()
  const self: Keyring & { isAway: boolean } = {
    ...keyring,
    isAway: false,
    open: async name => (self.isAway ? undefined : keyring.open(name)),
  }
  return self
}
