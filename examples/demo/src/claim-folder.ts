import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another demo runs in this folder. */
export class FolderInUse extends Error {}

/**
 * Makes `directory` anew for this process, which its file `pid` names. What a demo that has ended left there is deleted; the folder of one that runs is not touched.
 *
 * @throws FolderInUse
 */
export function claimFolder(directory: string): { release(): void } {
  const file = join(directory, 'pid')
  const pid = readPid(file)
  if (pid !== undefined && isAlive(pid)) {
    throw new FolderInUse(
      `A demo is running here already (process ${pid}): end it first. If it is none, delete ${file}.`,
    )
  }
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  // Exclusive: of two that start at once, one fails.
  writeFileSync(file, `${process.pid}\n`, { flag: 'wx' })
  return { release: () => rmSync(file, { force: true }) }
}

function readPid(file: string): number | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  // 0 and negative numbers would be process groups.
  return /^[1-9]\d*$/.test(text.trim()) ? Number(text) : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is somebody else's, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
