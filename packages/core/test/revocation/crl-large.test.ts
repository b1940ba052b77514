import { type CertificateRecord, type CrlParts, type FleetWarning, parseCrl, type Store } from '@fleetcert/core'
import { encodeRevokedEntries } from '@fleetcert/x509'
import { beforeEach, expect, it } from 'vitest'
import { type CrlBench, changedStore, crlBench } from './crl-fleet.ts'

const pages = 64
const perPage = 2048

let bench: CrlBench
let put: CrlParts[]
/** What the store does not list any more, and what its rows say was released. */
let omitted: ReadonlySet<string>
let released: ReadonlySet<string>
beforeEach(() => {
  bench = crlBench()
  put = []
  omitted = new Set()
  released = new Set()
})

const serialOf = (index: number): string => `5a${index.toString(16).padStart(30, '0')}`
const revocation = { revocationDate: new Date('2026-11-20T00:00:00Z'), reason: 'superseded' } as const

/** A store of many revoked certificates. */
function largeStore(issuerKeyId: () => string): Store {
  const own = changedStore(bench.store, { close: async () => {} })
  const pageOf = (page: number): Uint8Array =>
    encodeRevokedEntries(
      Array.from({ length: perPage }, (_, index) => serialOf(page * perPage + index))
        .filter(serialNumber => !omitted.has(serialNumber))
        .map(serialNumber => ({ serialNumber, revocation })),
    )
  return changedStore(own, {
    async crlEntries(scope, query, page, io) {
      if (scope.issuerKeyId !== issuerKeyId()) return bench.store.crlEntries(scope, query, page, io)
      const number = Number(page.after ?? 0)
      const rest = { changes: new Uint8Array(), position: '0' }
      return { entries: pageOf(number), ...rest, ...(number + 1 < pages && { next: String(number + 1) }) }
    },
    async certificate(key, io) {
      if (!('serialNumber' in key) || !key.serialNumber.startsWith('5a00')) return bench.store.certificate(key, io)
      const revoked = released.has(key.serialNumber) ? {} : { revocation }
      return { notAfter: new Date('2030-01-01T00:00:00Z'), ...revoked } as CertificateRecord
    },
    async putCrl(name, crl, ...rest) {
      put.push(crl)
      return bench.store.putCrl(name, crl, ...rest)
    },
  })
}

/** How often the event loop came round meanwhile. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let isDone = false
  const turn = (): void => {
    turns += 1
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  isDone = true
  return turns
}

it('a large CRL is made in many slices and kept in parts, without a copy of its pages', async () => {
  let issuing = ''
  const warnings: FleetWarning[] = []
  await using fleet = await bench.open({
    store: largeStore(() => issuing),
    onWarning: warning => void warnings.push(warning),
  })
  for await (const { role, issuerKeyId } of fleet.issuers()) if (role === 'issuingCa') issuing = issuerKeyId
  put = []

  // Three slices or more of each: listing, linting, hashing twice.
  expect(await turnsDuring(() => fleet.crl())).toBeGreaterThan(40)
  const [crl] = put
  expect(put).toHaveLength(1)
  expect(crl!.parts.length).toBeGreaterThan(pages)
  for (const part of crl!.parts) expect(part.length).toBeLessThanOrEqual(1024 * 1024)
  const made = await fleet.crl()
  // Not toEqual, which looks at each of ten million octets.
  expect(Buffer.concat(made.parts).equals(Buffer.concat(crl!.parts))).toBe(true)
  const { entries } = parseCrl(made.der)
  expect(entries).toHaveLength(pages * perPage)
  expect(entries.at(-1)?.serialNumber).toBe(serialOf(pages * perPage - 1))
  // Joined once, and the parts are views of it from then on.
  for (const part of made.parts) expect(part.buffer === made.der.buffer).toBe(true)
  expect(Buffer.concat(made.parts).equals(made.der)).toBe(true)

  // The first entry goes, so the two lists begin differently.
  released = new Set([serialOf(0), serialOf(5000), serialOf(pages * perPage - 1)])
  omitted = released
  bench.later(7 * 86_400)
  expect(parseCrl((await fleet.crl()).der).entries).toHaveLength(pages * perPage - 3)
  // One vanishes that nobody released.
  omitted = new Set([...released, serialOf(77_777)])
  bench.later(6.5 * 86_400)
  const answer = await fleet.crl()
  expect(answer.upToDate).toBe(false)
  expect(warnings).toMatchObject([
    { type: 'crlOutdated', error: { code: 'ERR_PKI_CRL_CHECK', details: { serialNumber: serialOf(77_777) } } },
  ])
})
