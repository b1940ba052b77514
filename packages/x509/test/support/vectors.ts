import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'

const root = join(import.meta.dirname, '../../../../../shared/vectors')

/** A suite over test data made by others, `../shared/vectors/<folder>` beside the repository: skipped visibly when it is not there. */
export function describeVectors(folder: string, name: string, suite: (vectors: Vectors) => void): void {
  const directory = join(root, folder)
  if (!existsSync(directory)) {
    describe(name, () => {
      it.skip(`skipped: no ../shared/vectors/${folder}`)
    })
    return
  }
  describe(name, () => {
    suite({
      path: file => join(directory, file),
      files: (sub = '') => readdirSync(join(directory, sub)).sort(),
      bytes: file => new Uint8Array(readFileSync(join(directory, file))),
      text: file => readFileSync(join(directory, file), 'utf8'),
    })
  })
}

export interface Vectors {
  path(file: string): string
  /** Names in the folder, or in one under it. */
  files(sub?: string): string[]
  bytes(file: string): Uint8Array
  text(file: string): string
}
