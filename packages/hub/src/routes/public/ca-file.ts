import { decodePem, type Fleet, PkiError } from '@fleetcert/core'
import type { RouteHandler } from '../../exchange/router.ts'
import { fileAnswer, publicFile } from './file-answer.ts'
import { findIssuer } from './find-issuer.ts'

const maxAgeSeconds = 86_400

/** `GET /ca/<issuer>.cer`: the CA's certificate in DER, where caIssuers points (RFC 5280 section 4.2.2.1, RFC 2585 section 4.1). */
export function caFileHandler(fleet: Fleet): RouteHandler {
  return async (exchange, { file: name = '' }) => {
    const issuerName = /^([0-9a-f]{16})\.cer$/.exec(name)?.[1]
    const issuer = issuerName === undefined ? undefined : await findIssuer(fleet, issuerName)
    if (issuer === undefined) throw new PkiError('ERR_PKI_NOT_FOUND', {})
    const [block] = decodePem(issuer.certificate, 'CERTIFICATE')
    return fileAnswer(exchange, publicFile(block!.der, 'application/pkix-cert', issuer.notBefore), maxAgeSeconds)
  }
}
