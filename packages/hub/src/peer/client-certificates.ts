import { decodeBase64 } from '../exchange/base64.ts'
import { malformed } from '../exchange/fields.ts'

// A certificate that is read here has 64 KiB at the most, a chain ten certificates; node takes 16 KiB of headers as a rule.
const limitCharacters = 128 * 1024
const limitCertificates = 10

/**
 * The certificates that a proxy names in Client-Cert and Client-Cert-Chain (RFC 9440 section 2), DER, the client's own first; none without Client-Cert.
 *
 * Read strictly: byte sequences of RFC 9651 section 3.3.5 in canonical base64, without parameters. Whatever else a proxy sends is an error and no certificate.
 * A Client-Cert that came twice was not made by one proxy: section 2.2 has it as one Item, and a list is none.
 *
 * @throws PkiError `ERR_PKI_REQUEST`
 */
export function clientCertificates(header: (name: string) => string | undefined): readonly Uint8Array[] {
  const own = header('client-cert')
  const chain = header('client-cert-chain')
  if (own === undefined) {
    // RFC 9440 section 2.3: Client-Cert-Chain is sent along with Client-Cert.
    if (chain !== undefined) throw malformed('client-cert-chain without client-cert')
    return []
  }
  const certificates = [byteSequence('client-cert', own)]
  if (chain !== undefined) {
    if (chain.length > limitCharacters) throw malformed('client-cert-chain: too long')
    const members = chain.split(',')
    if (members.length > limitCertificates) throw malformed('client-cert-chain: too many certificates')
    for (const member of members) certificates.push(byteSequence('client-cert-chain', member))
  }
  return certificates
}

/** RFC 9651 section 3.3.5: base64 between colons. Whitespace around it is that of a list. */
function byteSequence(name: string, text: string): Uint8Array {
  if (text.length > limitCharacters) throw malformed(`${name}: too long`)
  const base64 = /^[ \t]*:([A-Za-z0-9+/]+={0,2}):[ \t]*$/.exec(text)?.[1]
  if (base64 === undefined) throw malformed(`${name}: expected base64 between colons`)
  const octets = decodeBase64(base64)
  if (octets === undefined) throw malformed(`${name}: not canonical base64`)
  return octets
}
