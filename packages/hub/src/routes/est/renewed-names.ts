import type { Certificate, CertificationRequest } from '@fleetcert/core'
import { malformed } from '../../exchange/fields.ts'

type Name = Certificate['subject']
type AltNames = NonNullable<Certificate['subjectAltName']>

// id-cmc-changeSubjectName (RFC 6402).
const oidChangeSubjectName = '1.3.6.1.5.5.7.7.36'

/**
 * Holds the names of a re-enrolment against those of the certificate that it replaces: "The request Subject field and SubjectAltName extension MUST be identical to the corresponding fields in the
 * certificate being renewed/rekeyed" (RFC 7030 section 4.2.2). What the request leaves out is no other name: the new certificate has the old one's in any case.
 *
 * @throws PkiError `ERR_PKI_REQUEST` for another name, and for ChangeSubjectName: names are the operator's to give
 */
export function checkRenewedNames(csr: CertificationRequest, current: Certificate): void {
  if (csr.attributes.some(({ oid }) => oid === oidChangeSubjectName)) {
    throw malformed('ChangeSubjectName: a device keeps its names')
  }
  if (csr.subject.length > 0 && nameText(csr.subject) !== nameText(current.subject)) {
    throw malformed('the subject is not that of the certificate: leave it empty, or copy it')
  }
  const { requestedSubjectAltName: asked } = csr
  if (asked !== undefined && altNamesText(asked) !== altNamesText(current.subjectAltName ?? [])) {
    throw malformed('subjectAltName is not that of the certificate: leave it out, or copy it')
  }
}

/** Attributes by type and value: which of the string types carries a value is no part of the name. */
function nameText(name: Name): string {
  return JSON.stringify(name.map(rdn => rdn.map(({ type, value }) => JSON.stringify([type, value])).sort()))
}

function altNamesText(names: AltNames): string {
  const texts = names.map(name => {
    if (name.type === 'other') return JSON.stringify([name.tag, Buffer.from(name.der).toString('hex')])
    return JSON.stringify([name.type, name.type === 'directoryName' ? nameText(name.value) : name.value])
  })
  return JSON.stringify(texts.sort())
}
