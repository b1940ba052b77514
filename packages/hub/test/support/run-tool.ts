import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'

/** Runs a program to its end without holding up the event loop, for the hub that it asks lives in it. */
export function runTool(
  name: string,
  args: readonly string[],
  input?: string | Uint8Array,
): Promise<{ readonly status: number; readonly output: string; readonly stdout: Buffer }> {
  return new Promise((resolve, reject) => {
    const path = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter)
    const child = spawn(name, args, { env: { ...process.env, PATH: path }, timeout: 20_000 })
    const stdout: Buffer[] = []
    let output = ''
    child.stdout.on('data', (part: Buffer) => {
      stdout.push(part)
      output += part.toString()
    })
    child.stderr.on('data', (part: Buffer) => {
      output += part.toString()
    })
    child.once('error', reject)
    child.once('close', status => resolve({ status: status ?? -1, output, stdout: Buffer.concat(stdout) }))
    child.stdin.once('error', () => undefined)
    child.stdin.end(input)
  })
}
