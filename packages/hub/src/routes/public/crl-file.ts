import { type Fleet, PkiError } from '@fleetcert/core'
import type { RouteHandler } from '../../exchange/router.ts'
import { fileAnswer, type PublicFile, publicFile } from './file-answer.ts'
import { findIssuer } from './find-issuer.ts'

// A CRL is replaced as soon as something is revoked, so nobody should sit on one for all the time that it is valid.
const maxAgeSeconds = 300

/** `GET /crl/<issuer>-<shard>.crl` in DER (RFC 5280 section 4.2.1.13, RFC 2585 section 4.2) and its `.pem` twin, for EMQX, whose refresh reads PEM alone in many versions. */
export function crlFileHandler(fleet: Fleet): RouteHandler {
  // One CRL per path. Hashing one of 49 MB for each reader would take longer than sending it.
  const files = new Map<string, { readonly crlNumber: bigint; readonly file: PublicFile }>()
  return async (exchange, { file: name = '' }) => {
    const [, issuerName, shard, form] = /^([0-9a-f]{16})-(0|[1-9][0-9]{0,4})\.(crl|pem)$/.exec(name) ?? []
    const issuer = issuerName === undefined ? undefined : await findIssuer(fleet, issuerName)
    if (issuer === undefined) throw new PkiError('ERR_PKI_NOT_FOUND', {})
    const crl = await fleet.crl({ issuerKeyId: issuer.issuerKeyId, shard: Number(shard) })
    let kept = files.get(name)
    if (kept?.crlNumber !== crl.crlNumber) {
      const file =
        form === 'pem'
          ? publicFile(Buffer.from(crl.pem), 'application/x-pem-file', crl.thisUpdate)
          : publicFile(crl.der, 'application/pkix-crl', crl.thisUpdate)
      kept = { crlNumber: crl.crlNumber, file }
      files.set(name, kept)
    }
    const leftSeconds = Math.floor((crl.nextUpdate.getTime() - Date.now()) / 1000)
    return fileAnswer(exchange, kept.file, Math.max(0, Math.min(maxAgeSeconds, leftSeconds)))
  }
}
