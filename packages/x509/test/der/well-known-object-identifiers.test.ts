import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDerReader, objectIdentifier } from '../../src/der/index.ts'
import { decodeObjectIdentifier } from '../../src/der/object-identifier.ts'
import { wellKnownObjectIdentifier } from '../../src/der/well-known-object-identifiers.ts'
import { extendedKeyUsageOids, extensionOids } from '../../src/index.ts'

const contentOf = (dotted: string): Uint8Array => objectIdentifier(dotted).subarray(2)

it('reads the extensions and purposes of every certificate out of the table', () => {
  const { subjectKeyIdentifier, keyUsage, subjectAltName, authorityKeyIdentifier, extendedKeyUsage } = extensionOids
  const { serverAuth, clientAuth } = extendedKeyUsageOids
  for (const oid of [
    subjectKeyIdentifier,
    keyUsage,
    subjectAltName,
    authorityKeyIdentifier,
    extendedKeyUsage,
    serverAuth,
    clientAuth,
  ]) {
    const content = contentOf(oid)
    expect(wellKnownObjectIdentifier(content, 0, content.length)).toBe(oid)
  }
})

it('says the same as decoding, or nothing', () => {
  const arcs = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 8 })
  const prefix = fc.constantFrom('2.5.4', '2.5.29', '1.3.6.1.5.5.7', '1.2.840.113549.1', '1.2.840.10045', '0.9')
  fc.assert(
    fc.property(prefix, arcs, (start, rest) => {
      const dotted = `${start}.${rest.join('.')}`
      const content = contentOf(dotted)
      const known = wellKnownObjectIdentifier(content, 0, content.length)
      expect(decodeObjectIdentifier(content, 0, content.length)).toBe(dotted)
      if (known !== undefined) expect(known).toBe(dotted)
      expect(createDerReader(objectIdentifier(dotted)).objectIdentifier()).toBe(dotted)
    }),
    { numRuns: 2000 },
  )
})

it('knows nothing of other octets', () => {
  for (const octets of [[], [0x55], [0x55, 0x1d], [0x55, 0x1d, 0x0f, 0x00], [0x80, 0x1d, 0x0f]]) {
    expect(wellKnownObjectIdentifier(Uint8Array.from(octets), 0, octets.length)).toBeUndefined()
  }
})
