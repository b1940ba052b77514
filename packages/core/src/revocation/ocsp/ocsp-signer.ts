import {
  createOcspResponseWriter,
  type IoOptions,
  keyIdentifierOf,
  type OcspCertificateStatus,
  type OcspResponseWriter,
  PkiError,
  verifySignature,
} from '@fleetcert/x509'
import { signAndCheck } from '../../authority/sign-verified.ts'
import type { AuthoritativeOcspAnswer } from './ocsp-answer.ts'
import type { OcspSigning } from './ocsp-authority.ts'

/** Of so many signatures one is verified, the first of each key among them. A verification takes three times as long as a signature. */
const verifiedEach = 1024

/** What is to be said, and to whom. */
export interface AnswerContent {
  readonly responses: readonly { readonly certId: Uint8Array; readonly status: OcspCertificateStatus }[]
  readonly nonce: Uint8Array | undefined
  readonly now: Date
}

/** Signs one answer. @throws PkiError `ERR_PKI_SIGNER` */
export type SignAnswer = (
  signing: OcspSigning,
  content: AnswerContent,
  options?: IoOptions,
) => Promise<AuthoritativeOcspAnswer>

interface Responder {
  readonly writer: OcspResponseWriter
  signatures: number
}

export function createOcspSigner(validitySeconds: number): SignAnswer {
  const responders = new WeakMap<OcspSigning, Responder>()
  const responderOf = (signing: OcspSigning): Responder => {
    let responder = responders.get(signing)
    if (responder === undefined) {
      const { signer, certificate } = signing
      const writer = createOcspResponseWriter({
        signatureAlgorithm: signer.algorithm,
        responderKeyHash: keyIdentifierOf(signer.publicKey),
        certificates: certificate === undefined ? [] : [certificate.der],
      })
      responder = { writer, signatures: 0 }
      responders.set(signing, responder)
    }
    return responder
  }
  // All answers of a second have the same dates.
  let times: { readonly thisUpdate: Date; readonly nextUpdate: Date; readonly signing: OcspSigning } | undefined

  const timesAt = (now: Date, signing: OcspSigning): { readonly thisUpdate: Date; readonly nextUpdate: Date } => {
    const second = Math.floor(now.getTime() / 1000) * 1000
    if (times?.thisUpdate.getTime() === second && times.signing === signing) return times
    // The delegate cannot vouch for anything beyond its own end.
    const end = signing.certificate?.notAfter.getTime() ?? Number.POSITIVE_INFINITY
    if (end < second) throw new PkiError('ERR_PKI_SIGNER', { reason: "the responder's certificate has expired" })
    times = {
      thisUpdate: new Date(second),
      nextUpdate: new Date(Math.min(second + validitySeconds * 1000, end)),
      signing,
    }
    return times
  }

  return async (signing, { responses, nonce, now }, options) => {
    const responder = responderOf(signing)
    const { signer } = signing
    const { thisUpdate, nextUpdate } = timesAt(now, signing)
    const draft = responder.writer.draft({ responses, thisUpdate, nextUpdate, nonce })
    const signature = await signAndCheck(signer, draft.tbsResponseData, options, made => {
      // A token that has begun to err is found out after some answers; clients verify every one.
      const isLookedAt = responder.signatures % verifiedEach === 0
      return !isLookedAt || verifySignature(signer.algorithm, signer.publicKey, draft.tbsResponseData, made)
    })
    responder.signatures += 1
    return {
      responseStatus: 'successful',
      der: draft.finish(signature),
      thisUpdate,
      nextUpdate,
      hasNonce: nonce !== undefined,
    }
  }
}
