import { hash } from 'node:crypto'
import type { TbsCertificate } from '../certificate.ts'
import { objectIdentifier } from '../der/object-identifier.ts'
import type { DerReader } from '../der/reader.ts'
import { derTag } from '../der/tag.ts'
import { concat, sequence } from '../der/tlv.ts'
import { integer, nullValue, octetString } from '../der/writer.ts'
import { fromHex } from '../fingerprint.ts'
import { publicKeyOctets } from '../public-key.ts'
import { readSerialNumber } from '../serial-number.ts'
import { type OcspHash, ocspOids } from './ocsp-oids.ts'

/** What names a certificate in OCSP (RFC 6960 section 4.1.1). All octet arrays are views of the input. */
export interface OcspCertId {
  /** The whole CertID, DER. */
  readonly der: Uint8Array
  /** hashAlgorithm, issuerNameHash and issuerKeyHash as they stand: issuers are told apart by one comparison of octets. */
  readonly issuer: Uint8Array
  /** Dotted. */
  readonly hashAlgorithmOid: string
  /** Hash of the issuer's name, DER. */
  readonly issuerNameHash: Uint8Array
  /** Hash of the issuer's subjectPublicKey without tag, length and unused bits. */
  readonly issuerKeyHash: Uint8Array
  /** As in `Certificate`. */
  readonly serialNumber: string
}

/** What of a CA's certificate a CertID is made of. */
export type OcspIssuer = Pick<TbsCertificate, 'subjectDer' | 'subjectPublicKeyInfo'>

const hashOids: Readonly<Record<OcspHash, Uint8Array>> = {
  sha1: objectIdentifier(ocspOids.sha1),
  sha256: objectIdentifier(ocspOids.sha256),
}

/**
 * The octets of a CertID in front of its serial number. `parameters`: NULL in hashAlgorithm, as RFC 3279 and RFC 4055 have it and clients send it, or absent, which means the same.
 *
 * @throws PkiError `ERR_PKI_DER` for an issuer that is none
 */
export function encodeCertIdIssuer(
  issuer: OcspIssuer,
  algorithm: OcspHash,
  { parameters = true }: { readonly parameters?: boolean } = {},
): Uint8Array {
  const oid = hashOids[algorithm]
  return concat([
    parameters ? sequence(oid, nullValue()) : sequence(oid),
    octetString(hash(algorithm, issuer.subjectDer, 'buffer')),
    octetString(hash(algorithm, publicKeyOctets(issuer.subjectPublicKeyInfo), 'buffer')),
  ])
}

/**
 * CertID (RFC 6960 section 4.1.1). `serialNumber` is hex, an unsigned magnitude. SHA-256 unless asked otherwise: RFC 9919 section 3.1.1 wants it of new clients.
 *
 * @throws PkiError `ERR_PKI_DER` for an issuer that is none
 */
export function encodeCertId(issuer: OcspIssuer, serialNumber: string, algorithm: OcspHash = 'sha256'): Uint8Array {
  return sequence(encodeCertIdIssuer(issuer, algorithm), integer(fromHex(serialNumber)))
}

/** Whether a CertID names a certificate of `issuer`. False for hash algorithms other than SHA-1 and SHA-256. */
export function isCertIdOf(certId: OcspCertId, issuer: OcspIssuer): boolean {
  const algorithm = hashNames.get(certId.hashAlgorithmOid)
  if (algorithm === undefined) return false
  return (
    Buffer.compare(certId.issuerNameHash, hash(algorithm, issuer.subjectDer, 'buffer')) === 0 &&
    Buffer.compare(certId.issuerKeyHash, hash(algorithm, publicKeyOctets(issuer.subjectPublicKeyInfo), 'buffer')) === 0
  )
}

const hashNames: ReadonlyMap<string, OcspHash> = new Map([
  [ocspOids.sha1, 'sha1'],
  [ocspOids.sha256, 'sha256'],
])

/** The next element as a CertID. Hash algorithms and lengths are not judged: an unknown one names nobody. @internal */
export function readCertId(reader: DerReader): OcspCertId {
  const start = reader.offset
  reader.enter(derTag.sequence)
  const issuerStart = reader.offset
  reader.enter(derTag.sequence)
  const hashAlgorithmOid = reader.objectIdentifier()
  if (!reader.atEnd) reader.element()
  reader.leave()
  const issuerNameHash = reader.octetString()
  const issuerKeyHash = reader.octetString()
  const issuer = reader.slice(issuerStart, reader.offset)
  const serialNumber = readSerialNumber(reader).text
  reader.leave()
  const der = reader.slice(start, reader.offset)
  return { der, issuer, hashAlgorithmOid, issuerNameHash, issuerKeyHash, serialNumber }
}
