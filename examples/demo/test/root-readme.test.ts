import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../../test-support/tools.ts'
import { freePort } from '../src/free-port.ts'

it('runs the root README: its server, then its curl commands', async () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(match => match[1]!)
  expect(blocks).toHaveLength(1)
  const port = await freePort(0)
  const file = fileURLToPath(new URL('.root-readme.test-tmp.ts', import.meta.url))
  const folder = temporaryDirectory()
  writeFileSync(file, blocks[0]!.replace('listen(3000', `listen(${port}`))
  const server = spawn(process.execPath, ['--conditions=fleetcert-source', file], {
    cwd: folder.directory,
    env: { ...process.env, OPERATOR_TOKEN: 'operator-token', BROKER_SECRET: 'broker-secret' },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let errors = ''
  server.stderr.on('data', chunk => (errors += String(chunk)))
  try {
    const base = `http://127.0.0.1:${port}/api`
    for (let attempt = 0; ; attempt += 1) {
      const healthy = await fetch(`${base}/health`).then(
        response => response.ok,
        () => false,
      )
      if (healthy) break
      if (attempt > 200 || server.exitCode !== null) throw new Error(`the server does not answer: ${errors}`)
      await sleep(50)
    }
    const headers = { authorization: 'Bearer operator-token', 'content-type': 'application/json' }
    const device = `${base}/devices/certificates/sensor-1`
    const enrolled = await fetch(device, { method: 'POST', headers, body: '{"owner":"alice"}' })
    expect(enrolled.status).toBe(201)
    const credential = (await enrolled.json()) as Record<string, string>
    const der = Buffer.from(credential['clientCert']!.split('-----')[2]!, 'base64').toString('base64')
    const ask = async (): Promise<unknown> => {
      const answer = await fetch(`${base}/devices/certificates/validate`, {
        method: 'POST',
        headers: { 'x-broker-secret': 'broker-secret', 'content-type': 'application/json' },
        body: JSON.stringify({
          clientid: 'sensor-1',
          username: '',
          peerhost: '127.0.0.1',
          cert_pem: der,
          cert_common_name: 'sensor-1',
          cert_subject: 'CN=sensor-1',
        }),
      })
      return ((await answer.json()) as { result: unknown }).result
    }
    expect(await ask()).toBe('allow')
    expect((await fetch(device, { method: 'DELETE', headers: { authorization: headers.authorization } })).status).toBe(
      200,
    )
    expect(await ask()).toBe('deny')
  } finally {
    server.kill()
    if (server.exitCode === null) await once(server, 'exit')
    rmSync(file, { force: true })
    folder.remove()
  }
})
