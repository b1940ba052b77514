import { type CertificateRecord, memoryStore, type Store } from '@fleetcert/core'
import {
  crlNumberExtension,
  encodeName,
  encodeRevokedEntries,
  encodeTbsCertListParts,
  type RevokedEntryFields,
} from '@fleetcert/x509'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { basesWith } from '../../src/revocation/crl-bases.ts'
import { checkSuccessor } from '../../src/revocation/crl-check.ts'
import type { CrlBase } from '../../src/revocation/crl-note.ts'
import { certificateListParts } from '../../src/revocation/crl-parts.ts'
import { createPause } from '../../src/revocation/crl-pause.ts'
import { createSerialSet } from '../../src/revocation/crl-serial-set.ts'
import { entryPages, visitSerials } from '../../src/revocation/crl-serials.ts'
import { changedStore } from './crl-fleet.ts'

const scope = { issuerKeyId: 'aa'.repeat(32), shard: 0 }
const thisUpdate = new Date('2026-11-21T12:00:00Z')
const nextUpdate = new Date('2026-11-28T12:00:00Z')
const revocationDate = new Date('2026-11-20T12:00:00Z')
const pause = createPause(() => {})

const entryOf = (serialNumber: string, index = 0): RevokedEntryFields => ({
  serialNumber,
  revocation: { revocationDate, reason: index % 2 === 0 ? 'superseded' : 'unspecified' },
})
const paged = (serials: readonly string[], size: number): Uint8Array[] => {
  const pages: Uint8Array[] = []
  for (let from = 0; from < serials.length; from += size) {
    pages.push(encodeRevokedEntries(serials.slice(from, from + size).map(entryOf)))
  }
  return pages
}
const listOf = (entries: readonly Uint8Array[]): Uint8Array[] => {
  const tbs = encodeTbsCertListParts({
    signatureAlgorithm: 'ecdsa-with-SHA256',
    issuerDer: encodeName([[{ type: 'CN', value: 'Test' }]]),
    thisUpdate,
    nextUpdate,
    entries,
    extensions: [crlNumberExtension(1n)],
  })
  return certificateListParts(tbs, 'ecdsa-with-SHA256', new Uint8Array(70))
}
const serialsIn = (pages: Iterable<Uint8Array>): string[] => {
  const serials: string[] = []
  for (const page of pages) {
    visitSerials(page, (octets, start, end) => serials.push(Buffer.from(octets.subarray(start, end)).toString('hex')))
  }
  return serials
}

const serialNumbers = fc.uniqueArray(
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map(octets => {
    octets[0] = (octets[0]! & 0x7f) | 1
    return Buffer.from(octets).toString('hex')
  }),
  { maxLength: 40 },
)

/** Cut anew, so that entries, and the header, lie across the ends of parts. */
function cut(parts: readonly Uint8Array[], size: number): Uint8Array[] {
  const whole = Buffer.concat(parts)
  const cuts: Uint8Array[] = []
  for (let from = 0; from < whole.length; from += size) cuts.push(whole.subarray(from, from + size))
  return cuts
}

describe('the serial numbers of a CRL in parts', () => {
  it('are read wherever its parts end', () => {
    fc.assert(
      fc.property(
        serialNumbers,
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 300 }),
        (serials, page, size) => {
          expect(serialsIn(entryPages(cut(listOf(paged(serials, page)), size)))).toEqual(serials)
        },
      ),
    )
  })

  it('are read from parts of 1 MiB', () => {
    const serials = Array.from({ length: 60_000 }, (_, index) => index.toString(16).padStart(32, '1'))
    const parts = listOf(paged(serials, 2048))
    expect(parts.length).toBeGreaterThan(3)
    for (const size of [1024 * 1024, 300_001]) expect(serialsIn(entryPages(cut(parts, size)))).toEqual(serials)
  })

  it('what is no CRL, or ends early, is a damaged store', () => {
    const parts = listOf(paged(['11', '12', '13'], 3))
    const [whole] = parts
    for (const broken of [[], [new Uint8Array(3)], [whole!.subarray(0, 120)], [Buffer.from('3003020101', 'hex')]]) {
      expect(() => serialsIn(entryPages(broken))).toThrow(expect.objectContaining({ code: 'ERR_PKI_STORE_CORRUPT' }))
    }
  })
})

it('a set of serial numbers has what was added', () => {
  fc.assert(
    fc.property(serialNumbers, serialNumbers, (members, others) => {
      const set = createSerialSet(members.length)
      const octets = (text: string): Buffer => Buffer.from(text, 'hex')
      for (const text of members) set.add(octets(text), 0, 16)
      for (const text of members) expect(set.has(octets(text), 0, 16)).toBe(true)
      for (const text of others) expect(set.has(octets(text), 0, 16)).toBe(members.includes(text))
    }),
  )
})

describe('the check against the last CRL', () => {
  const storeOf = (released: ReadonlySet<string>): Store =>
    changedStore(memoryStore(), {
      async certificate(key) {
        if (!('serialNumber' in key)) return undefined
        const isReleased = released.has(key.serialNumber)
        const revocation = { revocationDate, reason: 'superseded' } as const
        return { notAfter: nextUpdate, ...(isReleased ? {} : { revocation }) } as CertificateRecord
      },
    })
  const check = (previous: readonly Uint8Array[], entries: readonly Uint8Array[], released = new Set<string>()) =>
    checkSuccessor(
      storeOf(released),
      scope,
      { crlNumber: 1n, thisUpdate, nextUpdate, parts: previous },
      { crlNumber: 2n, thisUpdate, entries },
      pause,
      {},
    )

  it('finds exactly what vanished, wherever it stood and whatever came', async () => {
    await fc.assert(
      fc.asyncProperty(
        serialNumbers,
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        async (all, inPrevious, inNext, page) => {
          const previous = all.filter((_, index) => inPrevious[index])
          const next = all.filter((_, index) => inNext[index])
          const gone = previous.filter(serial => !next.includes(serial))
          const parts = cut(listOf(paged(previous, 3)), 170)
          await check(parts, paged(next, page), new Set(gone))
          if (gone.length === 0) return
          const details = { code: 'ERR_PKI_CRL_CHECK', details: { serialNumber: gone[0] } }
          await expect(check(parts, paged(next, page))).rejects.toMatchObject(details)
          const others = new Set(gone.slice(0, -1))
          await expect(check(parts, paged(next, page), others)).rejects.toMatchObject({
            details: { serialNumber: gone.at(-1) },
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('an older time and a number that is not greater are refused', async () => {
    const previous = { crlNumber: 5n, thisUpdate, nextUpdate, parts: listOf([]) }
    const next = { crlNumber: 6n, thisUpdate, entries: [] }
    const checked = (changes: Partial<typeof next>) =>
      checkSuccessor(storeOf(new Set()), scope, previous, { ...next, ...changes }, pause, {})
    await checked({})
    const code = { code: 'ERR_PKI_CRL_CHECK' }
    for (const crlNumber of [5n, 4n]) await expect(checked({ crlNumber })).rejects.toMatchObject(code)
    await expect(checked({ thisUpdate: new Date(thisUpdate.getTime() - 1000) })).rejects.toMatchObject(code)
  })
})

describe('the bases of delta CRLs', () => {
  const day = 86_400_000
  const base = (number: number, at: number): CrlBase => ({
    crlNumber: BigInt(number),
    position: String(number),
    thisUpdate: new Date(at),
    nextUpdate: new Date(at + 7 * day),
  })

  it('are few, and the first is not newer than any full CRL that has not ended', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 * day }), { maxLength: 200 }), steps => {
        let at = 0
        let bases: readonly CrlBase[] = []
        const published: CrlBase[] = []
        for (const [index, step] of steps.entries()) {
          at += step
          const made = base(index + 1, at)
          bases = basesWith(bases, made, new Date(at))
          published.push(made)
          const oldest = published.find(({ nextUpdate }) => nextUpdate.getTime() > at)!
          expect(bases[0]!.crlNumber).toBeLessThanOrEqual(oldest.crlNumber)
          expect(bases.length).toBeLessThanOrEqual(19)
        }
      }),
    )
  })

  it('go when all that came before the next one have ended', () => {
    let bases: readonly CrlBase[] = []
    for (let index = 0; index < 20; index++) bases = basesWith(bases, base(index, index * day), new Date(index * day))
    expect(bases[0]!.crlNumber).toBe(12n)
  })
})
