import { objectIdentifier } from '../der/object-identifier.ts'
import { createDerReader } from '../der/reader.ts'
import { derTag } from '../der/tag.ts'
import { sequence } from '../der/tlv.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'
import { encodeGeneralName, readGeneralName } from './general-name.ts'

const oidOcsp = '1.3.6.1.5.5.7.48.1'
const oidCaIssuers = '1.3.6.1.5.5.7.48.2'
const derOcsp = objectIdentifier(oidOcsp)
const derCaIssuers = objectIdentifier(oidCaIssuers)

/** URLs of AuthorityInfoAccess (RFC 5280 section 4.2.2.1), in order. */
export interface AuthorityInfoAccess {
  /** Of OCSP responders. */
  readonly ocsp: readonly string[]
  /** Of the issuer's certificate. */
  readonly caIssuers: readonly string[]
}

/** AuthorityInfoAccess, whole Extension, not critical (RFC 5280 section 4.2.2.1); OCSP first. At least one URL. */
export function authorityInfoAccess({ ocsp = [], caIssuers = [] }: Partial<AuthorityInfoAccess>): Uint8Array {
  const uri = (value: string) => encodeGeneralName({ type: 'uri', value })
  const descriptions = [
    ...ocsp.map(url => sequence(derOcsp, uri(url))),
    ...caIssuers.map(url => sequence(derCaIssuers, uri(url))),
  ]
  if (descriptions.length === 0) throw new TypeError('"ocsp" or "caIssuers" must hold at least one URL')
  return encodeExtension(extensionOids.authorityInfoAccess, false, sequence(...descriptions))
}

/**
 * The OCSP and caIssuers URIs of an AuthorityInfoAccess value. Never fetch from them: they are a stranger's.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseAuthorityInfoAccess(value: Uint8Array): AuthorityInfoAccess {
  const reader = createDerReader(value)
  const ocsp: string[] = []
  const caIssuers: string[] = []
  reader.enter(derTag.sequence)
  do {
    reader.enter(derTag.sequence)
    const method = reader.objectIdentifier()
    const location = readGeneralName(reader)
    reader.leave()
    if (location.type !== 'uri') continue
    if (method === oidOcsp) ocsp.push(location.value)
    else if (method === oidCaIssuers) caIssuers.push(location.value)
  } while (!reader.atEnd)
  reader.leave()
  reader.finish()
  return { ocsp, caIssuers }
}
