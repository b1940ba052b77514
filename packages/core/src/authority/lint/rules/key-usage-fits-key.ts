import type { KeyUsageBit, PublicKeyInfo } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

const enciphers: readonly KeyUsageBit[] = ['keyEncipherment', 'dataEncipherment']
const agrees: readonly KeyUsageBit[] = ['keyAgreement', 'encipherOnly', 'decipherOnly']

export const keyUsageFitsKey: LintRule = {
  id: 'key-usage-fits-key',
  citation: 'RFC 3279 section 2.3.1, RFC 8813 section 3, RFC 9295 section 3, RFC 9881 section 5',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'keyUsage holds only what the key can do: EC keys do not encipher, RSA keys do not agree on keys, Ed25519, Ed448 and ML-DSA keys do neither, X25519 and X448 keys do nothing but agree.',
  check({ keyUsage, publicKey }) {
    const never = keyUsage === undefined ? undefined : impossible(publicKey)
    const wrong = never && keyUsage?.find(bit => never.includes(bit))
    return wrong === undefined ? undefined : `${wrong} for a key that cannot do that`
  },
}

function impossible(key: PublicKeyInfo): readonly KeyUsageBit[] {
  switch (key.type) {
    case 'ec':
      // RFC 8813 section 3: "If the keyUsage extension is present in a certificate that indicates id-ecPublicKey … the following values MUST NOT be present: keyEncipherment; and dataEncipherment."
      return enciphers
    case 'rsa':
      // RFC 3279 section 2.3.1 lists what may be combined; keyAgreement is not among it.
      return agrees
    case 'ed25519':
    case 'ml-dsa-44':
    case 'ml-dsa-65':
      return signsOnly
    default:
      return byAlgorithm.get(key.algorithm) ?? []
  }
}

// RFC 9295 section 3: MUST NOT be present for Ed25519 and Ed448; RFC 9881 section 5 has the same list for ML-DSA.
const signsOnly: readonly KeyUsageBit[] = [...enciphers, ...agrees]
// RFC 9295 section 3, of X25519 and X448: these MUST NOT be present.
const agreesOnly: readonly KeyUsageBit[] = [
  ...enciphers,
  'digitalSignature',
  'nonRepudiation',
  'keyCertSign',
  'cRLSign',
]

const byAlgorithm: ReadonlyMap<string, readonly KeyUsageBit[]> = new Map([
  ['1.3.101.110', agreesOnly],
  ['1.3.101.111', agreesOnly],
  ['1.3.101.113', signsOnly],
  ['2.16.840.1.101.3.4.3.19', signsOnly],
])
