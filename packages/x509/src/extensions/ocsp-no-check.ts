import { nullValue } from '../der/writer.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'

/** id-pkix-ocsp-nocheck, whole Extension, not critical (RFC 6960 section 4.2.2.2.1): for delegated OCSP responders. */
export function ocspNoCheck(): Uint8Array {
  return encodeExtension(extensionOids.ocspNoCheck, false, nullValue())
}
