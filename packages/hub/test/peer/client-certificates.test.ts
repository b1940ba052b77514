import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientCertificates } from '../../src/peer/client-certificates.ts'

const read = (own?: string, chain?: string): string[] =>
  clientCertificates(name => (name === 'client-cert' ? own : name === 'client-cert-chain' ? chain : undefined)).map(
    der => Buffer.from(der).toString(),
  )

test('as RFC 9440 has them', () => {
  expect(read()).toEqual([])
  expect(read(':YQ==:')).toEqual(['a'])
  expect(read(':YQ==:', ':Yg==:')).toEqual(['a', 'b'])
  expect(read(':YQ==:', ':Yg==:, :Yw==:')).toEqual(['a', 'b', 'c'])
  // Two headers, joined.
  expect(read(':YQ==:', ':Yg==:,\t:Yw==: ')).toEqual(['a', 'b', 'c'])
})

test.each<[string | undefined, string?]>([
  [''],
  ['::'],
  [':'],
  ['YQ=='],
  [':YQ==:, :YQ==:'],
  [':YQ==:;a=1'],
  [':YQ:'],
  [':YR==:'],
  [':YQ=:'],
  [':Y Q==:'],
  [':YQ==:\n'],
  ['"YQ=="'],
  ['-----BEGIN CERTIFICATE-----'],
  [':_-8=:'],
  [`:${'A'.repeat(200_000)}:`],
  [undefined, ':YQ==:'],
  [':YQ==:', ''],
  [':YQ==:', ':Yg==:,'],
  [':YQ==:', ':Yg==:;a=1'],
  [':YQ==:', 'Yg=='],
  [':YQ==:', Array(11).fill(':Yg==:').join(',')],
  [':YQ==:', `:${'A'.repeat(200_000)}:`],
])('refuses %j %j', (own, chain) => {
  expect(() => read(own, chain)).toThrow(expect.objectContaining({ code: 'ERR_PKI_REQUEST' }))
})

test('whatever comes is read or refused', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[:A-Za-z0-9+/=, \t]{0,64}$/))
  fc.assert(
    fc.property(fc.option(text, { nil: undefined }), fc.option(text, { nil: undefined }), (own, chain) => {
      try {
        read(own, chain)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_PKI_REQUEST' })
      }
    }),
  )
})

test('octets come back as they went', () => {
  const octets = fc.uint8Array({ minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(fc.array(octets, { minLength: 1, maxLength: 10 }), certificates => {
      const [own, ...chain] = certificates.map(der => `:${Buffer.from(der).toString('base64')}:`)
      const header = (name: string): string | undefined =>
        name === 'client-cert' ? own : chain.length === 0 ? undefined : chain.join(', ')
      expect(clientCertificates(header).map(der => [...der])).toEqual(certificates.map(der => [...der]))
    }),
  )
})
