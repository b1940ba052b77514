import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { CliIo } from '../cli-io.ts'
import { cliError } from '../output/cli-error.ts'

/** The octets of a file, or of standard input for `-`; never more than the limit. */
export async function readInput(file: string, io: CliIo, limitBytes: number = 16 * 1024 * 1024): Promise<Buffer> {
  const stream = file === '-' ? io.stdin : createReadStream(resolve(io.cwd, file))
  const parts: Uint8Array[] = []
  let length = 0
  const stop = (): void => void stream.destroy(io.signal.reason)
  io.signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const part of stream) {
      const octets = typeof part === 'string' ? Buffer.from(part) : part
      length += octets.length
      if (length > limitBytes) {
        throw cliError({ code: 'TOO_LARGE', message: `${file}: more than ${limitBytes} octets` })
      }
      parts.push(octets)
    }
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
  return Buffer.concat(parts)
}
