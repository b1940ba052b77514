import type { Stats } from 'node:fs'
import { PkiError } from '@fleetcert/x509'

/**
 * That a file or folder belongs to this process or to root, and has none of the mode bits `forbidden`. Windows has neither.
 * @throws PkiError `ERR_PKI_KEY_PERMISSIONS`
 */
export function checkAccess(path: string, { mode, uid }: Stats, forbidden: number): void {
  const user = process.geteuid?.()
  if (user === undefined) return
  const octal = (mode & 0o777).toString(8)
  // Whoever owns a file can change its mode and its content at any time.
  if (uid !== user && uid !== 0) throw refused(path, octal, `owned by uid ${uid}`)
  if ((mode & forbidden) !== 0) throw refused(path, octal, `mode ${octal}`)
}

function refused(path: string, mode: string, reason: string): PkiError {
  return new PkiError('ERR_PKI_KEY_PERMISSIONS', { path, mode, reason })
}
