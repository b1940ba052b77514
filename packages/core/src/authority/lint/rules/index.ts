import type { LintRule } from '../lint-rule.ts'
import { anyExtendedKeyUsageNotCritical } from './any-extended-key-usage-not-critical.ts'
import { authorityCertIssuerPair } from './authority-cert-issuer-pair.ts'
import { authorityInfoAccessNotCritical } from './authority-info-access-not-critical.ts'
import { authorityKeyIdentifier } from './authority-key-identifier.ts'
import { authorityKeyIdentifierMatches } from './authority-key-identifier-matches.ts'
import { authorityKeyIdentifierNotCritical } from './authority-key-identifier-not-critical.ts'
import { basicConstraintsCritical } from './basic-constraints-critical.ts'
import { basicConstraintsDefault } from './basic-constraints-default.ts'
import { caSubjectPresent } from './ca-subject-present.ts'
import { caWithoutExtendedKeyUsage } from './ca-without-extended-key-usage.ts'
import { countryName } from './country-name.ts'
import { criticalDefault } from './critical-default.ts'
import { crlDistributionPointName } from './crl-distribution-point-name.ts'
import { crlDistributionPointsNotCritical } from './crl-distribution-points-not-critical.ts'
import { crlSignInCa } from './crl-sign-in-ca.ts'
import { deviceName } from './device-name.ts'
import { devidSerialNumber } from './devid-serial-number.ts'
import { dnsALabel } from './dns-a-label.ts'
import { dnsNameSyntax } from './dns-name-syntax.ts'
import { emailInSubject } from './email-in-subject.ts'
import { emailSyntax } from './email-syntax.ts'
import { emptySubjectAltName } from './empty-subject-alt-name.ts'
import { encipherOnlyWithAgreement } from './encipher-only-with-agreement.ts'
import { endlessNotAfterValue } from './endless-not-after.ts'
import { extendedKeyUsageInEndEntity } from './extended-key-usage-in-end-entity.ts'
import { hardwareModuleName } from './hardware-module-name.ts'
import { httpUrls } from './http-urls.ts'
import { ia5StringAttributes } from './ia5-string-attributes.ts'
import { issuerIsCa } from './issuer-is-ca.ts'
import { issuerName } from './issuer-name.ts'
import { issuerNameCopied } from './issuer-name-copied.ts'
import { keyCertSignInCa } from './key-cert-sign-in-ca.ts'
import { keyUsageCritical } from './key-usage-critical.ts'
import { keyUsageFitsKey } from './key-usage-fits-key.ts'
import { keyUsageFitsPurpose } from './key-usage-fits-purpose.ts'
import { keyUsageInCa } from './key-usage-in-ca.ts'
import { keyUsageInEndEntity } from './key-usage-in-end-entity.ts'
import { keyUsageNamedBits } from './key-usage-named-bits.ts'
import { keyUsageNotEmpty } from './key-usage-not-empty.ts'
import { knownCriticalExtensions } from './known-critical-extensions.ts'
import { nameBounds } from './name-bounds.ts'
import { nameConstraintsCritical } from './name-constraints-critical.ts'
import { nameConstraintsForm } from './name-constraints-form.ts'
import { nameConstraintsHonoured } from './name-constraints-honoured.ts'
import { nameConstraintsInCa } from './name-constraints-in-ca.ts'
import { nameStringType } from './name-string-type.ts'
import { noAnyExtendedKeyUsage } from './no-any-extended-key-usage.ts'
import { noDuplicateExtension } from './no-duplicate-extension.ts'
import { noHttpsUrls } from './no-https-urls.ts'
import { ocspResponder } from './ocsp-responder.ts'
import { pathLengthBelowIssuer } from './path-length-below-issuer.ts'
import { pathLengthInCa } from './path-length-in-ca.ts'
import { printableStringAttributes } from './printable-string-attributes.ts'
import { sameSignatureAlgorithm } from './same-signature-algorithm.ts'
import { serialNumberForm } from './serial-number-form.ts'
import { serialNumberLength } from './serial-number-length.ts'
import { serialNumberPositive } from './serial-number-positive.ts'
import { serverAuthHosts } from './server-auth-hosts.ts'
import { serverAuthNames } from './server-auth-names.ts'
import { signatureAlgorithmFitsIssuer } from './signature-algorithm-fits-issuer.ts'
import { signatureAlgorithmParameters } from './signature-algorithm-parameters.ts'
import { singleCommonName } from './single-common-name.ts'
import { smtpUtf8Mailbox } from './smtp-utf8-mailbox.ts'
import { subjectAltNameNotCritical } from './subject-alt-name-not-critical.ts'
import { subjectKeyIdentifierDerived } from './subject-key-identifier-derived.ts'
import { subjectKeyIdentifierInCa } from './subject-key-identifier-in-ca.ts'
import { subjectKeyIdentifierInEndEntity } from './subject-key-identifier-in-end-entity.ts'
import { subjectKeyIdentifierNotCritical } from './subject-key-identifier-not-critical.ts'
import { timeEncoding } from './time-encoding.ts'
import { timeStampingAlone } from './time-stamping-alone.ts'
import { uniqueIdentifiers } from './unique-identifiers.ts'
import { uriSyntax } from './uri-syntax.ts'
import { urnSyntax } from './urn-syntax.ts'
import { validityOrder } from './validity-order.ts'
import { validityWithinIssuer } from './validity-within-issuer.ts'
import { version3 } from './version-3.ts'
import { wildcardLabel } from './wildcard-label.ts'

/** Every rule, in the order of the fields they look at. */
export const lintRules: readonly LintRule[] = [
  sameSignatureAlgorithm,
  signatureAlgorithmParameters,
  signatureAlgorithmFitsIssuer,
  version3,
  serialNumberPositive,
  serialNumberLength,
  serialNumberForm,
  issuerName,
  issuerNameCopied,
  issuerIsCa,
  validityOrder,
  timeEncoding,
  endlessNotAfterValue,
  validityWithinIssuer,
  caSubjectPresent,
  emptySubjectAltName,
  nameStringType,
  printableStringAttributes,
  ia5StringAttributes,
  nameBounds,
  countryName,
  emailInSubject,
  singleCommonName,
  deviceName,
  devidSerialNumber,
  uniqueIdentifiers,
  noDuplicateExtension,
  criticalDefault,
  authorityKeyIdentifier,
  authorityKeyIdentifierNotCritical,
  authorityKeyIdentifierMatches,
  authorityCertIssuerPair,
  subjectKeyIdentifierInCa,
  subjectKeyIdentifierInEndEntity,
  subjectKeyIdentifierNotCritical,
  subjectKeyIdentifierDerived,
  keyUsageInCa,
  keyUsageInEndEntity,
  keyUsageCritical,
  keyUsageNotEmpty,
  keyUsageNamedBits,
  keyCertSignInCa,
  crlSignInCa,
  keyUsageFitsKey,
  encipherOnlyWithAgreement,
  subjectAltNameNotCritical,
  dnsNameSyntax,
  wildcardLabel,
  dnsALabel,
  uriSyntax,
  urnSyntax,
  emailSyntax,
  smtpUtf8Mailbox,
  hardwareModuleName,
  basicConstraintsCritical,
  basicConstraintsDefault,
  pathLengthInCa,
  pathLengthBelowIssuer,
  nameConstraintsInCa,
  nameConstraintsCritical,
  nameConstraintsForm,
  nameConstraintsHonoured,
  extendedKeyUsageInEndEntity,
  caWithoutExtendedKeyUsage,
  noAnyExtendedKeyUsage,
  anyExtendedKeyUsageNotCritical,
  keyUsageFitsPurpose,
  serverAuthNames,
  serverAuthHosts,
  ocspResponder,
  timeStampingAlone,
  crlDistributionPointsNotCritical,
  crlDistributionPointName,
  authorityInfoAccessNotCritical,
  noHttpsUrls,
  httpUrls,
  knownCriticalExtensions,
]
