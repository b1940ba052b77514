import { type Certificate, formatName, type PathErrorDetails, PkiError, type PkiErrorDetails } from '@fleetcert/x509'

/** The codes whose details are {@link PathErrorDetails} and nothing else. */
export type PathErrorCode =
  | 'ERR_PKI_PATH_NOT_FOUND'
  | 'ERR_PKI_PATH_SELF_SIGNED'
  | 'ERR_PKI_PATH_SIGNATURE'
  | 'ERR_PKI_PATH_ALGORITHM'
  | 'ERR_PKI_PATH_NOT_YET_VALID'
  | 'ERR_PKI_PATH_EXPIRED'
  | 'ERR_PKI_PATH_NOT_A_CA'
  | 'ERR_PKI_PATH_LENGTH'
  | 'ERR_PKI_PATH_KEY_USAGE'
  | 'ERR_PKI_PATH_PURPOSE'
  | 'ERR_PKI_PATH_NAME_CONSTRAINTS'
  | 'ERR_PKI_PATH_EXTENSION'
  | 'ERR_PKI_PATH_POLICY'
  | 'ERR_PKI_PATH_REVOCATION_UNKNOWN'

/** Where a rule is broken. */
export interface Place {
  readonly certificate: Certificate
  readonly depth: number
}

/** What is wrong with a certificate of a path. `rule` names the paragraph, `reason` says it in words without foreign text. */
export function pathError<Code extends PathErrorCode>(
  code: Code,
  place: Place,
  { rule, reason, cause }: { readonly rule: string; readonly reason: string; readonly cause?: unknown },
): PkiError {
  const details = detailsOf(place, rule, `depth ${place.depth}: ${reason}`) as PkiErrorDetails<Code>
  return new PkiError(code, details, cause === undefined ? {} : { cause })
}

export function revokedError(
  place: Place,
  {
    rule,
    revocationReason,
    revocationDate,
  }: { readonly rule: string; readonly revocationReason: string; readonly revocationDate: Date },
): PkiError<'ERR_PKI_PATH_REVOKED'> {
  const details = detailsOf(place, rule, `depth ${place.depth}: ${revocationReason}`)
  return new PkiError('ERR_PKI_PATH_REVOKED', { ...details, revocationReason, revocationDate })
}

function detailsOf({ certificate, depth }: Place, rule: string, reason: string): PathErrorDetails {
  return { depth, subject: formatName(certificate.subject), rule, reason }
}
