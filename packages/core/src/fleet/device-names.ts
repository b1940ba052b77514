import { type GeneralName, parseCertificate } from '@fleetcert/x509'
import type { IssueOrder } from '../authority/issue.ts'
import type { ResolvedProfile } from '../authority/profile.ts'
import type { CertificateRecord } from '../store/store.ts'

const deviceUrn = 'urn:fleetcert:device:'

/** CN and `urn:fleetcert:device:<deviceId>`, both from the caller; in endless certificates the serialNumber that IEEE 802.1AR-2018 section 8.6 asks for, too. */
export function deviceNames(
  profile: ResolvedProfile,
  deviceId: string,
  added: readonly GeneralName[],
): Pick<IssueOrder, 'subject' | 'subjectAltName'> {
  const serialNumber = profile.endless ? [[{ type: 'serialNumber', value: deviceId }]] : []
  return {
    subject: [...profile.subject, ...serialNumber, [{ type: 'CN', value: deviceId }]],
    subjectAltName: [{ type: 'uri', value: `${deviceUrn}${deviceId}` }, ...added],
  }
}

/** The names that the caller of an earlier enrolment added. What a pinned certificate says is a stranger's word. */
export function addedNames({ state, der }: CertificateRecord): readonly GeneralName[] {
  if (state !== 'issued' || der === undefined) return []
  const names = parseCertificate(der).subjectAltName ?? []
  return names.filter(name => name.type !== 'uri' || !name.value.startsWith(deviceUrn))
}
