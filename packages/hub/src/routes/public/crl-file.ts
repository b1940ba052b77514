import { type Fleet, PkiError } from '@fleetcert/core'
import type { RouteHandler } from '../../exchange/router.ts'
import { createCrlFiles } from './crl-files.ts'
import { fileAnswer } from './file-answer.ts'
import { findIssuer } from './find-issuer.ts'
import { maxAgeUntil } from './max-age.ts'

/**
 * `GET /crl/<issuer>-<shard>.crl` in DER (RFC 5280 section 4.2.1.13, RFC 2585 section 4.2) and its `.pem` twin, for EMQX, whose refresh reads PEM alone in many versions.
 * The delta of a list is at `<issuer>-<shard>-delta.crl`.
 */
export function crlFileHandler(fleet: Fleet): RouteHandler {
  const files = createCrlFiles(fleet)
  return async (exchange, { file: name = '' }) => {
    const parts = /^([0-9a-f]{16})-(0|[1-9][0-9]{0,4})(-delta)?\.(crl|pem)$/.exec(name)
    const issuer = parts === null ? undefined : await findIssuer(fleet, parts[1]!)
    if (parts === null || issuer === undefined) throw new PkiError('ERR_PKI_NOT_FOUND', {})
    const scope = { issuerKeyId: issuer.issuerKeyId, shard: Number(parts[2]), delta: parts[3] !== undefined }
    const { file, nextUpdate } = await files.current(scope, parts[4] as 'crl' | 'pem')
    return fileAnswer(exchange, file, maxAgeUntil(nextUpdate, Date.now()))
  }
}
