import type { CrlHead } from '@fleetcert/core'
import { OctetReader } from './octet-reader.ts'
import { packDate, packNumber, packText } from './octets.ts'

/** A CRL without its octets, and where they are. */
export interface StoredCrlHead extends CrlHead {
  /** SHA-256 over its parts. */
  readonly digest: Buffer
  /** Name of the upload whose parts they are: random, 16 octets. */
  readonly upload: Buffer
  readonly count: number
}

/** `digest, upload, parts, thisUpdate, nextUpdate, number, note`: what scripts need stands first. */
export function encodeCrlHead(crl: CrlHead, count: number, digest: Buffer, upload: Buffer): Buffer {
  return Buffer.concat([
    digest,
    upload,
    packNumber(count, 4),
    packDate(crl.thisUpdate, 'thisUpdate'),
    packDate(crl.nextUpdate, 'nextUpdate'),
    packText(String(crl.crlNumber), 1, 'crlNumber'),
    ...(crl.note === undefined ? [] : [packText(crl.note, 4, 'note')]),
  ])
}

export function decodeCrlHead(octets: Buffer): StoredCrlHead {
  const reader = new OctetReader(octets)
  const digest = reader.octets(32)
  const upload = reader.octets(16)
  const count = reader.number(4)
  const thisUpdate = reader.date()
  const nextUpdate = reader.date()
  const crlNumber = BigInt(reader.text(1))
  return {
    digest,
    upload,
    count,
    crlNumber,
    thisUpdate,
    nextUpdate,
    ...(!reader.isAtEnd && { note: reader.text(4) }),
  }
}

/** The head as callers know it. */
export function toCrlHead({ digest: _, upload: __, count: ___, ...head }: StoredCrlHead): CrlHead {
  return head
}
