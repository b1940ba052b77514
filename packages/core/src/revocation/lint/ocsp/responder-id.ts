import { createHash } from 'node:crypto'
import type { TbsCertificate } from '@fleetcert/x509'
import { createDerReader, derTag } from '@fleetcert/x509/der'
import { sameOctets } from '../../../authority/lint/octets.ts'
import type { BasicResponseView } from './ocsp-view.ts'

/** Hash algorithms of CertIDs, as node:crypto names them. */
export const hashNames: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

/** Whether ResponderID names the holder of a certificate: by subject, or by the SHA-1 hash of its key. */
export function isNamedBy(responderId: BasicResponseView['responderId'], certificate: TbsCertificate): boolean {
  return 'byName' in responderId
    ? sameOctets(responderId.byName, certificate.subjectDer)
    : sameOctets(responderId.byKey, keyHash('sha1', certificate))
}

/** "the hash … calculated over the value (excluding tag and length) of the subject public key field in the issuer's certificate" (RFC 6960 section 4.1.1). */
export function keyHash(algorithm: string, { subjectPublicKeyInfo }: TbsCertificate): Uint8Array {
  const reader = createDerReader(subjectPublicKeyInfo)
  reader.enter(derTag.sequence)
  reader.element()
  return createHash(algorithm).update(reader.bitString().octets).digest()
}
