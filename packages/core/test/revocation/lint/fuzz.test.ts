import { lintCrl, lintOcspResponse } from '@fleetcert/core'
import { encodeName, encodeTime, isPkiError, parseCrl, parseOcspResponse } from '@fleetcert/x509'
import { context, octetString } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import { mutateDer } from '../../../../x509/test/fuzz/mutator.ts'
import { loadForeignSeeds } from '../../../../x509/test/fuzz/seeds.ts'
import { countingOctets } from '../../../../x509/test/support/counting-octets.ts'
import { seededRandom } from '../../../../x509/test/support/random.ts'
import { cn } from '../../authority/lint/cases/build-certificate.ts'
import { certificateList, issuerDer as crlIssuer } from './crl/build-crl.ts'
import { crlCases } from './crl/crl-cases.ts'
import { nonceOf, issuerDer as ocspIssuer, ocspResponse } from './ocsp/build-ocsp.ts'
import { ocspCases } from './ocsp/ocsp-cases.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
const seed = Number(process.env['FLEETCERT_FUZZ_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 20260301))
const runs = isLong ? 60_000 : 4000
const maxLength = 4096
/** Steps: an octet may be looked at once per level that holds it, and once more per rule that reads its field. */
const stepsPerOctet = 40
const fixedSteps = 4000

const foreign = loadForeignSeeds()
const foreignSeeds = (word: string): Uint8Array[] =>
  [...(foreign ?? [])].flatMap(([folder, inputs]) =>
    folder.includes(word) ? inputs.filter(({ length }) => length <= maxLength) : [],
  )

interface Linter {
  readonly name: string
  readonly seeds: readonly Uint8Array[]
  lint(input: Uint8Array): readonly { readonly message: string }[]
  /** Its steps are counted; octets that are hashed cannot be. */
  readonly isCounted: boolean
  /** The strict reader: what it reads, the lint reads. */
  read(input: Uint8Array): unknown
}

const linters: readonly Linter[] = [
  {
    name: 'lintCrl',
    isCounted: true,
    seeds: [
      ...Object.values(crlCases).flatMap(({ bad, good }) => [...bad, ...good].map(({ crl }) => certificateList(crl))),
      certificateList({ issuer: encodeName(cn('CA')), nextUpdate: encodeTime(new Date('2050-01-01')) }),
      ...foreignSeeds('crl'),
    ],
    lint: input => lintCrl(input, { issuer: crlIssuer() }),
    read: input => parseCrl(input),
  },
  {
    name: 'lintOcspResponse',
    isCounted: false,
    seeds: [
      ...Object.values(ocspCases).flatMap(({ bad, good }) =>
        [...bad, ...good].map(({ response }) => ocspResponse(response)),
      ),
      ocspResponse({ extensions: [nonceOf(octetString(context(0, true)))] }),
      ...foreignSeeds('ocsp'),
    ],
    lint: input => lintOcspResponse(input, { issuer: ocspIssuer }),
    read: input => parseOcspResponse(input),
  },
]

const suffix = foreign === undefined ? ' (skipped: the seeds of ../shared/vectors/fuzz-seeds.tar.gz)' : ''

describe(`the lint and foreign octets${suffix}`, { timeout: 600_000 }, () => {
  it.each(linters)(
    '$name: findings or a coded error, linear work, and whatever the reader reads',
    ({ seeds, lint, read, isCounted }) => {
      const random = seededRandom(seed)
      const counts = { found: 0, refused: 0, read: 0 }
      for (let run = 0; run < seeds.length + runs; run++) {
        const input =
          seeds[run] ?? mutateDer(seeds[random(seeds.length)]!, seeds[random(seeds.length)]!, random, maxLength)
        const about = `seed ${seed}, run ${run}: ${Buffer.from(input).toString('base64')}`
        const findings = attempt(() => lint(input), about)
        if (isCounted) {
          const { octets, reads } = countingOctets(Uint8Array.from(input))
          attempt(() => lint(octets), about)
          expect(reads(), about).toBeLessThan(fixedSteps + stepsPerOctet * input.length)
        }
        if (findings === undefined) counts.refused++
        for (const { message } of findings ?? []) {
          expect(message, about).toMatch(/^[A-Za-z0-9 .,'/:-]+$/)
          counts.found++
        }
        if (attempt(() => read(input), about) !== undefined) {
          counts.read++
          expect(findings, about).toBeDefined()
        } else if (findings !== undefined) {
          // What the strict reader refuses is never without a finding.
          expect(findings.length, about).toBeGreaterThan(0)
        }
      }
      for (const count of Object.values(counts)) expect(count).toBeGreaterThan(100)
    },
  )
})

/** What `act` answers; `undefined` for a coded error. */
function attempt<Value>(act: () => Value, about: string): Value | undefined {
  try {
    return act()
  } catch (error) {
    if (!isPkiError(error)) throw new Error(about, { cause: error })
    return undefined
  }
}
