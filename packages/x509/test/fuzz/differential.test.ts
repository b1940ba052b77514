import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { X509Certificate as PeculiarCertificate, Pkcs10CertificateRequest } from '@peculiar/x509'
import { describe, expect, it } from 'vitest'
import { parseCertificate, parseCertificationRequest } from '../../src/index.ts'
import { outcomeOf } from '../support/errors.ts'
import { describeOpenssl } from '../support/openssl.ts'
import { seededRandom } from '../support/random.ts'
import { type Kind, laxer, laxerClassOf, type Oracle, stricter, stricterClassOf } from './disagreements.ts'
import { fuzz } from './fuzzer.ts'
import { instrument } from './instrument.ts'
import { corpusOf, loadForeignSeeds, ownSeeds } from './seeds.ts'
import { targets } from './targets.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
const seed = Number(process.env['FLEETCERT_FUZZ_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 20240601))
const executions = isLong ? 15_000 : 1200
/** Foreign seeds taken: all, or one of so many. */
const foreignStep = isLong ? 1 : 5
const copy = await instrument()
const own = await ownSeeds()
const foreign = loadForeignSeeds()

const readers: Readonly<Record<Kind, (input: Uint8Array) => unknown>> = {
  certificate: parseCertificate,
  csr: parseCertificationRequest,
}

/** Seeds of a kind, what fuzzing found from them, and as many mutants of those. */
function inputsOf(kind: Kind): Uint8Array[] {
  const target = targets.find(({ name }) => name === kind)!
  const folders = kind === 'certificate' ? ['openssl-x509', 'bssl-parse_certificate_fuzzer_corpus'] : []
  const seeds = [...own.get(kind)!, ...corpusOf(kind), ...foreignOf(folders)]
  const { corpus } = fuzz(copy, target, { seeds, seed, goesOn: count => count < seeds.length + executions })
  const random = seededRandom(seed)
  const pool = [...corpus, ...corpus.filter(input => 'value' in outcomeOf(() => readers[kind](input)))]
  const mutants = Array.from({ length: executions }, () =>
    target.mutate(pool[random(pool.length)]!, pool[random(pool.length)]!, random, target.maxLength),
  )
  return [...seeds, ...corpus, ...mutants]
}

function foreignOf(folders: readonly string[]): Uint8Array[] {
  const all = folders.flatMap(folder => foreign?.get(folder) ?? [])
  return all.filter((_, index) => index % foreignStep === 0)
}

interface Tally {
  agreed: number
  readonly classes: Record<string, number>
  readonly unexplained: string[]
}

/** Sorts every input by who accepts it. */
function compare(
  kind: Kind,
  oracle: Oracle,
  inputs: readonly Uint8Array[],
  isAccepted: (input: Uint8Array, index: number) => boolean,
): Tally {
  const tally: Tally = { agreed: 0, classes: {}, unexplained: [] }
  for (const [index, input] of inputs.entries()) {
    const ours = outcomeOf(() => readers[kind](input))
    if ('value' in ours === isAccepted(input, index)) {
      tally.agreed++
      continue
    }
    const name = 'value' in ours ? laxerClassOf(input, kind, oracle) : stricterClassOf(input, kind, oracle, ours.error)
    if (name === undefined) {
      const judgement = 'value' in ours ? 'only we accept' : `only we refuse, ${ours.error.message}`
      tally.unexplained.push(`${judgement}: ${kind} in base64 ${Buffer.from(input).toString('base64')}`)
    } else {
      tally.classes[name] = (tally.classes[name] ?? 0) + 1
    }
  }
  return tally
}

function expectExplained(what: string, inputs: readonly Uint8Array[], { agreed, classes, unexplained }: Tally): void {
  expect(unexplained.slice(0, 5), `seed ${seed}: disagreements with ${what} of no known class`).toEqual([])
  expect(agreed).toBeGreaterThan(inputs.length / 3)
  if (isLong) console.info(what, { inputs: inputs.length, agreed, ...classes })
}

function isRead(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch {
    return false
  }
}

const suffix = foreign === undefined ? ' (skipped: the seeds of ../shared/vectors/fuzz-seeds.tar.gz)' : ''

describe(`accepted or refused as by others, or for a reason${suffix}`, { timeout: isLong ? 900_000 : 30_000 }, () => {
  const certificates = inputsOf('certificate')
  const csrs = inputsOf('csr')

  it('certificates, by openssl inside Node', () => {
    const isAccepted = (input: Uint8Array) => isRead(() => new X509Certificate(input))
    expectExplained('openssl', certificates, compare('certificate', 'openssl', certificates, isAccepted))
  })

  it('certificates, by @peculiar/x509', () => {
    const isAccepted = (input: Uint8Array) => isRead(() => new PeculiarCertificate(input))
    expectExplained('@peculiar/x509', certificates, compare('certificate', 'peculiar', certificates, isAccepted))
  })

  it('CSRs, by @peculiar/x509', () => {
    const isAccepted = (input: Uint8Array) => isRead(() => new Pkcs10CertificateRequest(input))
    expectExplained('@peculiar/x509', csrs, compare('csr', 'peculiar', csrs, isAccepted))
  })

  describeOpenssl('a sample of CSRs, by openssl req', ({ path, openssl }) => {
    it('with the same verdict, or for a reason', () => {
      const random = seededRandom(seed)
      const size = isLong ? 1000 : 60
      // What we accept is where being lax would show.
      const accepted = csrs.filter(input => 'value' in outcomeOf(() => parseCertificationRequest(input)))
      const sample = Array.from({ length: size }, (_, index) => {
        const pool = index % 2 === 0 ? accepted : csrs
        return pool[random(pool.length)]!
      })
      const isAccepted = (input: Uint8Array, index: number) => {
        writeFileSync(path(`${index}.der`), input)
        return openssl(['req', '-inform', 'DER', '-noout', '-in', `${index}.der`]).status === 0
      }
      expectExplained('openssl req', sample, compare('csr', 'openssl', sample, isAccepted))
    })
  })

  it('every class has a name of its own and a reason', () => {
    const classes = [...stricter, ...laxer]
    expect(new Set(classes.map(({ name }) => name)).size).toBe(classes.length)
    for (const { why } of classes) expect(why.length).toBeGreaterThan(40)
  })
})
