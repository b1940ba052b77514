import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../test-support/tools.ts'
import { type Backend, startBackend } from '../src/backend/start-backend.ts'

// docs/devices.md, from its empty folder on: its programs and its commands as they are written.
const page = readFileSync(new URL('../../../docs/devices.md', import.meta.url), 'utf8')
const client = new URL('../../../packages/mqtt-client/', import.meta.url).pathname
const backendFolder = temporaryDirectory()
const folder = temporaryDirectory()
const children = new Set<ChildProcess>()
let backend: Backend
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  backend = await startBackend({ directory: backendFolder.path('backend'), broker: 'aedes', renewalInfoSeconds: 1 })
  const { hubUrl, brokerUrl, operatorToken, trustAnchors } = backend.address
  environment = {
    ...process.env,
    HUB_URL: hubUrl,
    BROKER_URL: brokerUrl,
    OPERATOR_TOKEN: operatorToken,
    NODE_OPTIONS: '--conditions=fleetcert-source --disable-warning=ExperimentalWarning',
    PATH: `${process.execPath.replace(/\/[^/]+$/, '')}:${process.env['PATH']}`,
  }
  writeFileSync(folder.path('ca-cert.pem'), trustAnchors)
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await backend.close()
  folder.remove()
  backendFolder.remove()
})

function blocks(section: string, language: string): string[] {
  const text = page.split(/^## /m).find(part => part.startsWith(`${section}\n`))
  if (text === undefined) throw new Error(`docs/devices.md has no section "${section}"`)
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(match => match[1] === language).map(match => match[2]!)
}

/** Runs commands of the page in the device's folder; what they print. */
async function shell(commands: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
  // bash takes a socket as its input for a remote shell, and reads the machine's bashrc.
  const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', commands], {
    cwd: folder.directory,
    env: { ...environment, ...more },
  })
  children.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const [code] = await once(child, 'close')
  children.delete(child)
  if (code !== 0) throw new Error(`${commands}\nended with ${code}:\n${output}`)
  return output
}

interface Device {
  readonly child: ChildProcess
  says(text: string): Promise<void>
  readonly output: () => string
}

function startDevice(): Device {
  const [command] = blocks('The device', 'sh').slice(-1)
  expect(command).toBe('node device.mjs\n')
  const child = spawn('node', ['device.mjs'], { cwd: folder.directory, env: environment })
  children.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const output_ = (): string => output
  return {
    child,
    output: output_,
    async says(text) {
      await expect.poll(output_, { timeout: 90_000, interval: 100 }).toContain(text)
    },
  }
}

async function end({ child }: Device, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
  children.delete(child)
}

/** The page's call to hurry, with its minute as two seconds. */
async function hurry(): Promise<void> {
  const [command] = blocks('Renewal', 'sh')
  expect(command).toContain("'+1 minute'")
  await sleep(5)
  await shell(command!.replace('+1 minute', '+2 seconds'))
}

const timeout = 240_000

describeWith(['bash', 'curl', 'jq', 'openssl'], 'docs/devices.md', () => {
  test('from an empty folder to a device that renews itself', { timeout }, async () => {
    const [addresses, token] = blocks('What the operator gives you', 'sh')
    expect(addresses).toMatch(/^export HUB_URL=\S+ BROKER_URL=\S+\n$/)
    await shell(token!)
    expect(readFileSync(folder.path('token'), 'utf8')).toMatch(/^\S{43,}\n$/)

    const [install] = blocks('The device', 'sh')
    expect(install).toBe('npm init -y\nnpm install @fleetcert/mqtt-client\n')
    // As npm would put it there.
    mkdirSync(folder.path('node_modules/@fleetcert'), { recursive: true })
    symlinkSync(client, folder.path('node_modules/@fleetcert/mqtt-client'))
    writeFileSync(folder.path('device.mjs'), blocks('The device', 'js')[0]!)
    let device = startDevice()
    await device.says('connected')

    // What is on disk.
    expect(existsSync(folder.path('token'))).toBe(false)
    const names = readdirSync(folder.path('identity/devices')).sort()
    expect(names).toEqual(['sensor-1-cert.pem', 'sensor-1-identity', 'sensor-1-key.pem', 'sensor-1-trust.pem'])
    const [look] = blocks('What is on disk', 'sh')
    expect(await shell(look!)).toMatch(/^subject=.*CN ?= ?sensor-1\nnotAfter=/)

    await hurry()
    await device.says('renewed, good until ')
    expect(device.output()).toMatch(
      /connected\nrenewing, the certificate ends \S+\nclosed \nrenewed, good until \S+\n$/,
    )
    expect(await backend.certificates()).toMatchObject({ devices: 1, issued: 2, good: 1 })

    // A power cut, and a start without the token.
    const [powerCut] = blocks('Power cuts', 'sh')
    expect(powerCut).toBe('kill -9 "$DEVICE_PID"\nnode device.mjs\n')
    await end(device, 'SIGKILL')
    device = startDevice()
    await device.says('connected')

    // A new root is announced.
    await backend.announceCa()
    await device.says('trust updated 1 0')

    await end(device, 'SIGTERM')
    expect(device.output()).not.toMatch(/failed|refused|not renewed/)
  })

  test('over MQTT alone', { timeout }, async () => {
    const program = readFileSync(folder.path('device.mjs'), 'utf8')
    const [line] = blocks('Over MQTT alone', 'js')
    expect(program).toContain('  renewal: { hub },\n')
    // Asks at once, to save a minute.
    writeFileSync(
      folder.path('device.mjs'),
      program.replace('  renewal: { hub },\n', line!.replace(' },', ', pollSeconds: 2 },')),
    )
    const device = startDevice()
    await device.says('connected')
    await hurry()
    await device.says('renewed, good until ')
    await end(device, 'SIGTERM')
    expect(device.output()).not.toMatch(/failed|refused|not renewed/)
  })

  test('diagnosis', { timeout }, async () => {
    writeFileSync(folder.path('diagnose.mjs'), blocks('When it does not connect', 'js')[0]!)
    const [command] = blocks('When it does not connect', 'sh')
    const well = await shell(command!)
    expect(well).toContain('MQTT_OK')
    expect(well).toContain('CLOCK_OK')
    expect(well).not.toContain('PROBLEM')

    await backend.fleet.revoke('sensor-1')
    const revoked = await shell(`${command!.trim()} || true`)
    expect(revoked).toMatch(/PROBLEM {2}MQTT_REFUSED/)
  })

  test('EST', { timeout }, async () => {
    const { token } = await backend.fleet.createToken({ deviceId: 'sensor-2' })
    const [enrol, renew] = blocks('Without Node: EST', 'sh')
    await shell(enrol!, { TOKEN: token })
    await shell(renew!)
    const subject = await shell('openssl x509 -in new-cert.pem -noout -subject')
    expect(subject).toMatch(/CN ?= ?sensor-2/)
    expect((await backend.fleet.device('sensor-2'))?.status).toBe('active')
  })

  test('what the page names is there', () => {
    const text = readFileSync(new URL('../../../docs/hub-device-api.md', import.meta.url), 'utf8')
    for (const [, section] of page.matchAll(/\(hub-device-api\.md#(\w+)\)/g)) {
      expect(text.toLowerCase()).toContain(`\n## ${section}\n`)
    }
    for (const [, heading] of page.matchAll(/\]\(#([^)]+)\)/g)) {
      const headings = [...page.matchAll(/^## (.*)$/gm)].map(match => match[1]!.toLowerCase().replace(/[^\w -]/g, ''))
      expect(headings.map(name => name.replaceAll(' ', '-'))).toContain(heading)
    }
    const [command] = blocks('A whole fleet', 'sh')
    expect(existsSync(new URL(`../../../${/examples\S+/.exec(command!)![0]}`, import.meta.url))).toBe(true)
  })
})
