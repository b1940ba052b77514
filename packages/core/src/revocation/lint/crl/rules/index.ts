import type { CrlLintRule } from '../crl-rule.ts'
import { crlAiaCaIssuers } from './crl-aia-ca-issuers.ts'
import { crlAiaNotCritical } from './crl-aia-not-critical.ts'
import { crlAuthorityKeyIdentifier } from './crl-authority-key-identifier.ts'
import { crlAuthorityKeyIdentifierMatches } from './crl-authority-key-identifier-matches.ts'
import { crlAuthorityKeyIdentifierNotCritical } from './crl-authority-key-identifier-not-critical.ts'
import { crlCriticalDefault } from './crl-critical-default.ts'
import { crlDeltaBase } from './crl-delta-base.ts'
import { crlDeltaIndicatorCritical } from './crl-delta-indicator-critical.ts'
import { crlEntryCertificateIssuer } from './crl-entry-certificate-issuer.ts'
import { crlEntryInvalidityDateForm } from './crl-entry-invalidity-date-form.ts'
import { crlEntryInvalidityDateNotCritical } from './crl-entry-invalidity-date-not-critical.ts'
import { crlEntryOnce } from './crl-entry-once.ts'
import { crlEntryReasonInScope } from './crl-entry-reason-in-scope.ts'
import { crlEntryReasonKnown } from './crl-entry-reason-known.ts'
import { crlEntryReasonNotCritical } from './crl-entry-reason-not-critical.ts'
import { crlEntryReasonNotUnspecified } from './crl-entry-reason-not-unspecified.ts'
import { crlEntryRemoveFromCrl } from './crl-entry-remove-from-crl.ts'
import { crlEntrySerialNumber } from './crl-entry-serial-number.ts'
import { crlExtensionSyntax } from './crl-extension-syntax.ts'
import { crlExtensionsNotEmpty } from './crl-extensions-not-empty.ts'
import { crlFreshestForm } from './crl-freshest-form.ts'
import { crlFreshestNotCritical } from './crl-freshest-not-critical.ts'
import { crlFreshestNotInDelta } from './crl-freshest-not-in-delta.ts'
import { crlHttpUrls } from './crl-http-urls.ts'
import { crlIdpCritical } from './crl-idp-critical.ts'
import { crlIdpDefault } from './crl-idp-default.ts'
import { crlIdpNoAttributeCerts } from './crl-idp-no-attribute-certs.ts'
import { crlIdpNotEmpty } from './crl-idp-not-empty.ts'
import { crlIdpOneKind } from './crl-idp-one-kind.ts'
import { crlIdpWholeScope } from './crl-idp-whole-scope.ts'
import { crlIssuerAltNameNotCritical } from './crl-issuer-alt-name-not-critical.ts'
import { crlIssuerMaySign } from './crl-issuer-may-sign.ts'
import { crlIssuerName } from './crl-issuer-name.ts'
import { crlIssuerNameCopied } from './crl-issuer-name-copied.ts'
import { crlIssuingDistributionPoint } from './crl-issuing-distribution-point.ts'
import { crlKnownCriticalExtensions } from './crl-known-critical-extensions.ts'
import { crlNextUpdate } from './crl-next-update.ts'
import { crlNoDuplicateExtension } from './crl-no-duplicate-extension.ts'
import { crlNoHttpsUrls } from './crl-no-https-urls.ts'
import { crlNumber } from './crl-number.ts'
import { crlNumberForm } from './crl-number-form.ts'
import { crlNumberNotCritical } from './crl-number-not-critical.ts'
import { crlRevokedCertificatesNotEmpty } from './crl-revoked-certificates-not-empty.ts'
import { crlSameSignatureAlgorithm } from './crl-same-signature-algorithm.ts'
import { crlSignatureAlgorithmFitsIssuer } from './crl-signature-algorithm-fits-issuer.ts'
import { crlSignatureAlgorithmParameters } from './crl-signature-algorithm-parameters.ts'
import { crlSignatureOctets } from './crl-signature-octets.ts'
import { crlTimeEncoding } from './crl-time-encoding.ts'
import { crlTimeForm } from './crl-time-form.ts'
import { crlUpdateOrder } from './crl-update-order.ts'
import { crlVersion2 } from './crl-version-2.ts'

/** Every rule, in the order of the fields they look at. */
export const crlLintRules: readonly CrlLintRule[] = [
  crlSameSignatureAlgorithm,
  crlSignatureAlgorithmParameters,
  crlSignatureAlgorithmFitsIssuer,
  crlSignatureOctets,
  crlVersion2,
  crlIssuerName,
  crlIssuerNameCopied,
  crlIssuerMaySign,
  crlTimeForm,
  crlTimeEncoding,
  crlNextUpdate,
  crlUpdateOrder,
  crlRevokedCertificatesNotEmpty,
  crlExtensionsNotEmpty,
  crlNoDuplicateExtension,
  crlCriticalDefault,
  crlKnownCriticalExtensions,
  crlExtensionSyntax,
  crlAuthorityKeyIdentifier,
  crlAuthorityKeyIdentifierNotCritical,
  crlAuthorityKeyIdentifierMatches,
  crlIssuerAltNameNotCritical,
  crlNumber,
  crlNumberNotCritical,
  crlNumberForm,
  crlDeltaIndicatorCritical,
  crlDeltaBase,
  crlFreshestNotInDelta,
  crlFreshestNotCritical,
  crlFreshestForm,
  crlIssuingDistributionPoint,
  crlIdpCritical,
  crlIdpNotEmpty,
  crlIdpDefault,
  crlIdpOneKind,
  crlIdpNoAttributeCerts,
  crlIdpWholeScope,
  crlAiaNotCritical,
  crlAiaCaIssuers,
  crlNoHttpsUrls,
  crlHttpUrls,
  crlEntrySerialNumber,
  crlEntryOnce,
  crlEntryReasonNotCritical,
  crlEntryReasonKnown,
  crlEntryReasonNotUnspecified,
  crlEntryRemoveFromCrl,
  crlEntryReasonInScope,
  crlEntryInvalidityDateNotCritical,
  crlEntryInvalidityDateForm,
  crlEntryCertificateIssuer,
]
