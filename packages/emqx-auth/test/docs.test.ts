import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseEmqxVersion } from '../src/emqx/config/emqx-version.ts'
import { fillsPlaceholder, type TemplateOwner } from '../src/emqx/config/placeholders.ts'
import { emqxLintRules } from '../src/emqx/lint/rules/index.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'emqx.md'), 'utf8')

it('has every rule of the lint in docs/emqx.md', () => {
  const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \| (error|warning) \| (.+) \|$/gm)].map(row => row.slice(1))
  expect(rows).toEqual(emqxLintRules.map(({ id, severity, requirement }) => [id, severity, requirement]))
})

it('has the first release of each placeholder', () => {
  const releases = ['5.0.0', '5.0.4', '5.0.9', '5.1.0', '5.2.0', '5.7.0', '5.7.1', '5.7.2', '5.8.0', '5.8.6', '5.9.0']
  const firstOf = (owner: TemplateOwner, name: string): string =>
    releases.find(release => fillsPlaceholder(parseEmqxVersion(release)!, owner, name)) ?? ''
  const rows = page.split('| placeholder | authenticator | authorizer |\n')[1]!.split('\n\n')[0]!.split('\n').slice(1)
  expect(rows).toHaveLength(9)
  for (const row of rows) {
    const [, names, authenticator, authorizer] = row.split('|').map(cell => cell.trim())
    for (const name of names!.split(', ').map(one => one.replaceAll('`', '').replace('.*', '.x'))) {
      expect([name, firstOf('authenticator', name)]).toEqual([name, authenticator])
      // The name is known there, the value is not.
      if (authorizer !== 'never filled') expect([name, firstOf('authorizer', name)]).toEqual([name, authorizer])
    }
  }
})

it('has an example in which the lint finds nothing', async () => {
  const block = page.split('## Configuration\n')[1]!.match(/```ts\n(.*?)```/s)![1]!
  const file = join(import.meta.dirname, '.docs-configuration.test-tmp.ts')
  writeFileSync(file, block)
  try {
    expect(await import(/* @vite-ignore */ file)).toMatchObject({ findings: [] })
  } finally {
    rmSync(file)
  }
})
