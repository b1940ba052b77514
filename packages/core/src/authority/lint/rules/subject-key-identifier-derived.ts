import { createHash } from 'node:crypto'
import { keyIdentifierOf, publicKeyOctets } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { sameOctets } from '../octets.ts'

export const subjectKeyIdentifierDerived: LintRule = {
  id: 'subject-key-identifier-derived',
  citation:
    'fleetcert: RFC 5280 section 4.2.1.2 recommends, and RFC 7093 section 2 adds to, ways to derive it from the key; two CAs must not share one by chance',
  scope: 'fleetcert',
  severity: 'warning',
  requirement:
    "A CA's subjectKeyIdentifier is a hash of its key: RFC 5280's SHA-1, or 160 bits or more of SHA-256, SHA-384 or SHA-512.",
  check({ subjectKeyIdentifier, subjectPublicKeyInfo }, { isCa }) {
    if (!isCa || subjectKeyIdentifier === undefined) return undefined
    if (sameOctets(subjectKeyIdentifier, keyIdentifierOf(subjectPublicKeyInfo))) return undefined
    const octets = publicKeyOctets(subjectPublicKeyInfo)
    // RFC 7093: the leftmost 160 bits of the hash of the key's BIT STRING, or a hash of the whole SubjectPublicKeyInfo.
    for (const hash of ['sha256', 'sha384', 'sha512']) {
      const { length } = subjectKeyIdentifier
      if (length < 20) break
      for (const input of [octets, subjectPublicKeyInfo]) {
        if (sameOctets(createHash(hash).update(input).digest().subarray(0, length), subjectKeyIdentifier))
          return undefined
      }
    }
    return 'the subjectKeyIdentifier of a CA is no known hash of its key'
  },
}
