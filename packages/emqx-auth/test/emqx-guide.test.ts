import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { freePort, listening } from '../../../test-support/ports.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { mosquittoAcl, mosquittoConfig } from '../src/mosquitto/index.ts'
import { startEmqxApi } from './emqx/enforcer/emqx-api-server.ts'
import { startEmqx4Api } from './emqx/enforcer/emqx4-api-server.ts'
import { findTool } from './support/tools.ts'

// The guide of docs/emqx.md, followed as it stands, up to the installation of EMQX itself: its management API is a replayed one, and in the place of its listener stands Mosquitto with the files made for EMQX.

const root = join(import.meta.dirname, '..', '..', '..')
const page = readFileSync(join(root, 'docs', 'emqx.md'), 'utf8')
const guide = page.split(/^## /m).find(part => part.startsWith('From nothing to production'))!
const files = [...guide.matchAll(/```ts\n\/\/ (\S+\.ts)\n(.*?)```/gs)].map(([, name, text]) => [name!, text!] as const)
const blocks = [...guide.matchAll(/```sh\n(.*?)```/gs)].map(([, text]) => text!)
const tools = ['bash', 'openssl', 'curl', 'mosquitto', 'mosquitto_pub']

describeWith(tools, 'the guide from nothing to production', () => {
  it.each(['4.4', '5.0.22', '5.8.9', '6.2.2'])(
    'leads to a device that connects and is revoked, EMQX %s',
    async version => {
      const is4 = version.startsWith('4.')
      expect(files.map(([name]) => name)).toEqual(['fleet.ts', 'setup.ts', 'hub.ts'])
      expect(blocks).toHaveLength(5)
      await using api = await (is4 ? startEmqx4Api : startEmqxApi)({ key: 'fleetcert', secret: 'a-s3cret' })
      // A place from which the packages can be imported.
      const folder = mkdtempSync(join(root, 'examples', 'express', '.guide-test-tmp-'))
      const path = (name: string): string => join(folder, name)
      let broker: ChildProcess | undefined
      let shell: ChildProcess | undefined
      try {
        writeFileSync(path('package.json'), '{"type":"module"}')
        for (const [name, text] of files) writeFileSync(path(name), text)
        const [port, hubPort] = [await freePort(), await freePort()]
        const wait = 'touch made; until [ -e listening ]; do sleep 0.1; done\n'
        // The hub answers a revocation before the brokers have: as in production, it goes on meanwhile.
        const stay = 'touch revoked; until [ -e silenced ]; do sleep 0.1; done\n'
        writeFileSync(
          path('guide.sh'),
          `set -e\ntrap 'kill $(jobs -p)' EXIT\n${blocks[0]}${wait}${blocks.slice(1).join('')}${stay}`,
        )
        let output = ''
        shell = spawn('bash', ['--norc', 'guide.sh'], {
          cwd: folder,
          env: {
            ...process.env,
            PATH: `${dirname(process.execPath)}:${process.env['PATH']}:/usr/sbin`,
            NODE_OPTIONS: '--conditions=fleetcert-source --disable-warning=ExperimentalWarning',
            EMQX_VERSION: version,
            EMQX_API_URL: api.url,
            EMQX_API_SECRET: 'a-s3cret',
            BROKER_PORT: String(port),
            PORT: String(hubPort),
          },
        })
        for (const stream of [shell.stdout!, shell.stderr!]) {
          stream.setEncoding('utf8').on('data', (text: string) => (output += text))
        }
        const exited = new Promise<number | null>(resolve => shell!.once('exit', resolve))
        await expect.poll(() => existsSync(path('made')) || shell!.exitCode !== null, { timeout: 30_000 }).toBe(true)
        expect(shell.exitCode, output).toBeNull()

        const made = is4
          ? [
              'ca-cert.pem',
              'emqx.conf',
              'emqx_auth_http.conf',
              'fleetcert-acl.conf',
              'server-cert.pem',
              'server-key.pem',
            ]
          : ['api-key', 'ca-cert.pem', 'fleet.hocon', 'server-cert.pem', 'server-key.pem']
        // What is printed so far is the list of files: the lint has found nothing.
        expect(output.trim().split('\n')).toEqual(made)
        for (const name of made) expect(statSync(path(`emqx/${name}`)).mode & 0o777).toBe(0o600)
        expect(readFileSync(path(is4 ? 'emqx/emqx_auth_http.conf' : 'emqx/fleet.hocon'), 'utf8')).toContain(
          `:${hubPort}/`,
        )

        writeFileSync(path('acl'), mosquittoAcl())
        const user = process.getuid?.() === 0 ? 'user root\n' : ''
        const conf = mosquittoConfig({
          port,
          host: '127.0.0.1',
          caFile: path('emqx/ca-cert.pem'),
          certFile: path('emqx/server-cert.pem'),
          keyFile: path('emqx/server-key.pem'),
          aclFile: path('acl'),
        })
        writeFileSync(path('mosquitto.conf'), conf + user)
        broker = spawn(findTool('mosquitto')!, ['-c', path('mosquitto.conf')], { stdio: 'ignore' })
        await listening(port)
        api.sessions.add('sensor-1')
        writeFileSync(path('listening'), '')

        await expect.poll(() => existsSync(path('revoked')) || shell!.exitCode !== null, { timeout: 30_000 }).toBe(true)
        expect(shell.exitCode, output).toBeNull()
        await expect.poll(() => [api.sessions.size, api.bans.size], { timeout: 15_000 }).toEqual([0, 1])
        writeFileSync(path('silenced'), '')

        expect(await exited, output).toBe(0)
        expect(output).toContain('sensor-1-cert.pem: OK')
        expect(output).toContain('\npublished\n')
        const answers = [...output.matchAll(/^(\d{3}) (.*)$/gm)].map(([, status, body]) => [status, body!.slice(0, 17)])
        const allow = ['200', '{"result":"allow"']
        const deny = ['200', '{"result":"deny"}']
        const mixedUp = ['403', expect.anything()]
        expect(answers).toEqual(is4 ? [mixedUp, mixedUp, ['200', 'allow'], mixedUp] : [allow, deny, mixedUp, deny])
        expect(output).toContain('"reason":"keyCompromise"')
      } finally {
        shell?.kill()
        broker?.kill()
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      }
    },
    60_000,
  )
})

it('links to headings that there are', () => {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
  const links = [...page.matchAll(/\]\(#([\w-]+)\)/g)].map(([, link]) => link!)
  expect(links.length).toBeGreaterThan(10)
  for (const link of links) expect(headings).toContain(link)
})
