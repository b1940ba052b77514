import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Server } from 'node:tls'
import type { Fleet } from '@fleetcert/core'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { BrokerAuth, ConnectDecision } from '../src/index.ts'

const blocks = [...readFileSync(new URL('../README.md', import.meta.url), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
  match => match[1]!,
)
const files: URL[] = []
afterEach(() => Promise.all(files.splice(0).map(file => rm(file))))
beforeAll(() => expect(blocks).toHaveLength(6))

/** Runs a block as it stands, but on a free port. */
async function run(index: number): Promise<never> {
  const file = new URL(`./.readme-${index}.test-tmp.ts`, import.meta.url)
  files.push(file)
  await writeFile(file, blocks[index]!.replace('listen(8883)', 'listen(0)'))
  return (await import(/* @vite-ignore */ file.href)) as never
}

it('has a handler that answers EMQX', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const { handler }: { handler(request: Request): Promise<Response> } = await run(0)
  const response = await handler(new Request('http://hub/validate', { method: 'POST', body: '{}' }))
  expect([response.status, await response.text()]).toEqual([200, '{"result":"deny"}'])
  expect(warn).toHaveBeenCalledExactlyOnceWith('callerRefused', undefined)
  warn.mockRestore()
})
it('renders a configuration', async () => {
  const { config }: { config: string } = await run(1)
  expect(config).toContain('fail_if_no_peer_cert = true')
})
it('decides', async () => {
  const { decision }: { decision: ConnectDecision } = await run(2)
  expect(decision).toMatchObject({
    result: 'allow',
    acl: [{ topics: ['up/north/pump-7/#'] }, { topics: ['down/pump-7/#', 'all/#'] }, {}],
  })
})
it('attaches aedes to a fleet', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fleetcert-'))
  vi.stubEnv('CERTS', folder)
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  try {
    const { server, fleet }: { server: Server; fleet: Fleet } = await run(3)
    await fleet.enroll('d1')
    const { enforced } = await fleet.revoke('d1')
    expect(await enforced).toEqual({ confirmed: ['aedes'], pending: [], failed: [] })

    // It shows what it has kept, and says who was refused.
    if (!server.listening) await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const stranger = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: fleet.trustAnchors })
    await once(stranger, 'secureConnect')
    expect(readFileSync(join(folder, 'server-cert.pem'), 'utf8')).toContain(
      stranger.getPeerCertificate().raw.toString('base64').slice(0, 64),
    )
    await once(stranger, 'error')
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('peer did not return a certificate'))
    server.close()
    await fleet.close()
  } finally {
    warn.mockRestore()
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  }
})
it('writes Mosquitto’s files', async () => {
  const { acl, conf }: Record<'acl' | 'conf', string> = await run(4)
  expect(acl).toContain('user backend')
  expect(conf).toContain('listener 8883')
})
it('has metrics', async () => {
  const { auth, metrics }: { auth: BrokerAuth; metrics(): string } = await run(5)
  await auth.authenticate({ clientId: 'd1' })
  expect(metrics()).toContain('fleetcert_decisions_total{action="connect",outcome="noCertificate"} 1\n')
  expect(metrics()).toMatch(/^(fleetcert_decisions_total\{action="\w+",outcome="\w+"\} \d+\n)+$/)
})
