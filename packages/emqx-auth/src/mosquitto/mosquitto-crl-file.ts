import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { PkiError } from '@fleetcert/core'
import { final } from '../rest/retry.ts'

/** How Mosquitto is told to read its CRL again: by SIGHUP to a process, or in a way of your own. */
export type MosquittoReload = { readonly pid: number } | { readonly pidFile: string } | (() => void | Promise<void>)

/** Replaces the file in one step: whoever reads it gets the old one or the new one. */
export async function replaceFile(name: string, file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o644)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new PkiError(
      'ERR_PKI_ENFORCER',
      { name, reason: `the CRL file cannot be written: ${codeOf(cause)}` },
      { cause },
    )
  }
}

export async function reloadMosquitto(name: string, reload: MosquittoReload): Promise<void> {
  if (typeof reload === 'function') return reload()
  try {
    process.kill('pid' in reload ? reload.pid : await pidOf(name, reload.pidFile), 'SIGHUP')
  } catch (cause) {
    if (cause instanceof PkiError) throw cause
    throw new PkiError('ERR_PKI_ENFORCER', { name, reason: `Mosquitto cannot be told: ${codeOf(cause)}` }, { cause })
  }
}

async function pidOf(name: string, pidFile: string): Promise<number> {
  const text = (await readFile(pidFile, 'utf8')).trim()
  // 0 and negative numbers are groups of processes, 1 is init.
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (pid > 1) return pid
  throw final(new PkiError('ERR_PKI_ENFORCER', { name, reason: 'the PID file holds no process id' }))
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'an error'
}
