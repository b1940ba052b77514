import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Runs the ```ts blocks of a README, each as a module of its own beside the test, so that what the page shows is what the packages do.
 * Blocks marked ```ts no-run are not: they need a broker or never end.
 */
export async function runReadme(readme: string, beside: string): Promise<number> {
  const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(match => match[1]!)
  for (const [index, block] of blocks.entries()) {
    const file = join(dirname(beside), `.readme-${index}.test-tmp.ts`)
    writeFileSync(file, block)
    try {
      await import(/* @vite-ignore */ `${pathToFileURL(file).href}?${Date.now()}`)
    } finally {
      rmSync(file, { force: true })
    }
  }
  return blocks.length
}
