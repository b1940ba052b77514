import { decodePem, type Fleet, type IssuerRecord, PkiError } from '@fleetcert/core'
import type { RouteHandler } from '../../exchange/router.ts'
import { fileAnswer } from './file-answer.ts'
import { findIssuer } from './find-issuer.ts'
import { type PublicFile, publicFile } from './public-file.ts'

const maxAgeSeconds = 86_400

/** `GET /ca/<issuer>.cer`: the CA's certificate in DER, where caIssuers points (RFC 5280 section 4.2.2.1, RFC 2585 section 4.1). */
export function caFileHandler(fleet: Fleet): RouteHandler {
  const files = new Map<string, { readonly certificate: string; readonly file: Promise<PublicFile> }>()
  const fileOf = ({ issuerKeyId, certificate, notBefore }: IssuerRecord): Promise<PublicFile> => {
    let kept = files.get(issuerKeyId)
    if (kept?.certificate !== certificate) {
      const der = decodePem(certificate, 'CERTIFICATE')[0]!.der
      // Another certificate of the same CA begins at another time, or so late that nobody holds the first any more.
      kept = { certificate, file: publicFile([der], 'application/pkix-cert', notBefore, true) }
      files.set(issuerKeyId, kept)
    }
    return kept.file
  }
  return async (exchange, { file: name = '' }) => {
    const issuerName = /^([0-9a-f]{16})\.cer$/.exec(name)?.[1]
    const issuer = issuerName === undefined ? undefined : await findIssuer(fleet, issuerName)
    if (issuer === undefined) throw new PkiError('ERR_PKI_NOT_FOUND', {})
    return fileAnswer(exchange, await fileOf(issuer), maxAgeSeconds)
  }
}
