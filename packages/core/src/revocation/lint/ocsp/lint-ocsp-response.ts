import { isPkiError, parseCertificate, parseOcspRequest, type TbsCertificate } from '@fleetcert/x509'
import { createDerReader } from '@fleetcert/x509/der'
import type { LintFinding } from '../../../authority/lint/lint-rule.ts'
import { sameOctets } from '../../../authority/lint/octets.ts'
import { findingOf } from '../requirement.ts'
import { certIdKey } from './cert-id-key.ts'
import type { OcspLintContext } from './ocsp-rule.ts'
import { type BasicResponseView, readCertId, readOcspView } from './ocsp-view.ts'
import { hashNames, isNamedBy, keyHash } from './responder-id.ts'
import { ocspLintRules } from './rules/index.ts'

/** Options of {@link lintOcspResponse}. */
export interface LintOcspOptions {
  /** The certificate of the CA whose certificates are asked about, DER or PEM: rules that need it are silent without it. */
  readonly issuer?: Uint8Array | string
  /** The OCSPRequest that is answered, DER: rules that compare the two are silent without it. */
  readonly request?: Uint8Array
}

/**
 * Judges anybody's OCSP response, DER, by the rules of docs/lint.md. An empty list: nothing found. Findings of scope `fleetcert` say how it differs from what fleetcert answers, not that it is wrong.
 * Nothing is verified: neither signature nor currency. The responder's certificate, where one came along, is judged as far as OCSP is concerned; `lintCertificate` judges the rest of it.
 *
 * @throws PkiError `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE` for what is not an OCSP response; for the issuer also `ERR_PKI_CERTIFICATE` and `ERR_PKI_PEM`, for the request `ERR_PKI_OCSP_REQUEST`.
 */
export function lintOcspResponse(response: Uint8Array, options: LintOcspOptions = {}): LintFinding[] {
  const view = readOcspView(response)
  const context = contextOf(view.basic, options)
  const findings: LintFinding[] = []
  for (const rule of ocspLintRules) {
    const message = rule.check?.(view, context) ?? (view.basic && rule.checkBasic?.(view.basic, context))
    if (message !== undefined) findings.push(findingOf(rule, message))
  }
  return findings
}

function contextOf(basic: BasicResponseView | undefined, options: LintOcspOptions): OcspLintContext {
  const issuer = options.issuer === undefined ? undefined : parseCertificate(options.issuer)
  const certificates = (basic?.certificates ?? []).flatMap(readable)
  const isSignedByIssuer = basic && issuer && isNamedBy(basic.responderId, issuer)
  const signer = isSignedByIssuer ? issuer : basic && certificates.find(of => isNamedBy(basic.responderId, of))
  const isIssuer = isSignedByIssuer || (basic && signer && issuer === undefined && isIssuerIn(basic, signer))
  return {
    signer,
    delegate: isIssuer ? undefined : signer,
    isSignedByIssuer,
    ...(issuer === undefined ? {} : { issuer }),
    ...(options.request === undefined ? {} : { request: askedIn(options.request) }),
  }
}

/** Whether it is the key of a CA whose certificates the response is about: then the CA signed itself, also where nobody said which it is. */
function isIssuerIn({ responses }: BasicResponseView, signer: TbsCertificate): boolean {
  return responses.some(({ certId }) => {
    const algorithm = hashNames.get(certId.hashAlgorithm)
    return algorithm !== undefined && sameOctets(certId.issuerKeyHash, keyHash(algorithm, signer))
  })
}

function askedIn(der: Uint8Array): NonNullable<OcspLintContext['request']> {
  const { certIds, nonce } = parseOcspRequest(der)
  return { certIds: certIds.map(({ der }) => certIdKey(readCertId(createDerReader(der)))), nonce }
}

function readable(der: Uint8Array): TbsCertificate[] {
  try {
    return [parseCertificate(der)]
  } catch (error) {
    if (!isPkiError(error)) throw error
    return []
  }
}
