import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { cliError } from '../output/cli-error.ts'
import type { FleetFolder } from './fleet-folder.ts'
import { fileModes, writeFileWhole } from './write-file.ts'

/** Secrets by which operators and the broker are let in by `fleetcert serve`. */
export const tokenNames = ['operator-token', 'broker-token'] as const

/** One of {@link tokenNames}. */
export type TokenName = (typeof tokenNames)[number]

/** Makes a token where there is none. */
export async function makeToken(folder: FleetFolder, name: TokenName): Promise<void> {
  try {
    const token = randomBytes(32).toString('base64url')
    await writeFileWhole(folder.path(name), `${token}\n`, fileModes.secret, { exclusive: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

export async function readToken(folder: FleetFolder, name: TokenName): Promise<string> {
  const path = folder.path(name)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const token = text.trim()
  if (token.length >= 32 && /^[\x21-\x7e]+$/.test(token)) return token
  throw cliError({ code: 'TOKEN', message: `${path}: no token`, hint: 'fleetcert init makes what is missing' })
}
