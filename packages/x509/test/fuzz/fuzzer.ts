import { isDeepStrictEqual } from 'node:util'
import { isPkiError } from '../../src/index.ts'
import { seededRandom } from '../support/random.ts'
import type { Instrumented } from './instrument.ts'
import { type FuzzTarget, fixedSteps } from './targets.ts'

/** What one input did. */
export interface Run {
  readonly accepted: boolean
  readonly steps: number
}

/** What a fuzz run came to. */
export interface FuzzReport {
  readonly executions: number
  readonly accepted: number
  /** The branches reached; with how often they were entered, in powers of two, these are the features that guide. */
  readonly branches: number
  readonly features: number
  /** Inputs that reached something new, in order of discovery, the seeds among them first. */
  readonly corpus: readonly Uint8Array[]
  /** The greatest ratio of steps above the fixed ones to octets. */
  readonly stepsPerOctet: number
}

/** Runs one reader over one input and checks all that must hold. Throws an Error that shows the input. */
export function execute(copy: Instrumented, target: FuzzTarget, input: Uint8Array): Run {
  const before = Uint8Array.from(input)
  copy.counters.fill(0)
  let value: unknown
  let accepted = false
  let broken: unknown
  try {
    value = target.read(copy, input)
    accepted = true
  } catch (error) {
    // The copy has a PkiError class of its own: the brand is what counts.
    if (!isPkiError(error)) broken = error
  }
  let steps = 0
  for (const count of copy.counters) steps += count
  const covered = accepted ? Uint32Array.from(copy.counters) : copy.counters
  try {
    if (broken !== undefined) throw broken
    if (steps > fixedSteps + target.stepsPerOctet * input.length) throw new Error(`${steps} steps`)
    if (accepted) {
      if (!isDeepStrictEqual(target.read(copy, Uint8Array.from(before)), value))
        throw new Error('reads differently the second time')
      target.check(input, value as never)
    }
    if (Buffer.compare(before, input) !== 0) throw new Error('the input was written to')
  } catch (error) {
    const shown = Buffer.from(before).toString('base64')
    throw new Error(`${target.name} of ${before.length} octets, in base64 ${shown}: ${error}`, { cause: error })
  }
  if (accepted) copy.counters.set(covered)
  return { accepted, steps }
}

/** Mutates inputs of a corpus, and keeps what reaches something new, until `goesOn` says no. The same seed and inputs make the same run. */
export function fuzz(
  copy: Instrumented,
  target: FuzzTarget,
  options: {
    readonly seeds: readonly Uint8Array[]
    readonly seed: number
    readonly goesOn: (executions: number) => boolean
    /** False: only the seeds are mutated, whatever is found. To measure what guidance is worth. */
    readonly isGuided?: boolean
  },
): FuzzReport {
  const random = seededRandom(options.seed)
  const features = new Set<number>()
  const branches = new Set<number>()
  const corpus: Uint8Array[] = []
  const frontier: Uint8Array[] = []
  const acceptedFrontier: Uint8Array[] = []
  let executions = 0
  let acceptedCount = 0
  let worst = 0
  const executeSeeded = (input: Uint8Array) => {
    try {
      return execute(copy, target, input)
    } catch (error) {
      throw new Error(`seed ${options.seed}, execution ${executions}: ${(error as Error).message}`, { cause: error })
    }
  }
  const tryOne = (input: Uint8Array) => {
    executions++
    const { accepted, steps } = executeSeeded(input)
    if (accepted) acceptedCount++
    if (input.length > 0) worst = Math.max(worst, (steps - fixedSteps) / input.length)
    const before = branches.size
    if (!isNew(copy.counters, features, branches) || !keeps) return
    corpus.push(input)
    if (branches.size === before) return
    frontier.push(input)
    if (accepted) acceptedFrontier.push(input)
  }
  let keeps = true
  for (const seed of options.seeds) tryOne(seed)
  keeps = options.isGuided ?? true
  if (corpus.length === 0) throw new Error(`no seeds for ${target.name}`)
  while (options.goesOn(executions)) {
    // Seeds and what reached a new branch while being accepted lead furthest; then whatever reached a new branch; counts alone lead to the bounds.
    const pools = [frontier, acceptedFrontier, acceptedFrontier, corpus]
    const chosen = pools[random(pools.length)]!
    const pool = chosen.length > 0 ? chosen : corpus
    const other = corpus[random(corpus.length)]!
    tryOne(target.mutate(pool[random(pool.length)]!, other, random, target.maxLength))
  }
  return {
    executions,
    accepted: acceptedCount,
    branches: branches.size,
    features: features.size,
    corpus,
    stepsPerOctet: worst,
  }
}

function isNew(counters: Uint32Array, features: Set<number>, branches: Set<number>): boolean {
  const before = features.size
  for (let index = 0; index < counters.length; index++) {
    const count = counters[index]!
    if (count === 0) continue
    branches.add(index)
    features.add(index * 32 + (31 - Math.clz32(count)))
  }
  return features.size > before
}
