import { describe, expect, it } from 'vitest'
import {
  bitString,
  context,
  createDerReader,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  sequenceOf,
  set,
  tlv,
  utf8String,
} from '../src/der/index.ts'
import {
  encodeExtension,
  encodeName,
  parseCertificate,
  parseCertificationRequest,
  signatureAlgorithmIdentifier,
} from '../src/index.ts'
import { countingOctets } from './support/counting-octets.ts'
import { outcomeOf } from './support/errors.ts'
import { makeSigner } from './support/issue.ts'

const signer = makeSigner()
const identifier = signatureAlgorithmIdentifier(signer.algorithm)
const repeat = (element: Uint8Array, octets: number) =>
  new Array<Uint8Array>(Math.floor(octets / element.length)).fill(element)

const csr = (fields: { readonly subject?: Uint8Array; readonly attributes?: readonly Uint8Array[] }) => {
  const { subject = encodeName([]), attributes = [] } = fields
  return sequence(
    sequence(integer(0), subject, signer.publicKey, context(0, true, ...attributes)),
    identifier,
    bitString(new Uint8Array(8)),
  )
}
const attribute = (value: Uint8Array) => sequence(objectIdentifier('1.2.3'), set(value))
const requested = (extensions: Uint8Array) => sequence(objectIdentifier('1.2.840.113549.1.9.14'), set(extensions))
const nested = (octets: number) => {
  let element: Uint8Array = octetString(new Uint8Array(octets - 120))
  for (let depth = 0; depth < 24; depth++) element = sequence(element)
  return element
}
const rdn = set(sequence(objectIdentifier('2.5.4.3'), utf8String('a')))

/** Requests of about `octets` octets, each the worst of its kind. */
const requests: Readonly<Record<string, (octets: number) => Uint8Array>> = {
  'a long object identifier': octets => csr({ attributes: [attribute(tlv(0x06, new Uint8Array(octets).fill(0xff)))] }),
  'many object identifiers': octets =>
    csr({
      attributes: [
        attribute(sequenceOf(repeat(objectIdentifier('2.25.340282366920938463463374607431768211455'), octets))),
      ],
    }),
  'many small elements': octets => csr({ attributes: [attribute(sequenceOf(repeat(nullValue(), octets)))] }),
  'a deep element': octets => csr({ attributes: [attribute(nested(octets))] }),
  'a long name': octets => csr({ subject: sequenceOf(repeat(rdn, octets)) }),
  'many names': octets =>
    csr({
      attributes: [
        requested(
          sequence(
            encodeExtension('2.5.29.17', false, sequenceOf(repeat(context(2, false, Uint8Array.of(0x61)), octets))),
          ),
        ),
      ],
    }),
  'many key purposes': octets =>
    csr({
      attributes: [
        requested(sequence(encodeExtension('2.5.29.37', false, sequenceOf(repeat(objectIdentifier('1.2.3'), octets))))),
      ],
    }),
  'many attributes': octets => csr({ attributes: repeat(attribute(nullValue()), octets) }),
  'many extensions': octets =>
    csr({
      attributes: [
        requested(
          sequenceOf(
            Array.from({ length: octets / 16 }, (_, arc) => encodeExtension(`1.2.${arc}`, false, nullValue())),
          ),
        ),
      ],
    }),
}

/** How many octets the reader looks at one by one. */
function steps(bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): number {
  const { octets, reads } = countingOctets(bytes)
  outcomeOf(() => read(octets))
  return reads()
}

describe('steps grow no faster than the input', () => {
  it.each(Object.entries(requests))('%s', (_, make) => {
    const small = make(7 * 1024)
    const large = make(14 * 1024)
    const smallSteps = steps(small, parseCertificationRequest)
    const largeSteps = steps(large, parseCertificationRequest)
    expect(largeSteps).toBeLessThanOrEqual(2.1 * smallSteps + 500)
    expect(largeSteps).toBeLessThanOrEqual(6 * large.length)
  })

  it('in a certificate with 60 KiB of object identifiers, all bad', () => {
    const bad = tlv(0x06, new Uint8Array(60 * 1024).fill(0xff))
    const der = sequence(sequence(integer(1), sequence(bad)), identifier, bitString(new Uint8Array(8)))
    expect(steps(der, parseCertificate)).toBeLessThan(100)
  })

  it('counted in elements too', () => {
    for (const octets of [10_000, 20_000, 40_000]) {
      const reader = createDerReader(sequenceOf(repeat(nullValue(), octets)))
      reader.element()
      expect(reader.elements).toBe(octets / 2 + 1)
    }
  })
})
