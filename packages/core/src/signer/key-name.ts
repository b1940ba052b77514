import { PkiError } from '@fleetcert/x509'

/** Whether `name` may name a key: 1 to 64 of `a–z 0–9 -`, beginning with a letter. Lower case only: some file systems and HSM tools fold case. */
export function isKeyName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(name)
}

/**
 * The name, if it may name a key: for whoever writes a keyring.
 * @throws PkiError `ERR_PKI_KEY_NAME`
 */
export function checkKeyName(name: string): string {
  if (!isKeyName(name)) throw new PkiError('ERR_PKI_KEY_NAME', { reason: 'not a key name' })
  return name
}
