import { describe, expect, it } from 'vitest'
import { PkiError } from '../../src/index.ts'
import { execute, fuzz } from './fuzzer.ts'
import { instrument } from './instrument.ts'
import { corpusOf, loadForeignSeeds, ownSeeds } from './seeds.ts'
import { type FuzzTarget, fixedSteps, targets } from './targets.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
/** FLEETCERT_FUZZ_SEED repeats a run, FLEETCERT_FUZZ_SECONDS makes a long one longer, per reader. */
const seed = Number(process.env['FLEETCERT_FUZZ_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 20240601))
const seconds = Number(process.env['FLEETCERT_FUZZ_SECONDS'] ?? 30)
const executions = 1500
/** Foreign seeds taken: all, or one of so many. */
const foreignStep = isLong ? 1 : 25

const copy = await instrument()
const own = await ownSeeds()
const foreign = loadForeignSeeds()
const ownSeedsOf = ({ name }: FuzzTarget) => [...own.get(name)!, ...corpusOf(name)]

function foreignSeedsOf({ name, maxLength }: FuzzTarget): Uint8Array[] {
  const isPem = name === 'pem' || name === 'csrPem'
  const folders = [...(foreign ?? [])].filter(([folder]) => folder.includes('pem') === isPem)
  const seeds = folders.flatMap(([, inputs]) => inputs).filter(input => input.length <= maxLength)
  return seeds.filter((_, index) => index % foreignStep === 0)
}

const suffix = foreign === undefined ? ' (skipped: the seeds of ../shared/vectors/fuzz-seeds.tar.gz)' : ''

describe(`readers of foreign bytes, guided by coverage${suffix}`, { timeout: 30_000 + 2000 * seconds }, () => {
  it.each(targets)('$name', target => {
    const seeds = [...ownSeedsOf(target), ...foreignSeedsOf(target)]
    const end = Date.now() + 1000 * seconds
    const goesOn = isLong ? () => Date.now() < end : (count: number) => count < seeds.length + executions
    const { corpus, ...report } = fuzz(copy, target, { seeds, seed, goesOn })
    if (isLong) console.info(target.name, { seed, seeds: seeds.length, ...report, corpus: corpus.length })
    expect(report.accepted).toBeGreaterThan(50)
    expect(report.executions - report.accepted).toBeGreaterThan(50)
  })
})

describe('the fuzzer', () => {
  const csr = targets.find(({ name }) => name === 'csr')!

  it('finds step by step what chance does not find at once', () => {
    const word = [0xca, 0xfe, 0xba]
    const read: FuzzTarget['read'] = ({ counters }, input) => {
      for (let index = 0; index < word.length && input[index] === word[index]; index++) counters[index]!++
    }
    const mutateOne: FuzzTarget['mutate'] = (bytes, _, random) => bytes.with(random(bytes.length), random(256))
    const target: FuzzTarget = { ...csr, read, check: () => {}, mutate: mutateOne }
    const options = { seeds: [Uint8Array.of(0xca, 0, 0, 0)], seed: 1, goesOn: (count: number) => count < 20_000 }
    expect(fuzz(copy, target, options).branches).toBe(word.length)
    expect(fuzz(copy, target, { ...options, isGuided: false }).branches).toBeLessThan(word.length)
  })

  it('makes the same run of the same seed', () => {
    const options = { seeds: own.get('csr')!, seed: 2, goesOn: (count: number) => count < 300 }
    expect(fuzz(copy, csr, options)).toEqual(fuzz(copy, csr, options))
  })

  it.each<[string, Partial<FuzzTarget>, string]>([
    ['another exception than PkiError', { read: () => (null as unknown as Date).getTime() }, 'TypeError'],
    ['work that grows faster than the input', { read: worksTooMuch }, 'steps'],
    ['a second reading that differs', { read: () => Math.random() }, 'reads differently'],
    ['a write to the input', { read: (_, input) => input.fill(0).length }, 'was written to'],
    ['a value that is not what the input says', { read: () => 1, check: () => expect.fail('wrong') }, 'wrong'],
  ])('notices %s, and shows seed and input', (_, broken, message) => {
    const target: FuzzTarget = { ...csr, check: () => {}, ...broken }
    const act = () => fuzz(copy, target, { seeds: [Uint8Array.of(1, 2)], seed: 7, goesOn: () => false })
    expect(act).toThrow(message)
    expect(act).toThrow('seed 7')
    expect(act).toThrow('AQI=')
  })

  it('takes a PkiError for an answer', () => {
    const read = () => {
      throw new PkiError('ERR_PKI_DER', { reason: 'no' })
    }
    expect(execute(copy, { ...csr, read }, Uint8Array.of(1))).toEqual({ accepted: false, steps: 0 })
  })

  it('counts what a reader does', () => {
    const { accepted, steps } = execute(copy, csr, own.get('csr')![0]!)
    expect(accepted).toBe(true)
    expect(steps).toBeGreaterThan(100)
  })
})

function worksTooMuch({ counters }: { readonly counters: Uint32Array }): void {
  counters[0] = fixedSteps + 1000
}
