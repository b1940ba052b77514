import { createPublicKey, verify } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  type BasicOcspResponse,
  type Certificate,
  decodePem,
  PkiError,
  parseCertificate,
  parseOcspRequest,
  parseOcspResponse,
  toHex,
  type VerifyOcspResponseOptions,
  verifyOcspResponse,
} from '../../src/index.ts'
import { expectPkiError, outcomeOf } from '../support/errors.ts'
import { describeVectors } from '../support/vectors.ts'

interface Case {
  readonly group: string
  readonly title: string
  readonly response: string
  readonly ca: string
  readonly untrusted: string
  readonly ok: boolean
}

function verifyStep(issuer: Certificate, subject: Certificate): void {
  const key = createPublicKey({ key: Buffer.from(issuer.subjectPublicKeyInfo), format: 'der', type: 'spki' })
  if (!verify('sha1', subject.tbsCertificate, key, subject.signature)) {
    throw new PkiError('ERR_PKI_OCSP_SIGNATURE', { reason: 'the issuer is not signed by the anchor' })
  }
}

describeVectors('ocsp-openssl', "openssl's OCSP responses", vectors => {
  const { cases } = JSON.parse(vectors.text('cases.json')) as { cases: readonly Case[] }
  const certificatesOf = (file: string) => decodePem(vectors.text(file)).map(({ der }) => parseCertificate(der))
  const certificateOf = (file: string) => certificatesOf(file)[0]!

  /** As openssl's test has it: its date is for the certificates, and the age of the answers is not looked at. */
  function judge({ response, ca, untrusted }: Case): BasicOcspResponse {
    const parsed = parseOcspResponse(new Uint8Array(Buffer.from(vectors.text(response), 'base64')))
    if (parsed.status !== 'successful') throw new Error('a failed response')
    const [single] = parsed.responses
    const issuer = certificateOf(untrusted)
    // The issuer's own chain is the caller's business.
    if (ca !== untrusted) {
      const chain = [...certificatesOf(untrusted), certificateOf(ca)]
      for (let index = 1; index < chain.length; index++) verifyStep(chain[index]!, chain[index - 1]!)
    }
    verifyOcspResponse(parsed, {
      issuer,
      serialNumber: single!.certId.serialNumber,
      at: new Date(Math.max(single!.thisUpdate.getTime(), parsed.producedAt.getTime())),
      allowSha1: true,
    })
    return parsed
  }

  it('are all there', () => {
    expect(cases).toHaveLength(59)
    expect(cases.filter(({ ok }) => ok)).toHaveLength(13)
  })

  it.each(cases.map((one, index) => [`${index + 1} ${one.group.split('"')[0]}: ${one.title}`, one] as const))(
    '%s',
    (_, one) => {
      const outcome = outcomeOf(() => judge(one))
      expect('value' in outcome ? 'accepted' : outcome.error.message).toEqual(
        one.ok ? 'accepted' : expect.stringMatching(/^The OCSP response (?:is not signed|does not answer)|issuer/),
      )
    },
  )

  it('are signed over SHA-1, which is not believed unless it is asked for', () => {
    const [first] = cases
    const parsed = parseOcspResponse(new Uint8Array(Buffer.from(vectors.text(first!.response), 'base64')))
    const single = (parsed as BasicOcspResponse).responses[0]!
    const options: VerifyOcspResponseOptions = {
      issuer: certificateOf(first!.untrusted),
      serialNumber: single.certId.serialNumber,
      at: (parsed as BasicOcspResponse).producedAt,
    }
    expectPkiError(() => verifyOcspResponse(parsed, options), 'ERR_PKI_OCSP_SIGNATURE')
  })
})

describeVectors('ocsp-pyca', "pyca's OCSP requests and responses", vectors => {
  const request = (file: string) => outcomeOf(() => parseOcspRequest(vectors.bytes(file)))
  const response = (file: string) => outcomeOf(() => parseOcspResponse(vectors.bytes(file)))
  const answered = (file: string): BasicOcspResponse => {
    const outcome = response(file)
    if ('value' in outcome && outcome.value.status === 'successful') return outcome.value
    throw new Error(`${file} is not read`)
  }

  it('are each read, or refused with a code', () => {
    const found: Record<string, string> = {}
    for (const file of vectors.files()) {
      const outcome = file.includes('req') ? request(file) : response(file)
      found[file] = 'error' in outcome ? outcome.error.message : 'read'
    }
    const refused = Object.fromEntries(Object.entries(found).filter(([, verdict]) => verdict !== 'read'))
    expect(refused).toEqual({
      'req-duplicate-ext.der': 'The bytes are not valid DER. (extension 1.3.6.1.5.5.7.48.1.2 twice)',
      'resp-response-type-unknown-oid.der':
        'The OCSP response is malformed or outside what RFC 6960 allows. (not a basic response)',
      'resp-successful-no-response-bytes.der':
        'The OCSP response is malformed or outside what RFC 6960 allows. (successful and without an answer)',
      'resp-unknown-response-status.der':
        'The OCSP response is malformed or outside what RFC 6960 allows. (a status that RFC 6960 does not have)',
    })
  })

  it('say what they say', () => {
    const multi = parseOcspRequest(vectors.bytes('req-multi-sha1.der'))
    expect(multi.certIds.map(({ serialNumber }) => serialNumber)).toEqual([
      '98d9e5c0b4c373552df77c5d0f1eb5128e4945f9',
      '98d9e5c0b4c373552df77c5d0f1eb5128e4945f0',
    ])
    expect(toHex(parseOcspRequest(vectors.bytes('req-ext-nonce.der')).nonce!)).toBe('7b805a1d3726b8b84f48d2f8bfd72dfd')
    expect(parseOcspResponse(vectors.bytes('resp-unauthorized.der')).status).toBe('unauthorized')
    expect(answered('resp-revoked-reason.der').responses).toMatchObject([
      { certStatus: 'revoked', reason: 'superseded', revocationDate: new Date('2018-06-27T12:30:01Z') },
    ])
    expect(answered('resp-revoked-no-next-update.der').responses).toMatchObject([
      { certStatus: 'revoked', reason: undefined, nextUpdate: undefined },
    ])
    expect(answered('resp-delegate-unknown-cert.der')).toMatchObject({
      responses: [{ certStatus: 'unknown' }],
      certificates: [expect.any(Uint8Array)],
    })
    expect(answered('resp-invalid-signature-oid.der').signatureAlgorithm).toBeUndefined()
    expect(answered('ocsp-army.deps.mil-resp.der').responses).toHaveLength(20)
  })
})
