import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const keyUsage: LintRule = {
  id: 'key-usage',
  citation: 'RFC 5280 sections 4.2.1.3 and 4.2.1.9',
  check(certificate) {
    const extension = certificate.extensions.find(({ oid }) => oid === extensionOids.keyUsage)
    // "When the keyUsage extension appears in a certificate, at least one of the bits MUST be set to 1"; "Conforming CAs MUST include this extension in certificates that contain public keys that are used to validate digital signatures on other public key certificates or CRLs."
    if (extension === undefined || certificate.keyUsage === undefined) return 'keyUsage is missing'
    if (!extension.critical) return 'keyUsage is not critical'
    if (certificate.keyUsage.length === 0) return 'keyUsage has no bit set'
    // "If the keyCertSign bit is asserted, then the cA bit in the basic constraints extension MUST also be asserted."
    const cA = certificate.basicConstraints?.cA === true
    const keyCertSign = certificate.keyUsage.includes('keyCertSign')
    if (keyCertSign !== cA) return cA ? 'a CA without keyCertSign' : 'keyCertSign in a certificate that is not a CA'
    if (certificate.keyUsage.includes('cRLSign') && !cA) return 'cRLSign in a certificate that is not a CA'
    // RFC 8813 section 3: keyEncipherment and dataEncipherment MUST NOT be there for an EC key.
    const { type } = certificate.publicKey
    const enciphers = certificate.keyUsage.some(bit => bit === 'keyEncipherment' || bit === 'dataEncipherment')
    return enciphers && (type === 'ec' || type === 'ed25519') ? 'a signing key that may encipher' : undefined
  },
}
