import { endlessNotAfter, PkiError } from '@fleetcert/x509'
import type { ResolvedProfile } from './profile.ts'

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/**
 * The validity period of a certificate made at `now`: back-dated by the profile's measure but never before the issuer's notBefore, ending `validitySeconds` after `now`.
 * notAfter is inclusive (RFC 5280 section 4.1.2.5), so one second is taken off. A period that was asked for and reaches past the issuer's end is refused; a default one is cut there.
 * The certificates of an endless profile alone outlive their issuer (docs/decisions/005-endless-certificates.md).
 * @throws PkiError `ERR_PKI_VALIDITY`
 */
export function validityAt(
  now: Date,
  profile: ResolvedProfile,
  asked: number | undefined,
  issuer?: Validity,
): Validity {
  if (asked !== undefined && (!Number.isSafeInteger(asked) || asked < 60 || asked > 100 * 366 * 86_400)) {
    throw new PkiError('ERR_PKI_VALIDITY', { reason: 'validitySeconds must be a whole number from 60 to 100 years' })
  }
  if (asked !== undefined && profile.endless) {
    throw new PkiError('ERR_PKI_VALIDITY', { reason: 'the profile is endless' })
  }
  const second = Math.floor(now.getTime() / 1000) * 1000
  let notBefore = second - profile.backdateSeconds * 1000
  let notAfter = profile.endless ? endlessNotAfter.getTime() : second + (asked ?? profile.validitySeconds) * 1000 - 1000
  if (issuer !== undefined) {
    notBefore = Math.max(notBefore, issuer.notBefore.getTime())
    if (issuer.notAfter.getTime() <= second) {
      throw new PkiError('ERR_PKI_VALIDITY', { reason: "the issuer's certificate has expired" })
    }
    if (notAfter > issuer.notAfter.getTime() && !profile.endless) {
      if (asked !== undefined)
        throw new PkiError('ERR_PKI_VALIDITY', { reason: "it would end after its issuer's certificate" })
      notAfter = issuer.notAfter.getTime()
    }
  }
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
}
