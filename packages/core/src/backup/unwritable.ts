import { PkiError } from '@fleetcert/x509'
import { systemCode } from '../signer/key-error.ts'

/** What `work` gives; what the system refuses becomes `ERR_PKI_BACKUP_UNWRITABLE` with the system's code as its reason. */
export async function orUnwritable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    const reason = systemCode(cause)
    throw reason === undefined ? cause : new PkiError('ERR_PKI_BACKUP_UNWRITABLE', { path, reason }, { cause })
  }
}
