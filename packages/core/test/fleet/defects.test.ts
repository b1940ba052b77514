import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fleet, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { createCertificationRequest, parseCertificate, parseCrl, softwareSigner } from '@fleetcert/x509'
import { afterEach, describe, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../../test-support/tools.ts'

const day = 86_400
const open = new Set<Fleet>()
afterEach(async () => {
  for (const fleet of open) await fleet.close()
  open.clear()
})

/** A fleet with a clock that the test sets; the store outlives it. */
async function setUp(options: Partial<Parameters<typeof openFleet>[0]> = {}) {
  const time = {
    now: new Date('2026-11-21T12:00:00Z'),
    pass: (seconds: number) => (time.now = new Date(time.now.getTime() + seconds * 1000)),
  }
  const store: Store = options.store ?? memoryStore({ clock: () => time.now })
  const keyring = options.keyring ?? memoryKeyring()
  const start = async (more: Partial<Parameters<typeof openFleet>[0]> = {}) => {
    const lasting = { ...store, close: async () => {}, [Symbol.asyncDispose]: async () => {} }
    const fleet = await openFleet({
      keyring,
      clock: () => time.now,
      background: false,
      ...options,
      ...more,
      store: lasting,
    })
    open.add(fleet)
    return fleet
  }
  return { time, store, keyring, start, fleet: await start() }
}
const serials = async (fleet: Fleet): Promise<string[]> =>
  parseCrl((await fleet.crl()).der).entries.map(({ serialNumber }) => serialNumber)

describe('a clock that goes astray', () => {
  it('loses no revoked certificate from the CRL', async () => {
    const { fleet, time } = await setUp()
    const first = await fleet.enroll('d1', { validitySeconds: 5 * 365 * day })
    const second = await fleet.enroll('d2', { validitySeconds: 5 * 365 * day })
    await fleet.enroll('d3')
    await fleet.revoke('d1', { reason: 'keyCompromise' })
    await fleet.crl()
    time.pass(800 * day)
    await fleet.crl()
    // Back again. The ledger has been in the future, so nothing that needs a clock is done any more …
    time.pass(-800 * day + 60)
    await fleet.revoke('d2')
    await fleet.revoke('d3')
    await expect(fleet.crl()).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
    // … until the time has come; and then both are there.
    time.pass(801 * day)
    expect(await serials(fleet)).toEqual(expect.arrayContaining([first.serialNumber, second.serialNumber]))
  })

  it('revives no expired certificate by a revocation of another', async () => {
    const { fleet, time } = await setUp()
    const { fingerprint } = await fleet.enroll('d1', { validitySeconds: day })
    await fleet.enroll('d2')
    time.pass(10 * day)
    await fleet.enroll('d3')
    time.pass(-10 * day)
    await expect(fleet.identify({ fingerprint })).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
    await fleet.revoke('d2')
    await expect(fleet.identify({ fingerprint })).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
  })

  it.each([new Date(Number.NaN), new Date(-1), new Date('+010000-01-01T00:00:00Z'), 'now' as never])(
    'refuses a clock that tells %s',
    async wrong => {
      const { fleet, time } = await setUp()
      const { fingerprint } = await fleet.enroll('d1')
      time.now = wrong
      for (const work of [
        () => fleet.identify({ fingerprint }),
        () => fleet.enroll('d2'),
        () => fleet.revoke('d1'),
        () => fleet.crl(),
        () => fleet.device('d1'),
      ]) {
        await expect(work()).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
      }
    },
  )
})

describe('crl', () => {
  it('never misses a revocation that was durable before it was asked for', async () => {
    const inner = memoryKeyring()
    let slow = false
    const keyring = {
      ...inner,
      open: async (name: string) => {
        const signer = await inner.open(name)
        return (
          signer && {
            ...signer,
            async sign(...args: Parameters<typeof signer.sign>) {
              await sleep(slow ? 150 : 0)
              return signer.sign(...args)
            },
          }
        )
      },
    }
    const { fleet } = await setUp({ keyring })
    const { serialNumber } = await fleet.enroll('d1')
    slow = true
    const early = fleet.crl()
    await sleep(30)
    await fleet.revoke('d1')
    expect(await serials(fleet)).toEqual([serialNumber])
    expect(parseCrl((await early).der).entries).toEqual([])
  })

  it('stops waiting at an abort', async () => {
    const { fleet } = await setUp()
    await expect(fleet.crl({}, { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone')
  })

  it('goes on when the ledger before its cursor was pruned', async () => {
    const { fleet, store, time } = await setUp()
    await fleet.enroll('d1')
    await fleet.crl()
    time.pass(day)
    await fleet.revoke('d1')
    await fleet.enroll('d2')
    await store.prune({ ledgerBefore: time.now }, 1000)
    expect(await serials(fleet)).toHaveLength(1)
    expect(await serials(fleet)).toHaveLength(1)
  })

  it("serves the root's CRL while the root's key is away", async () => {
    const { fleet, start, keyring, time } = await setUp()
    await fleet.enroll('d1')
    const away = await start({ keyring: { root: memoryKeyring(), issuing: keyring as never } })
    time.pass(200 * day)
    for await (const { role, issuerKeyId } of away.issuers()) {
      if (role !== 'root') continue
      const { nextUpdate } = await away.crl({ issuerKeyId })
      expect(nextUpdate.getTime()).toBeGreaterThan(time.now.getTime())
      time.pass(200 * day)
      await expect(away.crl({ issuerKeyId })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_MISSING' })
    }
  })

  it('refuses times that make no CRL', async () => {
    for (const crl of [
      { validitySeconds: Number.POSITIVE_INFINITY },
      { validitySeconds: 86_400.5 },
      { validitySeconds: 1e15 },
      { validitySeconds: 60, overlapSeconds: 60 },
      { overlapSeconds: -1 },
    ]) {
      await expect(setUp({ crl })).rejects.toBeInstanceOf(RangeError)
    }
    await expect(setUp({ root: { validitySeconds: 1e12 } })).rejects.toMatchObject({ code: 'ERR_PKI_PROFILE' })
  })
})

describe('what is recorded for ever', () => {
  it('is checked first: an organization that no name can hold leaves nothing behind', async () => {
    const store = memoryStore()
    const keyring = memoryKeyring()
    for (const organization of ['a\nb', 'a\ud800', '\u0000']) {
      await expect(openFleet({ store, keyring, organization, background: false })).rejects.toMatchObject({
        code: 'ERR_PKI_NAME',
      })
    }
    expect(await keyring.list()).toEqual([])
    await (await openFleet({ store, keyring, organization: 'Good', background: false })).close()
  })

  it('refuses an invalidityDate that no CRL can hold', async () => {
    const { fleet } = await setUp()
    await fleet.enroll('d1')
    for (const invalidityDate of [new Date(-8.64e15), new Date(-1), new Date(Number.NaN)]) {
      await expect(fleet.revoke('d1', { invalidityDate })).rejects.toBeInstanceOf(RangeError)
    }
    await fleet.crl()
  })

  it('refuses an enforcement time that is none, before anything is revoked', async () => {
    for (const enforceTimeoutSeconds of [Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 5e6]) {
      await expect(setUp({ enforceTimeoutSeconds })).rejects.toBeInstanceOf(RangeError)
    }
  })
})

describeWith(['openssl'], 'a fleet that is published later, or elsewhere', () => {
  it('keeps older certificates checkable', async () => {
    const { fleet, start } = await setUp()
    const first = await fleet.enroll('d1')
    const second = await start({ publish: { baseUrl: 'http://pki.example' } })
    const b = await second.enroll('d2')
    const third = await start({ publish: { baseUrl: 'http://pki2.example' } })
    const c = await third.enroll('d3')
    await third.revoke('d2')
    const folder = temporaryDirectory()
    try {
      const crls: string[] = []
      for await (const { issuerKeyId } of third.issuers()) crls.push((await third.crl({ issuerKeyId })).pem)
      writeFileSync(folder.path('ca.pem'), first.chain + first.trustAnchors)
      writeFileSync(folder.path('crl.pem'), crls.join(''))
      const verify = (certificate: string): string => {
        writeFileSync(folder.path('device.pem'), certificate)
        const at = String(Math.floor(new Date('2026-11-21T12:01:00Z').getTime() / 1000))
        return runTool('openssl', [
          'verify',
          '-attime',
          at,
          '-x509_strict',
          '-crl_check_all',
          '-CAfile',
          folder.path('ca.pem'),
          '-CRLfile',
          folder.path('crl.pem'),
          folder.path('device.pem'),
        ]).output
      }
      expect(verify(first.certificate)).toMatch(/: OK/)
      expect(verify(b.certificate)).toContain('certificate revoked')
      expect(verify(c.certificate)).toMatch(/: OK/)
    } finally {
      folder.remove()
    }
  })
})

describe('enrol', () => {
  it('certifies the key that was proved, not what the caller writes over it meanwhile', async () => {
    const { fleet } = await setUp()
    const mine = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const victim = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const csr = await createCertificationRequest({ subject: [], signer: mine })
    const at = Buffer.from(csr).indexOf(Buffer.from(mine.publicKey))
    const enrolled = fleet.enroll('d1', { csr })
    csr.set(victim.publicKey, at)
    const { certificate } = await enrolled
    expect(Buffer.from(parseCertificate(certificate).subjectPublicKeyInfo)).toEqual(Buffer.from(mine.publicKey))
  })

  it.each(['CA', 'Ca', 'Validate'])('refuses %s, which a file system may take for a reserved name', async deviceId => {
    const { fleet } = await setUp()
    await expect(fleet.enroll(deviceId)).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
  })
})

describe('renew', () => {
  it('goes on from the older certificate when the newer one was revoked', async () => {
    const { fleet } = await setUp()
    const first = await fleet.enroll('d1')
    const second = await fleet.renew('d1')
    await fleet.revoke({ fingerprint: second.fingerprint })
    expect(await fleet.device('d1')).toMatchObject({ status: 'active', fingerprint: first.fingerprint })
  })

  it('tells the loser of two renewals so, and refuses an overlap beyond reason', async () => {
    const { fleet } = await setUp()
    await fleet.enroll('d1')
    await expect(fleet.renew('d1', { overlapSeconds: 9e15 })).rejects.toMatchObject({ code: 'ERR_PKI_VALIDITY' })
    const signer = softwareSigner(generateKeyPairSync('ed25519').privateKey)
    const csr = await createCertificationRequest({ subject: [], signer })
    const results = await Promise.allSettled([fleet.renew('d1', { csr }), fleet.renew('d1', { csr })])
    const lost = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(lost.reason).toMatchObject({ code: 'ERR_PKI_RENEWAL_BUSY' })
  })
})

describe('issueServer', () => {
  it('takes its common name from the names that were checked', async () => {
    const { fleet } = await setUp()
    const hosts = ['broker.example', '::1', '0:0:0:0:0:0:0:1']
    const issuing = fleet.issueServer({ hosts })
    hosts[0] = 'CN=evil\u202e'
    const { certificate } = await issuing
    const { subject, subjectAltName } = parseCertificate(certificate)
    expect(subject).toEqual([[{ type: 'CN', value: 'broker.example' }]])
    expect(subjectAltName).toHaveLength(2)
  })
})

it('does not revoke a CA that it goes on issuing with', async () => {
  const { fleet } = await setUp()
  let rootKeyId: string | undefined
  for await (const { certificate, issuerKeyId } of fleet.issuers()) {
    rootKeyId ??= issuerKeyId
    const { serialNumber } = parseCertificate(certificate)
    await expect(fleet.revoke({ issuerKeyId: rootKeyId, serialNumber })).rejects.toMatchObject({
      code: 'ERR_PKI_CA_IN_USE',
    })
  }
})
