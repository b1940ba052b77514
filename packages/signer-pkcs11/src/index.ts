export type { Pkcs11KeyringOptions } from './options.ts'
export { type Pkcs11Keyring, pkcs11Keyring } from './pkcs11-keyring.ts'
