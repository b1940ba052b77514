/** One requirement, and what answers for it: rules by id, or a reason why no rule does. */
export interface ChecklistLine {
  /** Of RFC 5280 where nothing else is said. */
  readonly section: string
  readonly requirement: string
  readonly rules: readonly string[]
  readonly reason?: string
}

const strictReader = 'The strict reader refuses it (`ERR_PKI_DER`) before any rule sees it'

/** What a certificate has to be, in the order of its fields. Every line has a rule or a reason, and every rule has a line: a test says so. */
export const lintChecklist: readonly ChecklistLine[] = [
  {
    section: '4.1.1.2, 4.1.2.3',
    requirement: 'Outer and inner AlgorithmIdentifier are the same octets',
    rules: ['same-signature-algorithm'],
    reason: 'Before signing there is only the inner one; the outer is written from the same constant',
  },
  {
    section: '4.1.1.2',
    requirement: 'Signature parameters absent for ECDSA, EdDSA, ML-DSA; NULL for RSA PKCS #1',
    rules: ['signature-algorithm-parameters'],
  },
  {
    section: '4.1.1.2',
    requirement: "The algorithm is one for the issuer's key",
    rules: ['signature-algorithm-fits-issuer'],
  },
  {
    section: '4.1.1.3',
    requirement: 'The signature is valid',
    rules: [],
    reason: 'Nothing is verified by the lint; issuing verifies its own signature, path validation those of others',
  },
  {
    section: '4.1.2.1',
    requirement: 'Version 3 when there are extensions',
    rules: ['version-3'],
    reason: 'With extensions any other version is refused by the strict reader (`ERR_PKI_CERTIFICATE`)',
  },
  { section: '4.1.2.2', requirement: 'Serial number above 0', rules: ['serial-number-positive'] },
  { section: '4.1.2.2', requirement: 'Serial number of at most 20 octets', rules: ['serial-number-length'] },
  {
    section: '4.1.2.2, BR 7.1',
    requirement: 'At least 64 bits of the serial number from a CSPRNG',
    rules: ['serial-number-form'],
    reason: 'Randomness cannot be seen in one number; the form can',
  },
  {
    section: '4.1.2.2',
    requirement: 'Serial number unique per issuer',
    rules: [],
    reason: 'One certificate cannot tell: `Store.reserve` answers `serialTaken`, and its conformance suite tests it',
  },
  { section: '4.1.2.4', requirement: 'Issuer not empty', rules: ['issuer-name'] },
  {
    section: '4.1.2.4, 4.1.2.6',
    requirement: "Issuer copied octet by octet from the subject of the issuer's certificate",
    rules: ['issuer-name-copied'],
  },
  { section: '6.1.4', requirement: 'The issuer is a CA that may sign certificates', rules: ['issuer-is-ca'] },
  { section: '4.1.2.5', requirement: 'UTCTime through 2049, GeneralizedTime from 2050', rules: ['time-encoding'] },
  { section: '4.1.2.5', requirement: 'Zulu, seconds always, no fractions', rules: [], reason: strictReader },
  {
    section: '4.1.2.5',
    requirement: 'notAfter is inclusive',
    rules: ['validity-order'],
    reason: 'How long a period was meant to be cannot be seen; `validityAt` takes the second off, and its tests say so',
  },
  { section: '4.1.2.5', requirement: 'No well-defined end is 99991231235959Z', rules: ['endless-not-after'] },
  { section: 'policy', requirement: "Validity inside the issuer's", rules: ['validity-within-issuer'] },
  { section: '4.1.2.6', requirement: 'Empty subject: critical subjectAltName', rules: ['empty-subject-alt-name'] },
  { section: '4.1.2.6', requirement: 'Subject of a CA not empty', rules: ['ca-subject-present'] },
  { section: '4.1.2.6', requirement: 'DirectoryString is PrintableString or UTF8String', rules: ['name-string-type'] },
  {
    section: '4.1.2.6, A.1',
    requirement: 'countryName, dnQualifier, serialNumber PrintableString',
    rules: ['printable-string-attributes'],
  },
  { section: 'A.1', requirement: 'emailAddress, domainComponent IA5String', rules: ['ia5-string-attributes'] },
  {
    section: 'A.1',
    requirement: 'Upper bounds: CN 64, O 64, OU 64, L 128, ST 128, C 2, serialNumber 64, emailAddress 255',
    rules: ['name-bounds', 'country-name'],
  },
  { section: '4.1.2.6', requirement: 'Mail addresses in subjectAltName', rules: ['email-in-subject'] },
  { section: 'RFC 9549', requirement: 'Internationalized domain names as A-labels', rules: ['dns-a-label'] },
  {
    section: 'RFC 9598',
    requirement: 'Internationalized mail addresses as SmtpUTF8Mailbox',
    rules: ['smtp-utf8-mailbox', 'email-syntax'],
  },
  {
    section: 'RFC 9549',
    requirement: 'Comparison of internationalized names',
    rules: [],
    reason: 'Names are compared by their octets; what could be compared otherwise is not written',
  },
  { section: '4.1.2.6', requirement: 'One common name', rules: ['single-common-name'] },
  {
    section: '4.1.2.7',
    requirement: 'Key algorithm parameters: named curve, NULL for RSA, absent for EdDSA',
    rules: [],
    reason:
      'The strict reader refuses RSA and EdDSA keys with others; explicit curves are refused by the key policy (`ERR_PKI_KEY_POLICY`)',
  },
  { section: '4.1.2.8', requirement: 'No unique identifiers', rules: ['unique-identifiers'] },
  { section: '4.2', requirement: 'No extension twice', rules: ['no-duplicate-extension'], reason: strictReader },
  {
    section: 'X.690 11.5',
    requirement: 'DEFAULT values not encoded: cA FALSE, critical FALSE',
    rules: ['critical-default', 'basic-constraints-default'],
  },
  {
    section: 'X.690 11.5',
    requirement: 'DEFAULT values not encoded: booleans of IssuingDistributionPoint',
    rules: [],
    reason: 'Of CRLs; certificates have none',
  },
  { section: 'X.690 11.6', requirement: 'SET OF sorted', rules: [], reason: strictReader },
  { section: 'X.690 8.3.2', requirement: 'INTEGER minimal', rules: [], reason: strictReader },
  { section: 'X.690 11.2.2', requirement: 'Named BIT STRINGs without trailing zeros', rules: ['key-usage-named-bits'] },
  { section: '4.2', requirement: 'No critical extension that nobody knows', rules: ['known-critical-extensions'] },
  {
    section: '4.2.1.1',
    requirement: 'authorityKeyIdentifier in all but self-signed certificates',
    rules: ['authority-key-identifier', 'authority-cert-issuer-pair'],
  },
  {
    section: '4.2.1.1',
    requirement: 'authorityKeyIdentifier not critical',
    rules: ['authority-key-identifier-not-critical'],
  },
  {
    section: '4.2.1.1, 4.2.1.2',
    requirement: "keyIdentifier is the issuer's subjectKeyIdentifier value, not computed anew",
    rules: ['authority-key-identifier-matches'],
  },
  {
    section: '4.2.1.2',
    requirement: 'subjectKeyIdentifier in CAs',
    rules: ['subject-key-identifier-in-ca', 'subject-key-identifier-not-critical'],
  },
  {
    section: '4.2.1.2',
    requirement: 'subjectKeyIdentifier in end entities (SHOULD)',
    rules: ['subject-key-identifier-in-end-entity'],
  },
  {
    section: '4.2.1.2, RFC 7093',
    requirement: 'SHA-1 of the key, or truncated SHA-256',
    rules: ['subject-key-identifier-derived'],
    reason: "Only in CAs, whose identifier others copy; an end entity's may be any octets",
  },
  { section: '4.2.1.3', requirement: 'keyUsage in CAs', rules: ['key-usage-in-ca', 'key-usage-in-end-entity'] },
  { section: '4.2.1.3', requirement: 'keyUsage critical (SHOULD)', rules: ['key-usage-critical'] },
  { section: '4.2.1.3', requirement: 'At least one bit', rules: ['key-usage-not-empty'] },
  {
    section: '4.2.1.3, RFC 8813',
    requirement: 'EC end entity without keyEncipherment; RFC 9295, RFC 9881, RFC 3279 for other keys',
    rules: ['key-usage-fits-key', 'encipher-only-with-agreement'],
  },
  {
    section: '4.2.1.3, 4.2.1.9',
    requirement: 'keyCertSign if and only if cA',
    rules: ['key-cert-sign-in-ca', 'crl-sign-in-ca'],
  },
  {
    section: '4.2.1.4',
    requirement: 'certificatePolicies and what belongs to it',
    rules: [],
    reason: 'Not written; judged where paths are validated (section 6.1)',
  },
  { section: '4.2.1.6', requirement: 'dNSName in IA5String, preferred name syntax', rules: ['dns-name-syntax'] },
  { section: '4.2.1.6', requirement: 'iPAddress of 4 or 16 octets', rules: [], reason: strictReader },
  { section: '4.2.1.6', requirement: 'URI with scheme', rules: ['uri-syntax'] },
  { section: '4.2.1.6', requirement: 'UUID and URN device ids as URI', rules: ['urn-syntax', 'device-name'] },
  {
    section: '4.2.1.6',
    requirement: 'subjectAltName not critical beside a subject (SHOULD)',
    rules: ['subject-alt-name-not-critical'],
  },
  { section: '4.2.1.9', requirement: 'basicConstraints critical in CAs', rules: ['basic-constraints-critical'] },
  { section: '4.2.1.9', requirement: 'pathLenConstraint only with cA and keyCertSign', rules: ['path-length-in-ca'] },
  { section: '4.2.1.9', requirement: "A child's path length below its parent's", rules: ['path-length-below-issuer'] },
  {
    section: '4.2.1.10',
    requirement: 'nameConstraints critical, in CAs only',
    rules: ['name-constraints-critical', 'name-constraints-in-ca'],
  },
  {
    section: '4.2.1.10',
    requirement: 'nameConstraints not empty, minimum 0, maximum absent',
    rules: ['name-constraints-form'],
  },
  {
    section: '4.2.1.10',
    requirement: 'nameConstraints enforced before signing, too',
    rules: ['name-constraints-honoured'],
  },
  {
    section: '4.2.1.12',
    requirement: 'Device clientAuth, broker serverAuth',
    rules: [
      'extended-key-usage-in-end-entity',
      'ca-without-extended-key-usage',
      'key-usage-fits-purpose',
      'time-stamping-alone',
    ],
    reason: 'Which of the two is meant is said by the profile, not by the certificate',
  },
  {
    section: '4.2.1.12',
    requirement: 'No anyExtendedKeyUsage by default',
    rules: ['no-any-extended-key-usage', 'any-extended-key-usage-not-critical'],
  },
  {
    section: '4.2.1.13',
    requirement: 'cRLDistributionPoints not critical',
    rules: ['crl-distribution-points-not-critical'],
  },
  { section: '4.2.1.13', requirement: 'Never only `reasons`', rules: ['crl-distribution-point-name'] },
  {
    section: '4.2.1.13, 5.2.5',
    requirement: "URL equals the URL of the shard's IssuingDistributionPoint octet for octet",
    rules: [],
    reason: 'Needs the CRL: both are written from one list of URLs, and `published-names.test.ts` compares them',
  },
  {
    section: '4.2.2.1',
    requirement: 'authorityInfoAccess not critical',
    rules: ['authority-info-access-not-critical'],
  },
  {
    section: '4.2.2.1, 8',
    requirement: 'http://, not https://, for CRL, OCSP and caIssuers',
    rules: ['no-https-urls', 'http-urls'],
  },
  {
    section: '6.1, RFC 9618',
    requirement: 'Path validation',
    rules: [],
    reason: 'Asks about a path and a moment, not about one certificate',
  },
  {
    section: 'RFC 9525',
    requirement: 'Servers identified by subjectAltName only',
    rules: ['server-auth-names', 'server-auth-hosts'],
  },
  {
    section: 'RFC 9525',
    requirement: 'Common name ignored',
    rules: [],
    reason: 'Of clients; the common name of our servers is one of their names, for libraries older than the rule',
  },
  { section: 'RFC 9525', requirement: 'Wildcard only as whole left-most label', rules: ['wildcard-label'] },
  {
    section: 'RFC 6960, RFC 9919',
    requirement: 'OCSP responders: one purpose, nocheck, no addresses of their own revocation',
    rules: ['ocsp-responder'],
  },
  {
    section: 'IEEE 802.1AR',
    requirement: 'IDevID: notAfter 99991231235959Z',
    rules: ['endless-not-after'],
    reason: 'By choice of a profile: `endless: true` (docs/decisions/005-endless-certificates.md)',
  },
  {
    section: 'IEEE 802.1AR',
    requirement: 'Subject with a unique serialNumber',
    rules: ['devid-serial-number'],
    reason: 'That it is unique follows from the device id that it repeats',
  },
  { section: 'IEEE 802.1AR, RFC 4108', requirement: 'HardwareModuleName optional', rules: ['hardware-module-name'] },
  {
    section: 'IEEE 802.1AR',
    requirement: 'LDevID by the owner',
    rules: [],
    reason: 'Who issues is not for a certificate to say',
  },
  {
    section: 'RFC 7925 4.4',
    requirement: 'Constrained clients: EUI-64 as name',
    rules: [],
    reason: 'A device id may be an EUI-64 and need not; which ids are devices of that kind nobody can see',
  },
  {
    section: 'RFC 7925 4.4',
    requirement: 'Constrained clients: small chains',
    rules: [],
    reason: 'Our chain is one CA between end entity and trust anchor; ECDSA P-256 by default',
  },
  {
    section: 'RFC 9881',
    requirement: 'ML-DSA keys and signatures',
    rules: ['signature-algorithm-parameters', 'key-usage-fits-key'],
    reason: 'Read and judged, not issued',
  },
]
