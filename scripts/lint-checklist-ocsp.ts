import type { ChecklistLine } from './lint-checklist.ts'

const responder = 'Not to be seen in a response: the responder does it, and its tests say so'

/** What an OCSP response has to be. Every line has a rule or a reason, and every rule has a line: a test says so. */
export const ocspChecklist: readonly ChecklistLine[] = [
  {
    section: 'RFC 6960 4.2.1',
    requirement: 'DER, with a known status, and responseBytes exactly when successful',
    rules: ['ocsp-response-status', 'ocsp-response-bytes', 'ocsp-extensions-not-empty', 'ocsp-critical-default'],
    reason: 'DER that is broken otherwise is refused (`ERR_PKI_DER`) before any rule sees it',
  },
  { section: 'RFC 9919 3.2.1', requirement: 'BasicOCSPResponse only', rules: ['ocsp-response-type'] },
  {
    section: 'RFC 6960 4.2.2.3',
    requirement: 'Version 1, left to its default',
    rules: ['ocsp-version', 'ocsp-version-default'],
  },
  {
    section: 'RFC 6960 2.2',
    requirement: 'good, revoked or unknown, as it is; never good for what was not issued (BR 4.9.10)',
    rules: [],
    reason: responder,
  },
  {
    section: 'RFC 6960 2.2, 4.4.8',
    requirement: 'Revoked for what was not issued: with the extended revoke extension',
    rules: ['ocsp-extended-revoke'],
    reason: 'Not answered by fleetcert, which says `unauthorized`',
  },
  {
    section: 'RFC 6960 2.2',
    requirement: 'About certificates of the CA that signed or delegated',
    rules: ['ocsp-cert-id-issuer'],
  },
  {
    section: 'RFC 6960 4.2.2.2',
    requirement: 'Delegate issued directly by the CA, for OCSPSigning',
    rules: ['ocsp-delegate-issued-directly', 'ocsp-delegate-purpose'],
    reason: 'Its signature is verified by whoever relies on it, not by the lint',
  },
  {
    section: 'RFC 6960 4.2.2.2.1',
    requirement: 'Delegate with nocheck',
    rules: ['ocsp-delegate-nocheck', 'ocsp-delegate-nocheck-form'],
  },
  {
    section: 'RFC 9919 3.2.2',
    requirement: 'Delegate without OCSP address and cRLDistributionPoints',
    rules: ['ocsp-delegate-no-pointers'],
  },
  {
    section: 'RFC 9919 3.2.2',
    requirement: 'Delegate short-lived',
    rules: ['ocsp-delegate-short-lived', 'ocsp-within-delegate'],
  },
  {
    section: 'RFC 9919 3.2.2',
    requirement: 'Delegate included',
    rules: ['ocsp-delegate-included', 'ocsp-certs-needed', 'ocsp-certs-not-empty'],
  },
  {
    section: 'RFC 9919 3.1.1',
    requirement: 'One Request, SHA-256 CertID',
    rules: [],
    reason: 'Of requests; both hashes are answered',
  },
  {
    section: 'RFC 6960 4.1.1',
    requirement: 'Hashes of the length of their algorithm',
    rules: ['ocsp-cert-id-hash'],
    reason: 'Its parameters, NULL or absent, are echoed: both are read everywhere',
  },
  {
    section: 'RFC 6960 4.2.2.3, RFC 9919 3.2.1',
    requirement: 'A SingleResponse for each certificate in the request, and none besides',
    rules: ['ocsp-responses-present', 'ocsp-responses-asked-for', 'ocsp-responses-agree'],
  },
  {
    section: 'RFC 9919 3.2.1',
    requirement: 'No responseExtensions beyond the nonce',
    rules: ['ocsp-response-extensions', 'ocsp-no-critical-extension', 'ocsp-no-duplicate-extension'],
  },
  {
    section: 'RFC 9919 3.2.1',
    requirement: 'Of a request with something unsupported the most complete answer',
    rules: [],
    reason: responder,
  },
  {
    section: 'RFC 9919 3.2.2, RFC 6960 4.2.2.3',
    requirement: 'ResponderID byKey, of the certificate that signed',
    rules: ['ocsp-responder-id-by-key', 'ocsp-responder-id-form', 'ocsp-responder-id-matches'],
  },
  {
    section: 'RFC 9919 3.2.3',
    requirement: 'No authoritative record: unauthorized',
    rules: [],
    reason: responder,
  },
  { section: 'RFC 9919 3.2.4', requirement: 'nextUpdate', rules: ['ocsp-next-update', 'ocsp-update-order'] },
  {
    section: 'RFC 9919 3.2.4',
    requirement: 'GeneralizedTime, Zulu, with seconds, without fractions',
    rules: ['ocsp-time-form'],
  },
  {
    section: 'RFC 6960 2.4',
    requirement: 'Known at thisUpdate, signed at producedAt, revoked before',
    rules: ['ocsp-produced-at', 'ocsp-revocation-time'],
  },
  {
    section: 'RFC 6960 4.2.1, 5.3.1',
    requirement: 'A reason that there is; none instead of unspecified',
    rules: ['ocsp-revocation-reason', 'ocsp-reason-not-unspecified'],
  },
  {
    section: 'RFC 6960 4.2.2.3',
    requirement: "Signature algorithm of the signer's key, with its parameters",
    rules: ['ocsp-signature-algorithm-parameters', 'ocsp-signature-algorithm-fits-signer'],
  },
  {
    section: 'RFC 6960 4.4.2, 4.4.4, 4.4.5',
    requirement: 'CRL references, archive cutoff, CRL entry extensions',
    rules: [],
    reason: 'Allowed as singleExtensions, and not written: what the answer says is all there is to know',
  },
  {
    section: 'RFC 9654 2.1',
    requirement: 'Nonce of 1 to 128 octets, an OCTET STRING inside extnValue, echoed exactly',
    rules: ['ocsp-nonce-form', 'ocsp-nonce-echoed'],
  },
  {
    section: 'RFC 9654 2.1',
    requirement: 'Nonces of 16 to 32 octets accepted, others refused as malformed',
    rules: [],
    reason: responder,
  },
  {
    section: 'RFC 9919 5 and 6, GET',
    requirement: 'Media type, cache headers, encodings of GET, size of POST',
    rules: [],
    reason: 'Not of the response but of who serves it: the hub',
  },
  {
    section: 'BR 4.9.10',
    requirement: 'Valid for 8 hours to 10 days, renewed at half-life, one snapshot for all',
    rules: [],
    reason: 'For public CAs; answers are signed when they are asked for, from the record as it is',
  },
]
