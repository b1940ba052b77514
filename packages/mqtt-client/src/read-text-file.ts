import { PkiError } from '@fleetcert/x509'
import { type FileSystem, nodeFileSystem, readOctets } from './identity/file-system.ts'

const limitBytes = 1024 * 1024
const warned = new Set<string>()

/**
 * The text of a file of at most 1 MiB. That others may read a file with a key in it (`isSecret`) is a warning of the process, once for each file.
 *
 * @throws PkiError `ERR_PKI_IDENTITY` (with the file system's error as cause), `ERR_PKI_TOO_LARGE`
 */
export async function readTextFile(
  path: string,
  { fileSystem = nodeFileSystem, isSecret = false }: { fileSystem?: FileSystem; isSecret?: boolean } = {},
): Promise<string> {
  const { text, mode } = await fileSystem.read(path).catch(cause => unreadable(path, cause))
  if (isSecret) warnOfMode(path, mode)
  return text
}

/**
 * The octets of a file of at most 1 MiB.
 *
 * @throws PkiError as {@link readTextFile}
 */
export async function readBinaryFile(path: string): Promise<Uint8Array> {
  const { octets } = await readOctets(path).catch(cause => unreadable(path, cause))
  return octets
}

function unreadable(path: string, cause: NodeJS.ErrnoException): never {
  const { code = 'unknown' } = cause
  if (code === 'EFBIG') throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
  throw new PkiError('ERR_PKI_IDENTITY', { reason: `cannot read ${path}: ${code}` }, { cause })
}

function warnOfMode(path: string, mode: number): void {
  // Windows makes the mode up.
  if ((mode & 0o077) === 0 || process.platform === 'win32' || warned.has(path)) return
  warned.add(path)
  const octal = (mode & 0o777).toString(8)
  process.emitWarning(`${path} holds a private key and is open to other users (mode ${octal}): make it 600`, {
    type: 'FleetcertWarning',
    code: 'identityPermissions',
  })
}
