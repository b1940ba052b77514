import type { CertificateSubject } from '@fleetcert/core'
import { assertHash, idOctets } from './arguments.ts'
import type { OctetReader } from './octet-reader.ts'
import { asBuffer, asOctets, packCounted, packDate, packNumber, packText } from './octets.ts'
import { decodeText, encodeText } from './text-octets.ts'

const hasDevice = 1
const hasOwner = 2
const hasAttributes = 4

/** What a certificate is for, as its row keeps it and `read_body` of the scripts takes it apart. */
export function encodeBody(subject: CertificateSubject): Buffer {
  assertHash(subject.publicKeyHash, 'publicKeyHash')
  const { issuer, serial } = idOctets(subject.id)
  const { deviceId, owner, attributes } = subject
  const flags =
    (deviceId === undefined ? 0 : hasDevice) |
    (owner === undefined ? 0 : hasOwner) |
    (attributes === undefined ? 0 : hasAttributes)
  return Buffer.concat([
    packDate(subject.notBefore, 'notBefore'),
    packDate(subject.notAfter, 'notAfter'),
    packDate(subject.createdAt, 'createdAt'),
    packNumber(subject.shard, 4),
    asBuffer(subject.publicKeyHash),
    packNumber(flags, 1),
    packCounted(issuer, 1, 'issuerKeyId'),
    packCounted(serial, 1, 'serialNumber'),
    packText(subject.role, 1, 'role'),
    packText(subject.profile, 2, 'profile'),
    ...(deviceId === undefined ? [] : [packText(deviceId, 2, 'deviceId')]),
    ...(owner === undefined ? [] : [packText(owner, 2, 'owner')]),
    ...(attributes === undefined ? [] : [encodeAttributes(attributes)]),
  ])
}

/** Its octets stay in the reader's memory. */
export function decodeBody(reader: OctetReader): CertificateSubject {
  const notBefore = reader.date()
  const notAfter = reader.date()
  const createdAt = reader.date()
  const shard = reader.number(4)
  const publicKeyHash = asOctets(reader.octets(32))
  const flags = reader.number(1)
  const issuerKeyId = reader.hex(1)
  const serialNumber = reader.hex(1)
  const role = reader.text(1) as CertificateSubject['role']
  const profile = reader.text(2)
  return {
    id: { issuerKeyId, serialNumber },
    role,
    profile,
    ...((flags & hasDevice) !== 0 && { deviceId: reader.text(2) }),
    ...((flags & hasOwner) !== 0 && { owner: reader.text(2) }),
    ...((flags & hasAttributes) !== 0 && { attributes: decodeAttributes(reader) }),
    publicKeyHash,
    notBefore,
    notAfter,
    shard,
    createdAt,
  }
}

function encodeAttributes(attributes: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(attributes)
  if (pairs.length > 0xffff) throw new RangeError('attributes are too many')
  return Buffer.concat([
    packNumber(pairs.length, 2),
    ...pairs.flatMap(pair => pair.map(part => packCounted(encodeText(part), 4, 'an attribute'))),
  ])
}

function decodeAttributes(reader: OctetReader): Readonly<Record<string, string>> {
  const count = reader.number(2)
  return Object.fromEntries(
    Array.from({ length: count }, () => [decodeText(reader.counted(4)), decodeText(reader.counted(4))]),
  )
}
