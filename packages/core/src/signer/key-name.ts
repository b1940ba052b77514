import { PkiError } from '@fleetcert/x509'

/** @throws PkiError `ERR_PKI_KEY_NAME` */
export function checkKeyName(name: string): string {
  // Lower case only: some file systems and HSM tools fold case.
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new PkiError('ERR_PKI_KEY_NAME', { reason: 'not a key name' })
  return name
}
