import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { pkiErrorSentences } from '@fleetcert/x509'
import { expect, it } from 'vitest'
import { errorsDoc, reservedErrorCodes } from '../../../../scripts/errors-doc.ts'

const root = new URL('../../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

it('docs/errors.md is made from the table as it is now', () => {
  expect(read('docs/errors.md'), 'run `pnpm errors-doc`').toBe(errorsDoc())
})

it('marks as reserved what nothing throws, and nothing else', async () => {
  const sources = await Array.fromAsync(glob('packages/*/src/**/*.ts', { cwd: fileURLToPath(root) }))
  // A code in quotes is used. The table has the codes as keys; conformance suites expect codes, which throws none.
  const throwing = sources.filter(path => !path.endsWith('pki-error-codes.ts') && !path.includes('/testing/'))
  const texts = new Map(throwing.map(path => [path, read(path)]))
  const usedIn = (code: string): string[] => [...texts.keys()].filter(path => texts.get(path)!.includes(`'${code}'`))

  const unused = Object.keys(pkiErrorSentences).filter(code => usedIn(code).length === 0)
  expect(unused.sort()).toEqual([...reservedErrorCodes].sort())
})
