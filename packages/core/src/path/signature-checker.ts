import type { KeyObject } from 'node:crypto'
import { isPkiError } from '@fleetcert/x509'
import type { Candidate } from './candidate.ts'
import type { Budget } from './limits.ts'
import { isSignedBy, type Refusal, type SignedOctets, signatureScheme, verificationKey } from './path-signature.ts'

/** `wrong`: it does not verify. */
export type SignatureVerdict = 'right' | 'wrong' | Refusal

/** Verifies each pair of a signed thing and a key once, and counts. */
export interface SignatureChecker {
  /** `what` stands for the signed thing in the memory: always the same object for the same octets. */
  check(what: object, signed: SignedOctets, signer: Candidate): Promise<SignatureVerdict>
  /** A certificate by its issuer. */
  checkCertificate(subject: Candidate, issuer: Candidate): Promise<SignatureVerdict>
}

export function createSignatureChecker(budget: Budget): SignatureChecker {
  const verdicts = new WeakMap<object, Map<string, Promise<SignatureVerdict>>>()
  const keys = new Map<string, KeyObject | Refusal>()

  const judge = async (signed: SignedOctets, signer: Candidate): Promise<SignatureVerdict> => {
    let key = keys.get(signer.key)
    if (key === undefined) {
      key = verificationKey(signer.certificate.subjectPublicKeyInfo)
      keys.set(signer.key, key)
    }
    if ('refused' in key) return key
    const scheme = schemeOf(signed.algorithm)
    if ('refused' in scheme) return scheme
    budget.spend('signatures')
    return (await isSignedBy(key, scheme, signed)) ? 'right' : 'wrong'
  }

  const check = (what: object, signed: SignedOctets, signer: Candidate): Promise<SignatureVerdict> => {
    let known = verdicts.get(what)
    if (known === undefined) {
      known = new Map()
      verdicts.set(what, known)
    }
    let verdict = known.get(signer.key)
    if (verdict === undefined) {
      verdict = judge(signed, signer)
      known.set(signer.key, verdict)
    }
    return verdict
  }

  return {
    check,
    async checkCertificate(subject, issuer) {
      const { certificate } = subject
      const { tbsSignatureAlgorithm, outerSignatureAlgorithm, tbsCertificate, signature } = certificate
      // "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertificate" (RFC 5280 section 4.1.1.2).
      if (Buffer.compare(tbsSignatureAlgorithm, outerSignatureAlgorithm) !== 0) return 'wrong'
      return check(certificate, { message: tbsCertificate, algorithm: tbsSignatureAlgorithm, signature }, issuer)
    },
  }
}

function schemeOf(algorithm: Uint8Array): ReturnType<typeof signatureScheme> {
  try {
    return signatureScheme(algorithm)
  } catch (error) {
    if (!isPkiError(error)) throw error
    return { refused: 'a malformed signature algorithm' }
  }
}
