import { type PublicKeyInfo, parseSignatureAlgorithm, type SignatureAlgorithm, signatureKeyType } from '@fleetcert/x509'
import { derTag } from '@fleetcert/x509/der'
import { readWhole } from './raw-fields.ts'

/** md5, sha1 and sha2 WithRSAEncryption. */
const rsa = /^1\.2\.840\.113549\.1\.1\.(?:4|5|11|12|13|14)$/
/** ECDSA with SHA-2, Ed25519, Ed448, ML-DSA. */
const withoutParameters = /^(?:1\.2\.840\.10045\.4\.3\.[1-4]|1\.3\.101\.11[23]|2\.16\.840\.1\.101\.3\.4\.3\.1[789])$/

/** What is wrong with the parameters of a signature's AlgorithmIdentifier, or `undefined`. */
export function wrongParameters(algorithm: Uint8Array): string | undefined {
  const read = readWhole(algorithm, reader => {
    reader.enter(derTag.sequence)
    const oid = reader.objectIdentifier()
    const tag = reader.peekTag()
    if (tag !== undefined) reader.element()
    reader.leave()
    return { oid, tag }
  })
  if (read === undefined) return 'the signature algorithm is no AlgorithmIdentifier'
  const { oid, tag } = read
  if (rsa.test(oid)) return tag === derTag.null ? undefined : 'an RSA signature algorithm whose parameters are not NULL'
  return tag === undefined || !withoutParameters.test(oid)
    ? undefined
    : 'a signature algorithm with parameters that must be absent'
}

/** Whether the algorithm is one that a key of that kind signs with; true for algorithms that are not known here. */
export function fitsKey(algorithm: Uint8Array, key: PublicKeyInfo): boolean {
  let name: SignatureAlgorithm
  try {
    name = parseSignatureAlgorithm(algorithm)
  } catch {
    return true
  }
  return key.type === signatureKeyType(name)
}
