import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { freePort } from './mosquitto.ts'
import type { TestCredential } from './test-ca.ts'

const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** `openssl s_server` with more parameters of the caller's. */
export async function startOpensslServer(
  server: Pick<TestCredential, 'certificatePath' | 'privateKeyPath'>,
  ...parameters: string[]
): Promise<AsyncDisposable & { readonly url: string }> {
  const port = await freePort()
  const child = spawn(
    'openssl',
    [
      's_server',
      ...['-accept', `127.0.0.1:${port}`, '-cert', server.certificatePath, '-key', server.privateKeyPath, '-quiet'],
      ...parameters,
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  children.add(child)
  let log = ''
  child.stderr.on('data', chunk => {
    log += String(chunk)
  })
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`openssl s_server ended: ${log}`)
    await sleep(20)
  }
  return {
    url: `mqtts://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await ended
    },
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
