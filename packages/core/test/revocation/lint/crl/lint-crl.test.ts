import {
  type CrlReason,
  encodePem,
  type KeyAlgorithm,
  lintCrl,
  memoryKeyring,
  memoryStore,
  openFleet,
  revocationReasons,
  type Store,
} from '@fleetcert/core'
import { isPkiError, PkiError, parseCrl } from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'
import { countingOctets } from '../../../../../x509/test/support/counting-octets.ts'
import { mutate, seededRandom } from '../../../../../x509/test/support/random.ts'
import { describeVectors } from '../../../../../x509/test/support/vectors.ts'
import { assertCrlLint } from '../../../../src/revocation/lint/crl/assert-crl-lint.ts'
import { ca } from '../../../authority/lint/cases/build-certificate.ts'
import {
  certificateList,
  entryWith,
  issuerDer,
  issuerOf,
  reason,
  revoked,
  tbsCertList,
  withExtensions,
} from './build-crl.ts'

const rulesOf = (crl: Uint8Array, options?: Parameters<typeof lintCrl>[1]) =>
  lintCrl(crl, options).map(({ rule }) => rule)
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => revoked(`7f${(index + 1).toString(16).padStart(30, '0')}`))

describe.each<KeyAlgorithm>(['P-256', 'P-384', 'Ed25519', 'RSA-2048'])('a fleet whose CAs have %s keys', algorithm => {
  it.each([{ publish: { baseUrl: 'http://pki.example' } }, {}])(
    'makes CRLs without findings, empty ones and with all reasons: %o',
    async options => {
      const keyring = memoryKeyring()
      let now = new Date('2026-03-01T12:00:00.250Z')
      const fleet = await openFleet({
        store: memoryStore(),
        keyring: { ...keyring, create: name => keyring.create(name, algorithm) },
        ...options,
        background: false,
        clock: () => now,
      })
      const checkAll = async (entries: number): Promise<void> => {
        for await (const { role, certificate, issuerKeyId } of fleet.issuers()) {
          const { der, pem } = await fleet.crl({ issuerKeyId })
          expect(lintCrl(der, { issuer: certificate }), role).toEqual([])
          expect(lintCrl(pem, { issuer: certificate }), role).toEqual([])
          // Nothing found must not mean nothing looked at.
          expect(rulesOf(der, { issuer: issuerDer(ca()) })).toContain('crl-issuer-name-copied')
          if (role === 'issuingCa') expect(countEntries(der)).toBe(entries)
        }
      }
      await checkAll(0)
      const reasons: readonly CrlReason[] = revocationReasons
      for (const [index, reason] of reasons.entries()) {
        await fleet.enroll(`d-${index}`)
        const invalidityDate = new Date('2026-02-03T04:05:06Z')
        await fleet.revoke(`d-${index}`, index % 2 === 0 ? { reason } : { reason, invalidityDate })
      }
      now = new Date('2026-03-01T12:01:00Z')
      await checkAll(reasons.length)
      await fleet.close()
    },
  )
})

it('makes shards and delta CRLs without findings, holds and releases in them', async () => {
  let now = new Date('2026-03-01T12:00:00.250Z')
  const fleet = await openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    publish: { baseUrl: 'http://pki.example' },
    crl: { shards: 3, delta: true },
    background: false,
    clock: () => now,
  })
  const found = new Set<string>()
  const checkAll = async (): Promise<void> => {
    now = new Date(now.getTime() + 60_000)
    for await (const { certificate, issuerKeyId, role } of fleet.issuers()) {
      for (const shard of role === 'root' ? [0] : [0, 1, 2]) {
        const full = await fleet.crl({ issuerKeyId, shard })
        expect(lintCrl(full.der, { issuer: certificate })).toEqual([])
        if (role === 'root') continue
        const delta = await fleet.crl({ issuerKeyId, shard, delta: true })
        expect(lintCrl(delta.der, { issuer: certificate })).toEqual([])
        for (const { reason = 'none' } of parseCrl(delta.der).entries) found.add(reason)
      }
    }
  }
  await checkAll()
  for (let index = 0; index < 12; index++) await fleet.enroll(`d-${index}`)
  for (let index = 0; index < 6; index++) await fleet.revoke(`d-${index}`, { reason: 'certificateHold' })
  for (let index = 6; index < 12; index++) await fleet.revoke(`d-${index}`, { reason: 'superseded' })
  await checkAll()
  for (let index = 0; index < 6; index++) await fleet.release(`d-${index}`)
  await checkAll()
  expect([...found].sort()).toEqual(['certificateHold', 'removeFromCRL', 'superseded'])
  await fleet.close()
})

it('does not publish a CRL with an entry that breaks a rule; the one before stays', async () => {
  const real = memoryStore()
  let isBroken = false
  const store: Store = {
    ...real,
    async crlEntries(...request) {
      const page = await real.crlEntries(...request)
      return isBroken ? { ...page, entries: entryWith(reason(0)) } : page
    },
  }
  const warnings: unknown[] = []
  const fleet = await openFleet({
    store,
    keyring: memoryKeyring(),
    background: false,
    onWarning: ({ type, error }) => warnings.push([type, error]),
  })
  const { der } = await fleet.crl()
  await fleet.enroll('d')
  await fleet.revoke('d')
  isBroken = true
  const kept = await fleet.crl()
  expect(kept.upToDate).toBe(false)
  expect(Buffer.from(kept.der)).toEqual(Buffer.from(der))
  const findings = ['crl-entry-reason-not-unspecified: entry 1: reasonCode is unspecified']
  expect(warnings).toEqual([['crlOutdated', expect.objectContaining({ code: 'ERR_PKI_LINT', details: { findings } })]])
  isBroken = false
  const next = await fleet.crl()
  expect([next.upToDate, parseCrl(next.der).entries.length]).toEqual([true, 1])
  await fleet.close()
})

it('rejects with the findings where there is no CRL before', async () => {
  const real = memoryStore()
  const crlEntries: Store['crlEntries'] = async (...request) => {
    const page = await real.crlEntries(...request)
    return { ...page, entries: entryWith(reason(0)) }
  }
  await expect(
    openFleet({ store: { ...real, crlEntries }, keyring: memoryKeyring(), background: false }),
  ).rejects.toMatchObject({
    code: 'ERR_PKI_LINT',
    details: { findings: ['crl-entry-reason-not-unspecified: entry 1: reasonCode is unspecified'] },
  })
})

/** How many entries a CRL of that month has, by its octets. */
function countEntries(der: Uint8Array): number {
  let count = 0
  const text = Buffer.from(der).toString('latin1')
  // revocationDate: UTCTime of 13 characters of the year 2026, in thisUpdate and nextUpdate too.
  for (const _ of text.matchAll(/\x17\x0d26030\d/g)) count++
  return count - 2
}

describe('lintCrl', () => {
  it('looks at a sample of the entries, and at the frames of all', () => {
    const entries = [...many(500), entryWith(reason(0)), ...many(1000).slice(500)]
    const der = certificateList({ entries })
    expect(rulesOf(der)).toEqual(['crl-entry-reason-not-unspecified'])
    expect(lintCrl(der)[0]!.message).toBe('entry 501: reasonCode is unspecified')
    expect(rulesOf(der, { sampleEntries: 10 })).toEqual([])
    // The first and the last are in every sample.
    for (const edge of [
      [entryWith(reason(0)), ...many(99)],
      [...many(99), entryWith(reason(0))],
    ]) {
      expect(rulesOf(certificateList({ entries: edge }), { sampleEntries: 1 })).toEqual([
        'crl-entry-reason-not-unspecified',
      ])
    }
    // What is no entry is found wherever it is.
    const broken = certificateList({ entries: entries.with(700, Uint8Array.of(0x05, 0)) })
    expect(() => lintCrl(broken, { sampleEntries: 10 })).toThrow(expect.objectContaining({ code: 'ERR_PKI_DER' }))
    for (const sampleEntries of [0, -1, Number.NaN]) expect(() => lintCrl(der, { sampleEntries })).toThrow(RangeError)
  })

  it('takes a number of steps linear in the size, fewer for a sample', () => {
    const steps = (count: number, sampleEntries: number): number => {
      const { octets, reads } = countingOctets(certificateList({ entries: many(count) }))
      expect(lintCrl(octets, { sampleEntries })).toEqual([])
      return reads()
    }
    const [small, large] = [steps(1000, Number.POSITIVE_INFINITY), steps(8000, Number.POSITIVE_INFINITY)]
    expect(large).toBeLessThan(small * 8.1)
    expect(steps(8000, 100)).toBeLessThan(large / 10)
  })

  it('takes no list of a million names, extensions or URLs for work that grows faster', () => {
    const url = Buffer.from([0x86, 7, ...Buffer.from('http://')])
    const steps = (count: number): number => {
      const idp = withExtensions({ idp: idpWithNames(Buffer.concat(new Array<Buffer>(count).fill(url))) })
      const { octets, reads } = countingOctets(certificateList(idp))
      lintCrl(octets)
      return reads()
    }
    expect(steps(80_000)).toBeLessThan(steps(10_000) * 8.1)
  })

  it('refuses what is not a CRL', () => {
    const der = certificateList()
    for (const [input, code] of [
      [new Uint8Array(0), 'ERR_PKI_DER'],
      [der.subarray(0, -1), 'ERR_PKI_DER'],
      [Buffer.concat([der, Uint8Array.of(0)]), 'ERR_PKI_DER'],
      [tbsCertList(), 'ERR_PKI_DER'],
      [new Uint8Array(64 * 1024 * 1024 + 1), 'ERR_PKI_TOO_LARGE'],
      [encodePem('CERTIFICATE', der), 'ERR_PKI_PEM'],
      [encodePem('X509 CRL', der).repeat(2), 'ERR_PKI_PEM'],
    ] as const) {
      expect(() => lintCrl(input)).toThrow(expect.objectContaining({ code }))
    }
    expect(() => lintCrl(null as unknown as string)).toThrow(TypeError)
  })

  it('answers damaged CRLs with findings or a coded error, and nothing else', () => {
    const random = seededRandom(20260301)
    const seeds = [certificateList(), certificateList({ entries: many(3) }), certificateList({ entries: null })]
    let answered = 0
    for (let run = 0; run < 6000; run++) {
      let input = seeds[random(seeds.length)]!
      for (let times = 1 + random(3); times > 0 && input.length > 0; times--) input = mutate(input, random)
      try {
        for (const { message } of lintCrl(input, { issuer: issuerDer() })) {
          expect(message).toMatch(/^[A-Za-z0-9 .,'/:-]+$/)
          answered++
        }
      } catch (error) {
        if (!isPkiError(error)) throw new Error(`seed 20260301, run ${run}`, { cause: error })
      }
    }
    expect(answered).toBeGreaterThan(200)
  })
})

describe('assertCrlLint', () => {
  it('accepts final octets however they are cut into parts', async () => {
    const tbs = tbsCertList({ entries: many(3) })
    const parts: Uint8Array[] = []
    for (let at = 0; at <= tbs.length; at++) {
      await assertCrlLint([tbs.subarray(0, at), tbs.subarray(at)], issuerOf())
      if (at < tbs.length) parts.push(tbs.subarray(at, at + 1))
    }
    await assertCrlLint(parts, issuerOf())
    await assertCrlLint([new Uint8Array(0), tbs, new Uint8Array(0)], issuerOf())
  })

  it('refuses for any finding, warnings too, and for what cannot be decoded', async () => {
    const refusal = async (tbs: Uint8Array): Promise<unknown> =>
      assertCrlLint([tbs.subarray(0, 100), tbs.subarray(100)], issuerOf()).catch((error: unknown) => error)
    const error = await refusal(tbsCertList({ entries: [entryWith(reason(0))], nextUpdate: null }))
    expect(error).toBeInstanceOf(PkiError)
    expect(error).toMatchObject({
      code: 'ERR_PKI_LINT',
      details: {
        findings: [
          'crl-next-update: there is no nextUpdate',
          'crl-entry-reason-not-unspecified: entry 1: reasonCode is unspecified',
        ],
      },
    })
    for (const broken of [tbsCertList().subarray(0, -1), tbsCertList({ entries: [Uint8Array.of(0x05, 0)] })]) {
      expect(await refusal(broken)).toMatchObject({
        code: 'ERR_PKI_LINT',
        details: { findings: ['der: the TBSCertList cannot be decoded'] },
      })
    }
    expect(await refusal(tbsCertList()).then(() => refusal(tbsCertList()))).toBeUndefined()
  })

  it('gives the event loop air while it walks over many entries, and stops when it is told to', async () => {
    const tbs = tbsCertList({ entries: many(40_000) })
    let turns = 0
    let isOver = false
    const turn = (): void => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    await assertCrlLint([tbs], issuerOf())
    isOver = true
    expect(turns).toBeGreaterThanOrEqual(Math.floor(tbs.length / (128 * 1024)))

    const controller = new AbortController()
    const lint = assertCrlLint([tbs], issuerOf(), { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(lint).rejects.toThrow('enough')
  })
})

describeVectors('pkits', 'CRLs of PKITS', vectors => {
  const findings = (file: string) => lintCrl(vectors.bytes(`crls/${file}.crl`))
  /** What is against RFC 5280 there, or may be: the suite is older than it. */
  const errors = (file: string) =>
    findings(file)
      .filter(({ scope, severity }) => scope === 'rfc' && severity === 'error')
      .map(({ rule }) => rule)

  it('are all read, and the ordinary ones meet RFC 5280', () => {
    const files = vectors.files('crls').map(file => file.replace(/\.crl$/, ''))
    expect(files.length).toBe(173)
    const found = Object.fromEntries(
      files.map(file => [file, errors(file)] as const).filter(([, ids]) => ids.length > 0),
    )
    expect(found).toEqual({
      BadCRLSignatureCACRL: ['crl-signature-octets'],
      NegativeSerialNumberCACRL: ['crl-entry-serial-number'],
      onlyContainsAttributeCertsCACRL: ['crl-idp-no-attribute-certs'],
    })
  })
})

function idpWithNames(names: Uint8Array): Uint8Array {
  const wrap = (tag: number, content: Uint8Array): Uint8Array =>
    Buffer.concat([
      Uint8Array.of(tag, 0x83, content.length >> 16, (content.length >> 8) & 0xff, content.length & 0xff),
      content,
    ])
  const value = wrap(0x30, wrap(0xa0, wrap(0xa0, names)))
  const oid = Uint8Array.of(0x06, 3, 0x55, 0x1d, 0x1c)
  return wrap(0x30, Buffer.concat([oid, Uint8Array.of(1, 1, 0xff), wrap(0x04, value)]))
}
