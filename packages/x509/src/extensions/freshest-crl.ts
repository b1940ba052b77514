import { sequence } from '../der/tlv.ts'
import { crlDistributionPoint, parseCrlDistributionPoints } from './distribution-point.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'

/**
 * FreshestCRL, whole Extension, not critical: where the delta CRLs of a full CRL's scope are (RFC 5280 section 5.2.6).
 * "This extension MUST NOT appear in delta CRLs."
 *
 * @throws PkiError `ERR_PKI_NAME`
 */
export function freshestCrl(urls: readonly string[]): Uint8Array {
  return encodeExtension(extensionOids.freshestCrl, false, sequence(crlDistributionPoint(urls)))
}

/**
 * The URIs in the value of a FreshestCRL, in order; "The same syntax is used as the cRLDistributionPoints certificate extension" (RFC 5280 section 5.2.6). Never fetch from them: they are a stranger's.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseFreshestCrl(value: Uint8Array): string[] {
  return parseCrlDistributionPoints(value)
}
