import type { ChecklistLine } from './lint-checklist.ts'

const strictReader = 'DER that is broken otherwise is refused (`ERR_PKI_DER`) before any rule sees it'
const issuing = 'One CRL cannot tell'

/** What a CRL has to be, in the order of RFC 5280 section 5. Every line has a rule or a reason, and every rule has a line: a test says so. */
export const crlChecklist: readonly ChecklistLine[] = [
  {
    section: '5.1',
    requirement: 'DER throughout',
    rules: ['crl-extension-syntax', 'crl-critical-default', 'crl-idp-default'],
    reason: strictReader,
  },
  {
    section: '5.1.1.2, 5.1.2.2',
    requirement: 'Outer and inner AlgorithmIdentifier are the same octets',
    rules: ['crl-same-signature-algorithm'],
    reason: 'Before signing there is only the inner one; the outer is written from the same constant',
  },
  {
    section: '5.1.1.2',
    requirement: 'Signature parameters absent for ECDSA, EdDSA, ML-DSA; NULL for RSA PKCS #1',
    rules: ['crl-signature-algorithm-parameters'],
  },
  {
    section: '5.1.1.2',
    requirement: "The algorithm is one for the issuer's key",
    rules: ['crl-signature-algorithm-fits-issuer'],
  },
  {
    section: '5.1.1.3',
    requirement: 'The signature is valid',
    rules: ['crl-signature-octets'],
    reason:
      'Nothing else is verified by the lint; the CRL issuer verifies its own signature, path validation those of others',
  },
  { section: '5.1.2.1', requirement: 'Version 2', rules: ['crl-version-2'] },
  { section: '5.1.2.3', requirement: 'Issuer not empty', rules: ['crl-issuer-name'] },
  {
    section: '5.1.2.3, 4.1.2.6',
    requirement: "Issuer copied octet by octet from the subject of the issuer's certificate",
    rules: ['crl-issuer-name-copied'],
  },
  { section: '6.3.3', requirement: 'The issuer may sign CRLs', rules: ['crl-issuer-may-sign'] },
  {
    section: '5.1.2.4 to 5.1.2.6',
    requirement: 'UTCTime through 2049, GeneralizedTime from 2050',
    rules: ['crl-time-encoding'],
  },
  { section: '5.1.2.4 to 5.1.2.6', requirement: 'Zulu, seconds always, no fractions', rules: ['crl-time-form'] },
  { section: '5.1.2.5', requirement: 'nextUpdate always', rules: ['crl-next-update', 'crl-update-order'] },
  {
    section: '5.1.2.5',
    requirement: 'nextUpdate not before that of earlier CRLs (SHOULD)',
    rules: [],
    reason: `${issuing}: the CRL issuer compares each with the one before`,
  },
  {
    section: '5.1.2.6',
    requirement: 'revokedCertificates absent when empty',
    rules: ['crl-revoked-certificates-not-empty'],
  },
  {
    section: '5.1.2.6',
    requirement: 'Each certificate once, by its serial number',
    rules: ['crl-entry-once', 'crl-entry-serial-number'],
  },
  {
    section: '5.1.2.6',
    requirement: 'revocationDate not after thisUpdate',
    rules: [],
    reason:
      'Nothing in RFC 5280 asks for it, and the clocks of several processes may differ by seconds: a CRL must not be held back for that',
  },
  {
    section: '5.1.2.7, A.1',
    requirement: 'Lists of extensions absent when empty',
    rules: ['crl-extensions-not-empty'],
  },
  { section: '4.2, 5.2, 5.3', requirement: 'No extension twice', rules: ['crl-no-duplicate-extension'] },
  {
    section: '5.2, 5.3',
    requirement: 'No critical extension that nobody knows',
    rules: ['crl-known-critical-extensions'],
  },
  {
    section: '5.2.1',
    requirement: 'authorityKeyIdentifier in every CRL, by keyIdentifier',
    rules: [
      'crl-authority-key-identifier',
      'crl-authority-key-identifier-not-critical',
      'crl-authority-key-identifier-matches',
    ],
  },
  {
    section: '5.2.2',
    requirement: 'issuerAltName not critical (SHOULD)',
    rules: ['crl-issuer-alt-name-not-critical'],
    reason: 'Not written',
  },
  {
    section: '5.2.3',
    requirement: 'CRLNumber in every CRL, not critical, at most 20 octets',
    rules: ['crl-number', 'crl-number-not-critical', 'crl-number-form'],
  },
  {
    section: '5.2.3',
    requirement: 'CRLNumber strictly rising in a scope, one sequence for full and delta',
    rules: [],
    reason: `${issuing}: \`Store.nextCrlNumber\` and \`putCrl\` see to it, and their conformance suite tests it`,
  },
  {
    section: '5.2.4',
    requirement: 'deltaCRLIndicator critical',
    rules: ['crl-delta-indicator-critical'],
  },
  {
    section: '5.2.4',
    requirement: 'Base number of a published full CRL',
    rules: ['crl-delta-base'],
    reason: 'That it was published is for the CRL issuer to know; that it is lower can be seen',
  },
  {
    section: '5.2.4',
    requirement: 'Full and delta CRL of the same moment have the same number; base and delta the same scope and key',
    rules: [],
    reason: `${issuing}: both are written by one CRL issuer from one scope`,
  },
  {
    section: '5.2.4, 5.3.1',
    requirement: 'removeFromCRL in deltas only',
    rules: ['crl-entry-remove-from-crl'],
  },
  { section: '5.2.5', requirement: 'issuingDistributionPoint critical', rules: ['crl-idp-critical'] },
  {
    section: '5.2.5',
    requirement: 'issuingDistributionPoint not an empty SEQUENCE',
    rules: ['crl-idp-not-empty'],
  },
  {
    section: '5.2.5',
    requirement: 'At most one onlyContains…, never attribute certificates',
    rules: ['crl-idp-one-kind', 'crl-idp-no-attribute-certs'],
  },
  {
    section: '5.2.5',
    requirement: 'FALSE not encoded in issuingDistributionPoint',
    rules: ['crl-idp-default'],
  },
  {
    section: '5.2.5',
    requirement: 'issuingDistributionPoint for partitions, and for EMQX',
    rules: ['crl-issuing-distribution-point', 'crl-idp-whole-scope'],
  },
  {
    section: '5.2.5',
    requirement: 'The name in it is one of cRLDistributionPoints, in the identical encoding',
    rules: [],
    reason:
      'Needs the certificates: both are written from one list of URLs, and `published-names.test.ts` compares them',
  },
  {
    section: '5.2.5',
    requirement: 'onlySomeReasons: entries with those reasons only',
    rules: ['crl-entry-reason-in-scope'],
  },
  {
    section: '5.2.6',
    requirement: 'freshestCRL not critical, never in a delta, distributionPoint alone',
    rules: ['crl-freshest-not-critical', 'crl-freshest-not-in-delta', 'crl-freshest-form'],
  },
  {
    section: '5.2.7',
    requirement: 'authorityInfoAccess not critical, caIssuers alone',
    rules: ['crl-aia-not-critical', 'crl-aia-ca-issuers'],
  },
  {
    section: '8',
    requirement: 'http://, not https://',
    rules: ['crl-no-https-urls', 'crl-http-urls'],
  },
  {
    section: '4.2.1.13, 5.2.5',
    requirement: 'An ldap URI names an entry and an attribute',
    rules: ['crl-http-urls'],
    reason: 'Not written; of a directory nothing else is judged',
  },
  {
    section: '5.3.1',
    requirement: 'reasonCode omitted instead of 0; 7 unused; not critical',
    rules: ['crl-entry-reason-not-unspecified', 'crl-entry-reason-known', 'crl-entry-reason-not-critical'],
  },
  {
    section: '5.3.1',
    requirement: 'Only certificateHold is reversible',
    rules: [],
    reason: `${issuing}: \`Store.release\` takes back nothing else, and its conformance suite tests it`,
  },
  {
    section: 'BR 7.2.2',
    requirement: 'No certificateHold',
    rules: [],
    reason: 'For public CAs; a fleet holds devices and takes it back',
  },
  {
    section: '5.3.2',
    requirement: 'invalidityDate GeneralizedTime, not critical',
    rules: ['crl-entry-invalidity-date-form', 'crl-entry-invalidity-date-not-critical'],
  },
  {
    section: '5.3.3',
    requirement: 'certificateIssuer critical, in indirect CRLs only',
    rules: ['crl-entry-certificate-issuer'],
    reason: 'Not written',
  },
  {
    section: '3.3, 5',
    requirement: "An expired certificate's entry stays until it was on one CRL issued after its notAfter",
    rules: [],
    reason: `${issuing}: the CRL issuer drops nothing earlier, and its tests say so`,
  },
  {
    section: 'BR 4.9.7',
    requirement: 'A new CRL within 24 hours of a revocation, and at least every 7 days',
    rules: [],
    reason: 'For public CAs; `crl.validitySeconds` is the choice of a fleet, and a new CRL follows every revocation',
  },
  {
    section: 'HTTP',
    requirement: 'application/pkix-crl, ETag, Last-Modified, max-age within nextUpdate, PEM twin',
    rules: [],
    reason: 'Not of the CRL but of who serves it: the hub',
  },
]
