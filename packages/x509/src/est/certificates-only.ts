import { objectIdentifier } from '../der/object-identifier.ts'
import { compareEncodings, context, sequence, set } from '../der/tlv.ts'
import { integer } from '../der/writer.ts'

const oidData = '1.2.840.113549.1.7.1'
const oidSignedData = '1.2.840.113549.1.7.2'

/**
 * A certs-only CMC Simple PKI Response (RFC 5272 section 4.1), as EST answers with: a CMS SignedData (RFC 5652 section 5.1) that has certificates, nothing to sign and nobody who signed. It proves nothing of
 * what is in it. The certificates are put in the order that DER asks of a set (X.690 section 11.6): which one is whose issuer, their names say.
 *
 * @param certificates - each one whole, DER; they are not looked into
 */
export function encodeCertificatesOnly(certificates: readonly Uint8Array[]): Uint8Array {
  // RFC 5652 section 5.1: the version is 1 where nothing is in it that asks for a higher one.
  const signedData = sequence(
    integer(1),
    set(),
    sequence(objectIdentifier(oidData)),
    context(0, true, ...certificates.toSorted(compareEncodings)),
    set(),
  )
  return sequence(objectIdentifier(oidSignedData), context(0, true, signedData))
}
