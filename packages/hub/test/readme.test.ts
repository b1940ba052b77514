import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Hub, HubAuthorize } from '@fleetcert/hub'
import { afterEach, expect, test, vi } from 'vitest'
import { csrPem } from './support/csr.ts'

const blocks = [...readFileSync(new URL('../README.md', import.meta.url), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
  ([, code]) => code!,
)

let runs = 0

/** Runs a block as the module that it is, anew each time. */
async function run<T>(index: number): Promise<T> {
  runs += 1
  const file = new URL(`./.readme-${runs}.test-tmp.ts`, import.meta.url)
  writeFileSync(file, blocks[index]!)
  try {
    return (await import(/* @vite-ignore */ file.href)) as T
  } finally {
    rmSync(file)
  }
}

afterEach(() => vi.unstubAllEnvs())

test('the README has the blocks that are run here', () => {
  expect(blocks).toHaveLength(3)
  const lines = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split('\n')
  expect(lines.length).toBeLessThanOrEqual(150)
})

test('the first one serves a hub', async () => {
  vi.stubEnv('OPERATOR_TOKEN', 'from-the-environment')
  vi.stubEnv('BROKER_SECRET', 'another')
  const { server } = await run<{ hub: Hub; server: Server }>(0)
  if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`
  expect(await (await fetch(`${base}/health`)).json()).toEqual({ status: 'ok', fleet: 'ready' })
  const headers = { authorization: 'Bearer from-the-environment' }
  const response = await fetch(`${base}/devices/certificates/sensor-1`, { method: 'POST', headers })
  expect(response.status).toBe(201)
  expect(server.keepAliveTimeout).toBeGreaterThan(30_000)
  await new Promise(resolve => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

test('the first one does not start without its secrets', async () => {
  vi.stubEnv('OPERATOR_TOKEN', undefined)
  vi.stubEnv('BROKER_SECRET', 'another')
  await expect(run(0)).rejects.toThrow(TypeError)
})

test('the second one enrols a device by its token', async () => {
  vi.stubEnv('OPERATOR_TOKEN', 'from-the-environment')
  const { hub, server, token } = await run<{ hub: Hub; server: Server; token: string }>(1)
  if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const url = `https://127.0.0.1:${port}/api/device/enroll`
  const response = await hub(
    new Request(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ deviceId: 'sensor-1', csr: await csrPem() }),
    }),
  )
  expect(response.status).toBe(201)
  await new Promise(resolve => server.close(resolve))
})

test('the third one keeps tenants apart', async () => {
  vi.stubGlobal('tenantOf', async (request: Request) => request.headers.get('tenant') ?? undefined)
  const { byTenant } = await run<{ byTenant: HubAuthorize }>(2)
  const ask = (tenant: string | undefined, action: Parameters<HubAuthorize>[1]) =>
    byTenant(new Request('http://hub.example/', tenant === undefined ? {} : { headers: { tenant } }), action, {})
  expect(await ask('acme', { type: 'enroll', deviceId: 'acme.1', owner: 'acme' })).toBe(true)
  expect(await ask('acme', { type: 'enroll', deviceId: 'acme.1', owner: 'other' })).toBe(false)
  expect(await ask('acme', { type: 'enroll', deviceId: 'other.1', owner: 'acme' })).toBe(false)
  expect(await ask('acme', { type: 'createToken', deviceId: 'acme.1', owner: 'other' })).toBe(false)
  expect(await ask('acme', { type: 'createToken', deviceId: 'acme.1', owner: 'acme' })).toBe(true)
  expect(await ask('acme', { type: 'scheduleRenewals' })).toBe(false)
  expect(await ask('acme', { type: 'list' })).toBe(false)
  expect(await ask('acme', { type: 'revoke', deviceId: 'acme.1' })).toBe(true)
  expect(await ask('acme', { type: 'revoke', deviceId: 'other.1' })).toBe(false)
  expect(await ask('acme', { type: 'read' })).toBe(false)
  expect(await ask(undefined, { type: 'enroll', deviceId: 'x' })).toBe(false)
  expect(await ask('acme', { type: 'authorize' })).toBe(false)
  vi.unstubAllGlobals()
})
