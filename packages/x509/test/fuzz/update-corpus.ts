// node test/fuzz/update-corpus.ts [seconds per target] [targets]: fuzzes from our own seeds and the corpus, and writes the smallest inputs that reach every branch that was reached.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTree, siblingLists, writeTree } from './der-tree.ts'
import { execute, fuzz } from './fuzzer.ts'
import { instrument } from './instrument.ts'
import { mutateText } from './mutator.ts'
import { corpusOf, ownSeeds } from './seeds.ts'
import { type FuzzTarget, targets } from './targets.ts'

const seconds = Number(process.argv[2] ?? 20)
/** All, or those that are named behind the seconds. */
const chosenNames = process.argv.slice(3)
const copy = await instrument()
const own = await ownSeeds()
const directory = join(import.meta.dirname, 'corpus')

/** Larger ones reach limits that have tests of their own. */
const maxLength = 640

for (const target of targets) {
  // The same reader behind PEM: its corpus is that of `csr` and of `pem`.
  if (target.name === 'csrPem' || (chosenNames.length > 0 && !chosenNames.includes(target.name))) continue
  const seeds = [...(own.get(target.name) ?? []), ...corpusOf(target.name)]
  const end = Date.now() + 1000 * seconds
  const { corpus, branches } = fuzz(copy, target, { seeds, seed: Date.now(), goesOn: () => Date.now() < end })
  const chosen = cover(target, corpus, own.get(target.name)!)
  const lines = chosen.map(input => `${Buffer.from(input).toString('base64')}\n`)
  writeFileSync(join(directory, `${target.name}.txt`), lines.join(''))
  process.stdout.write(`${target.name}: ${chosen.length} inputs for ${branches} branches\n`)
}

function branchesOf(target: FuzzTarget, input: Uint8Array): Set<number> {
  execute(copy, target, input)
  const branches = new Set<number>()
  copy.counters.forEach((count, index) => {
    if (count > 0) branches.add(index)
  })
  return branches
}

/** Greedy: as long as a branch is missing, whatever adds most per octet, made as small as it can be. `known` reach theirs anyway. */
function cover(target: FuzzTarget, corpus: readonly Uint8Array[], known: readonly Uint8Array[]): Uint8Array[] {
  const covered = new Set<number>()
  for (const input of known) for (const branch of branchesOf(target, input)) covered.add(branch)
  let candidates = corpus.map(input => ({ input, branches: [...branchesOf(target, input)] }))
  const chosen: Uint8Array[] = []
  for (;;) {
    let best: { readonly input: Uint8Array; readonly missing: number[]; readonly score: number } | undefined
    candidates = candidates.filter(({ branches }) => branches.some(branch => !covered.has(branch)))
    for (const { input, branches } of candidates) {
      const missing = branches.filter(branch => !covered.has(branch))
      const score = missing.length / (40 + input.length)
      if (best === undefined || score > best.score) best = { input, missing, score }
    }
    if (best === undefined) return chosen
    const input = shrink(target, best.input, best.missing)
    if (input.length <= maxLength) chosen.push(input)
    for (const branch of branchesOf(target, input)) covered.add(branch)
  }
}

/** Takes out elements or lines, then octets at the end, while all of `wanted` is still reached. */
function shrink(target: FuzzTarget, input: Uint8Array, wanted: readonly number[]): Uint8Array {
  let best = input
  for (let goesOn = true; goesOn; ) {
    goesOn = false
    for (const candidate of smaller(target, best)) {
      if (candidate.length >= best.length) continue
      const branches = branchesOf(target, candidate)
      if (!wanted.every(branch => branches.has(branch))) continue
      best = candidate
      goesOn = true
      break
    }
  }
  return best
}

function* smaller(target: FuzzTarget, input: Uint8Array): Generator<Uint8Array> {
  if (target.mutate === mutateText) {
    const rows = Buffer.from(input).toString('latin1').split('\n')
    for (let width = rows.length >> 1; width > 0; width >>= 1) {
      for (let at = 0; at < rows.length; at += width) {
        yield new Uint8Array(Buffer.from(rows.toSpliced(at, width).join('\n'), 'latin1'))
      }
    }
    return
  }
  const tree = readTree(input)
  if (tree === undefined) {
    for (let length = 0; length < input.length; length = Math.max(length + 1, (length + input.length) >> 1)) {
      yield input.subarray(0, length)
    }
    return
  }
  const count = siblingLists(tree).length
  for (let list = 0; list < count; list++) {
    const { length } = siblingLists(tree)[list]!
    for (let width = length; width > 0; width >>= 1) {
      for (let at = 0; at < length; at += width) {
        const copied = readTree(input)!
        siblingLists(copied)[list]!.splice(at, width)
        yield writeTree(copied)
      }
    }
    // The content of a string, too.
    for (let at = 0; at < length; at++) {
      const copied = readTree(input)!
      const siblings = siblingLists(copied)[list]!
      const node = siblings[at]!
      if (node.children !== undefined || node.content.length < 2) continue
      siblings[at] = { ...node, content: node.content.subarray(0, node.content.length >> 1) }
      yield writeTree(copied)
    }
  }
}
