import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { hasTool } from '../../../test-support/tools.ts'
import { denyReasonSentences } from '../src/deny-reason.ts'
import type { BrokerAuth, ConnectDecision } from '../src/index.ts'
import { endEntity, opensslPki } from './support/openssl-pki.ts'

// The examples of docs/emqx.md, as they stand.
const page = readFileSync(new URL('../../../docs/emqx.md', import.meta.url), 'utf8')
const files: URL[] = []
afterEach(() => Promise.all(files.splice(0).map(file => rm(file))))

async function run<T>(section: string, index = 0): Promise<T> {
  const text = page.split(/^## /m).find(part => part.startsWith(section)) ?? ''
  const block = [...text.matchAll(/```ts\n(.*?)```/gs)][index]?.[1]
  expect(block).toBeDefined()
  const file = new URL(`./.emqx-doc-${section.replaceAll(' ', '-')}-${index}.test-tmp.ts`, import.meta.url)
  files.push(file)
  await writeFile(file, block!)
  return (await import(/* @vite-ignore */ file.href)) as T
}

it('binds the user name', async () => {
  const { decision } = await run<{ decision: ConnectDecision }>('Who it is')
  expect(decision).toEqual({ result: 'deny', reason: 'usernameNotBound', deviceId: 'pump-7' })
})
it('goes by the name alone', async () => {
  const { decision } = await run<{ decision: ConnectDecision }>('Who it is', 1)
  expect(decision).toMatchObject({ result: 'allow', deviceId: 'pump-7' })
})
it.skipIf(!hasTool('openssl'))('writes the trust file, and registers devices of a manufacturer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fleetcert-'))
  try {
    const openssl = opensslPki(folder)
    const { trustFor } = await run<{ trustFor(deviceId: string, certificate: string): string }>('Pinned certificates')
    const { certificate } = openssl('/CN=anything')
    expect(trustFor('pump-7', certificate).endsWith(certificate)).toBe(true)

    type AuthFor = (root: string, issuing: string, bought: ReadonlyMap<string, string>) => BrokerAuth
    const { authFor } = await run<{ authFor: AuthFor }>('Certificates of another CA')
    const root = openssl('/CN=Acme root')
    const issuing = openssl('/CN=Acme issuing', { issuer: root })
    const auth = authFor(root.certificate, issuing.certificate, new Map([['7', 'alice']]))
    const connect = (serial: string) => {
      const { der } = openssl(`/serialNumber=${serial}/CN=pump`, { extensions: endEntity, issuer: issuing })
      return auth.authenticate({ clientId: `acme-${serial}`, certificate: { der } })
    }
    expect(await connect('7')).toMatchObject({ result: 'allow', deviceId: 'acme-7', owner: 'alice' })
    expect(await connect('8')).toEqual({ result: 'deny', reason: 'registrationRefused' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
it('names reasons that there are', () => {
  const table = page.split(/^## /m).find(part => part.startsWith('Reasons')) ?? ''
  const names = [...table.matchAll(/^\| `(\w+)`/gm)].map(match => match[1]!)
  expect(names.length).toBeGreaterThan(5)
  for (const name of names) expect(Object.keys(denyReasonSentences)).toContain(name)
})
