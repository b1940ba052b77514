import { sameOctets } from '../../../../authority/lint/octets.ts'
import { findRaw } from '../../raw-extension.ts'
import { readWhole } from '../../raw-fields.ts'
import { nonceOid } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspNonceEchoed: OcspLintRule = {
  id: 'ocsp-nonce-echoed',
  citation: 'RFC 6960 section 4.4.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A nonce is that of the request; without one in the request there is none.',
  // "The nonce cryptographically binds a request and a response to prevent replay attacks." A responder may leave it out (RFC 9919 section 3.2.1).
  checkBasic({ extensions = [] }, { request }) {
    const value = findRaw(extensions, nonceOid)?.value
    if (value === undefined || request === undefined) return undefined
    if (request.nonce === undefined) return 'a nonce that nobody asked for'
    const nonce = readWhole(value, reader => reader.octetString())
    return nonce === undefined || sameOctets(nonce, request.nonce) ? undefined : 'another nonce than in the request'
  },
}
