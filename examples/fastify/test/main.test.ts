import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { encodeCertId, encodeOcspRequest, parseCertificate, parseOcspResponse } from '@fleetcert/core'
import { afterAll, beforeAll, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'fleetcert-example-'))
const operator = { authorization: 'Bearer an-operator-token' }
let running: { process: ChildProcess; base: string }

/** Starts the example as its README does and waits until it listens. */
async function start(environment: Record<string, string> = {}): Promise<{ process: ChildProcess; base: string }> {
  const child = spawn(process.execPath, ['--conditions=fleetcert-source', main], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      PUBLISH_URL: 'http://pki.example',
      FLEET_FOLDER: join(folder, 'fleet'),
      OPERATOR_TOKEN: 'an-operator-token',
      BROKER_SECRET: 'a-broker-secret',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const line of createInterface({ input: child.stdout! })) {
    const base = /^listening on (http:.*)$/.exec(line)?.[1]
    if (base !== undefined) return { process: child, base }
  }
  throw new Error('the example ended before it listened')
}

async function stop({ process: child }: { process: ChildProcess }): Promise<void> {
  child.kill('SIGTERM')
  if (child.exitCode === null) await once(child, 'exit')
}

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  const url = `${running.base}/api/devices/certificates${path}`
  const response = await fetch(url, {
    method,
    headers: { connection: 'close', ...headers },
    ...(body !== undefined && { body }),
  })
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  return { status: response.status, json: (await response.json()) as any }
}

beforeAll(async () => {
  running = await start()
})
afterAll(async () => {
  await stop(running)
  rmSync(folder, { recursive: true })
})

test('has under 40 lines of code', () => {
  const lines = readFileSync(main, 'utf8').split('\n')
  expect(lines.filter(line => !/^\s*(\/\/.*)?$/.test(line)).length).toBeLessThan(40)
})

test('enrols a device, answers the broker, and refuses the device once it is revoked', async () => {
  const enrolled = await ask(
    'POST',
    '/sensor-1',
    { ...operator, 'content-type': 'application/json' },
    '{"owner":"alice"}',
  )
  expect(enrolled.status).toBe(201)
  const [pem] = (enrolled.json.clientCert as string).split('-----END')
  const question = JSON.stringify({
    clientid: 'sensor-1',
    cert_pem: pem!.replace('-----BEGIN CERTIFICATE-----', '').replaceAll('\n', ''),
  })
  const broker = { 'x-broker-secret': 'a-broker-secret', 'content-type': 'application/json' }
  expect((await ask('POST', '/validate', broker, question)).json).toMatchObject({ result: 'allow' })
  expect((await ask('DELETE', '/sensor-1', operator)).status).toBe(200)
  expect(await ask('POST', '/validate', broker, question)).toEqual({ status: 200, json: { result: 'deny' } })
})

test('lets nobody in without a token, and denies the broker what is not JSON', async () => {
  expect((await ask('POST', '/sensor-2')).status).toBe(401)
  const broker = { 'x-broker-secret': 'a-broker-secret', 'content-type': 'application/json' }
  expect(await ask('POST', '/validate', broker, '{')).toEqual({ status: 200, json: { result: 'deny' } })
})

test('the application around it answers its own addresses', async () => {
  const response = await fetch(`${running.base}/`, { headers: { connection: 'close' } })
  expect(await response.text()).toBe('the application around it')
})

test('serves CRL, CA certificate and health', async () => {
  const { json } = await ask('GET', '/ca/certificate')
  expect(json.caCert).toMatch(/^-----BEGIN CERTIFICATE-----/)
  expect(await (await fetch(`${running.base}/api/health`)).json()).toEqual({ status: 'ok', fleet: 'ready' })
  expect((await fetch(`${running.base}/crl/0000000000000000-0.crl`)).status).toBe(404)
})

test('answers at every address that it writes into certificates, before and after a revocation', async () => {
  const { json } = await ask('POST', '/sensor-4', operator)
  const [pem, issuerPem] = (json.clientCert as string).split(/(?<=-----END CERTIFICATE-----\n)/)
  const certificate = parseCertificate(pem!)
  const { ocsp, caIssuers } = certificate.authorityInfoAccess!
  const get = (url: string, init: RequestInit = {}): Promise<Response> =>
    fetch(url.replace('http://pki.example', running.base), { ...init, headers: { connection: 'close' } })
  for (const url of [...certificate.crlDistributionPoints!, ...caIssuers]) expect((await get(url)).status).toBe(200)
  const request = encodeOcspRequest([encodeCertId(parseCertificate(issuerPem!), certificate.serialNumber)])
  const base64 = Buffer.from(request).toString('base64')
  const status = async (): Promise<string[]> => {
    const replies = [
      await get(ocsp[0]!, { method: 'POST', body: request as Uint8Array<ArrayBuffer> }),
      await get(`${ocsp[0]}/${encodeURIComponent(base64)}`),
      await get(`${ocsp[0]}/${base64}`),
    ]
    const answers = await Promise.all(replies.map(async reply => parseOcspResponse(await reply.bytes())))
    return answers.flatMap(answer =>
      answer.status === 'successful' ? answer.responses.map(({ certStatus }) => certStatus) : answer.status,
    )
  }
  expect(await status()).toEqual(['good', 'good', 'good'])
  await ask('DELETE', '/sensor-4', operator)
  expect(await status()).toEqual(['revoked', 'revoked', 'revoked'])
})

test('knows its devices after a restart', async () => {
  expect((await ask('POST', '/sensor-3', operator)).status).toBe(201)
  await stop(running)
  running = await start()
  expect((await ask('GET', '/sensor-3', operator)).json).toMatchObject({ id: 'sensor-3', isValid: true })
})

test('says in one line that its port is taken', async () => {
  const child = spawn(process.execPath, ['--conditions=fleetcert-source', main], {
    env: {
      PATH: process.env['PATH'],
      NODE_NO_WARNINGS: '1',
      PORT: new URL(running.base).port,
      FLEET_FOLDER: join(folder, 'another-fleet'),
      OPERATOR_TOKEN: 'an-operator-token',
      BROKER_SECRET: 'a-broker-secret',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', chunk => (errors += String(chunk)))
  expect(await once(child, 'close')).toEqual([1, null])
  expect(errors).toMatch(/^listen EADDRINUSE[^\n]*\n$/)
})

test('does not start without its secrets', async () => {
  await expect(start({ OPERATOR_TOKEN: '' })).rejects.toThrow('ended before')
})
