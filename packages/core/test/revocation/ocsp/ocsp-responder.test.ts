import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  createOcspResponder,
  encodeCertId,
  encodeOcspRequest,
  type OcspAuthority,
  type OcspCertificateStatus,
  type OcspSigning,
  PkiError,
  parseCertificate,
  parseOcspResponse,
  verifyOcspResponse,
} from '@fleetcert/core'
import { type Certificate, type MessageSigner, softwareSigner } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'
import { createWatchedOcspResponder, type WatchedOcspResponder } from '../../../src/revocation/ocsp/ocsp-responder.ts'
import { noWatch } from '../../../src/revocation/ocsp/status-watch.ts'
import { openOcspFleet } from './ocsp-fleet.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
const good: OcspCertificateStatus = { certStatus: 'good' }

let issuer: Certificate
let now: Date
let records: Map<string, OcspCertificateStatus>
let asked: string[]
let authority: OcspAuthority & { signing: OcspAuthority['signing'] }
let signing: OcspSigning

/** A CA of somebody else's, whose own key signs. */
beforeEach(async () => {
  now = new Date('2026-11-21T12:00:00Z')
  const world = await openOcspFleet()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = softwareSigner(privateKey)
  // Only its name and key count.
  issuer = { ...world.issuingCa, subjectPublicKeyInfo: signer.publicKey }
  await world.fleet.close()
  records = new Map([['0a', good]])
  asked = []
  signing = { signer }
  authority = {
    issuer,
    signing: () => signing,
    async status(serialNumber) {
      asked.push(serialNumber)
      return records.get(serialNumber)
    },
  }
})

const requestFor = (serialNumber: string): Uint8Array => encodeOcspRequest([encodeCertId(issuer, serialNumber)])
const clock = (): Date => now

describe('createOcspResponder', () => {
  it('speaks for any CA, over any records', async () => {
    const responder = createOcspResponder({ authorities: [authority], clock, validitySeconds: 600 })
    const answer = await responder.answer(requestFor('0a'))
    expect(answer).toMatchObject({ responseStatus: 'successful', nextUpdate: new Date('2026-11-21T12:10:00Z') })
    const verdict = verifyOcspResponse(parseOcspResponse(answer.der), { issuer, serialNumber: '0a', at: now })
    expect(verdict).toMatchObject({ certStatus: 'good' })
    expect(await responder.answer(requestFor('0b'))).toMatchObject({ responseStatus: 'unauthorized' })
  })

  it('asks for the record each time, and gives the same answer again while it says the same', async () => {
    const responder = createOcspResponder({ authorities: [authority], clock })
    const first = await responder.answer(requestFor('0a'))
    expect(await responder.answer(requestFor('0a'))).toBe(first)
    expect(asked).toEqual(['0a', '0a'])
    const revocationDate = new Date('2026-11-21T11:00:00Z')
    const statuses: OcspCertificateStatus[] = [
      { certStatus: 'revoked', revocationDate },
      { certStatus: 'revoked', revocationDate, reason: 'superseded' },
      { certStatus: 'revoked', revocationDate: now, reason: 'superseded' },
      { certStatus: 'unknown' },
      good,
    ]
    let last = first
    for (const status of statuses) {
      records.set('0a', status)
      const answer = await responder.answer(requestFor('0a'))
      expect(answer).not.toBe(last)
      expect(parseOcspResponse(answer.der)).toMatchObject({ responses: [status] })
      expect(await responder.answer(requestFor('0a'))).toBe(answer)
      last = answer
    }
  })

  it('says nothing beyond the end of its own certificate', async () => {
    const { signer } = signing
    const notAfter = new Date('2026-11-21T12:00:30Z')
    signing = { signer, certificate: { der: (await openAndClose()).der, notAfter } }
    const responder = createOcspResponder({ authorities: [authority], clock })
    expect(await responder.answer(requestFor('0a'))).toMatchObject({ nextUpdate: notAfter })
    now = new Date('2026-11-21T12:00:31Z')
    expect(await responder.answer(requestFor('0a'))).toMatchObject({ responseStatus: 'tryLater' })
  })

  it('is unauthorized when nobody can sign any more', async () => {
    authority.signing = () => undefined
    const responder = createOcspResponder({ authorities: [authority], clock })
    expect(await responder.answer(requestFor('0a'))).toMatchObject({ responseStatus: 'unauthorized' })
  })

  it.each<[string, () => never, string]>([
    ['a store that is down', () => fail(new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'x' })), 'tryLater'],
    ['whatever else a database says', () => fail(new Error('ECONNREFUSED')), 'tryLater'],
    ['records that are damaged', () => fail(new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'x' })), 'internalError'],
    ['a defect', () => fail(new TypeError('x is not a function')), 'internalError'],
  ])('answers %s without a word about it', async (_, status, responseStatus) => {
    authority = { ...authority, status: async () => status() }
    const answer = await createOcspResponder({ authorities: [authority], clock }).answer(requestFor('0a'))
    expect(answer).toMatchObject({ responseStatus, cause: expect.any(Error) })
    expect(answer.der).toHaveLength(5)
  })

  it('gives out no signature of a signer that errs', async () => {
    const { signer } = signing
    const broken: MessageSigner = { ...signer, sign: async () => randomBytes(70) }
    const failing: MessageSigner = { ...signer, sign: () => Promise.reject(new Error('no token')) }
    for (const bad of [broken, failing]) {
      signing = { signer: bad }
      const answer = await createOcspResponder({ authorities: [authority], clock }).answer(requestFor('0a'))
      expect(answer).toMatchObject({ responseStatus: 'tryLater', cause: { code: 'ERR_PKI_SIGNER' } })
    }
  })

  it('finds out within some answers that a signer has begun to err', async () => {
    const { signer } = signing
    let isBroken = false
    signing = {
      signer: { ...signer, sign: async message => (isBroken ? randomBytes(70) : signer.sign(message)) },
    }
    const responder = createOcspResponder({ authorities: [authority], clock, cacheBytes: 0 })
    expect(await responder.answer(requestFor('0a'))).toMatchObject({ responseStatus: 'successful' })
    isBroken = true
    const found = new Set<string>()
    for (let count = 0; count < 1024; count += 1) found.add((await responder.answer(requestFor('0a'))).responseStatus)
    expect(found).toContain('tryLater')
  })

  it('wants somebody to speak for', () => {
    expect(() => createOcspResponder({ authorities: [] })).toThrow(TypeError)
  })
})

describe('memory', () => {
  const kept = (cacheBytes?: number): WatchedOcspResponder =>
    createWatchedOcspResponder({
      authorities: [{ ...authority, status: async () => good }],
      clock,
      watch: { ...noWatch, isFresh: () => true },
      ...(cacheBytes === undefined ? {} : { cacheBytes }),
    })

  /** Asks about certificates at random, and counts octets all the way. */
  async function askAtRandom(responder: WatchedOcspResponder, certificates: number, requests: number): Promise<number> {
    let most = 0
    for (let count = 0; count < requests; count += 1) {
      const serialNumber = Math.floor(Math.random() * certificates)
        .toString(16)
        .padStart(32, '0')
      const answer = await responder.answer(requestFor(`01${serialNumber.slice(2)}`))
      if (answer.responseStatus !== 'successful') throw new Error(answer.responseStatus)
      most = Math.max(most, responder.cachedBytes)
    }
    return most
  }

  it('for kept answers is bounded, whatever is asked', async () => {
    const bound = 256 * 1024
    const most = await askAtRandom(kept(bound), 10_000, 2000)
    expect(most).toBeLessThanOrEqual(bound)
    expect(most).toBeGreaterThan(bound - 2048)
  })

  it('keeps what is asked for again and again, and lets the rest go', async () => {
    const responder = kept(20 * 1024)
    const often = await responder.answer(requestFor('0a'))
    const once = await responder.answer(requestFor('0b'))
    for (let serial = 16; serial < 128; serial += 1) {
      await responder.answer(requestFor(serial.toString(16)))
      expect(await responder.answer(requestFor('0a'))).toBe(often)
    }
    expect(await responder.answer(requestFor('0b'))).not.toBe(once)
  })

  it('is given back when answers are dropped', async () => {
    const responder = createWatchedOcspResponder({ authorities: [authority], clock })
    await responder.answer(requestFor('0a'))
    expect(responder.cachedBytes).toBeGreaterThan(1000)
    responder.forget(authority, '0a')
    expect([responder.cachedBytes, responder.cachedAnswers]).toEqual([0, 0])
    await responder.answer(requestFor('0a'))
    responder.forgetAll()
    expect([responder.cachedBytes, responder.cachedAnswers]).toEqual([0, 0])
    const none = createWatchedOcspResponder({ authorities: [authority], clock, cacheBytes: 100 })
    await none.answer(requestFor('0a'))
    expect(none.cachedAnswers, 'larger than all the room').toBe(0)
  })

  // What the process holds, too: the octets that are counted are about those that there are.
  it.runIf(isLong)('at a million certificates asked at random is flat', { timeout: 600_000 }, async () => {
    const bound = 32 * 1024 * 1024
    const responder = kept(bound)
    const begin = await heldBytes()
    const held: number[] = []
    for (let round = 0; round < 5; round += 1) {
      expect(await askAtRandom(responder, 1_000_000, 100_000)).toBeLessThanOrEqual(bound)
      held.push((await heldBytes()) - begin)
    }
    const shown = held.map(bytes => Math.round(bytes / 2 ** 20))
    console.info(
      `OCSP at random: MiB held after each 100,000 requests ${shown}, ${responder.cachedAnswers} answers kept`,
    )
    expect(Math.max(...held)).toBeLessThan(1.5 * bound)
    expect(held[4]! - held[0]!).toBeLessThan(4 * 1024 * 1024)
  })
})

async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What buffers held is given back a moment later.
  for (let time = 0; time < 3; time += 1) {
    collect()
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function fail(error: Error): never {
  throw error
}

/** Some certificate. */
async function openAndClose(): Promise<Certificate> {
  const { fleet } = await openOcspFleet()
  const { certificate } = await fleet.enroll('sensor-1')
  await fleet.close()
  return parseCertificate(certificate)
}
