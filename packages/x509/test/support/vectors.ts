import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'

const root = join(import.meta.dirname, '../../../../../shared/vectors')

/** A suite over test data made by others, `../shared/vectors/<folder>` beside the repository: skipped visibly when it is not there. */
export function describeVectors(folder: string, name: string, suite: (vectors: Vectors) => void): void {
  const directory = join(root, folder)
  const isHere = existsSync(directory)
  describe.skipIf(!isHere)(`${name}${isHere ? '' : ` (skipped: no ../shared/vectors/${folder})`}`, () => {
    suite({
      path: file => join(directory, file),
      files: (sub = '') => (isHere ? readdirSync(join(directory, sub)).sort() : []),
      bytes: file => new Uint8Array(readFileSync(join(directory, file))),
      text: file => readFileSync(join(directory, file), 'utf8'),
    })
  })
}

export interface Vectors {
  path(file: string): string
  /** Names in the folder, or in one under it. Empty when the folder is absent: suites are collected even if skipped. */
  files(sub?: string): string[]
  bytes(file: string): Uint8Array
  text(file: string): string
}
