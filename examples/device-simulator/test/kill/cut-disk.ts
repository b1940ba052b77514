import promises, { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const changes = ['mkdir', 'link', 'rename', 'unlink', 'copyFile', 'writeFile'] as const

/**
 * Ends this process by SIGKILL when it is about to change something on disk for the n-th time: just before, or, where it writes into a file, after half of what it writes.
 * Every call that changes something counts, each write and each sync of a file or folder too.
 */
export async function cutAt(change: number): Promise<void> {
  let left = change
  const isCut = (): boolean => {
    left -= 1
    return left === 0
  }
  const die = (): void => void process.kill(process.pid, 'SIGKILL')

  const file = await open('/dev/null')
  const handles = Object.getPrototypeOf(file) as FileHandle
  await file.close()
  const { sync, writeFile } = handles
  handles.sync = function (this: FileHandle) {
    if (isCut()) die()
    return sync.call(this)
  }
  handles.writeFile = async function (this: FileHandle, data, options) {
    if (isCut()) {
      const text = String(data)
      await writeFile.call(this, text.slice(0, text.length / 2), options)
      die()
    }
    return writeFile.call(this, data, options)
  }
  const calls = promises as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>
  for (const name of changes) {
    const real = calls[name]!
    calls[name] = (...given) => {
      if (isCut()) die()
      return real(...given)
    }
  }
  const realOpen = calls['open']!
  calls['open'] = (...given) => {
    if (/[wa]/.test(String(given[1] ?? 'r')) && isCut()) die()
    return realOpen(...given)
  }
  syncBuiltinESMExports()
}
