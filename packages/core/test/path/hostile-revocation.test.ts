import { generateKeyPairSync } from 'node:crypto'
import { createOcspResponder, encodeCertId, encodeOcspRequest, parseCertificate } from '@fleetcert/core'
import { encodeExtension, extendedKeyUsage, extendedKeyUsageOids, extensionOids, ocspNoCheck } from '@fleetcert/x509'
import { context, integer, objectIdentifier, tlv } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import {
  alternativeNames,
  at,
  keyOf,
  makeCa,
  makeCrl,
  makeEndEntity,
  makeKey,
  nameConstraints,
  named,
  optionsFor,
  rawName,
  refusal,
  type TestCertificate,
  type TestKey,
  verdictOf,
} from './support/pki.ts'

const hour = 3_600_000
const root = makeCa('root')
const issuing = makeCa('issuing', root)
const device = makeEndEntity(issuing)
const options = optionsFor(device, [issuing], [root], { revocation: 'checkAll' })
const lists = (...certificates: TestCertificate[]) => ({
  revoked: certificates.map(({ serialNumber }) => ({ serialNumber })),
})
const crlSigner = (issuer: TestCertificate, key: TestKey = makeKey()): TestCertificate =>
  makeCa('issuing', issuer, { basicConstraints: null, keyUsage: ['cRLSign'], key })
const deltaOf = (base: bigint): Uint8Array => encodeExtension(extensionOids.deltaCrlIndicator, true, integer(base))

describe('signers of CRLs that vouch for each other', () => {
  const judged = async (signers: readonly TestCertificate[], crls: readonly TestCertificate[]) => {
    const chain = [issuing, ...signers].map(({ der }) => der)
    return refusal({ ...options, chain, crls: [makeCrl(root), ...crls.map(signer => makeCrl(signer))] })
  }

  it('are not tried in every order: by keys of their own', async () => {
    const signers = Array.from({ length: 8 }, () => crlSigner(issuing))
    expect((await judged(signers, signers)).code).toBe('ERR_PKI_PATH_LIMIT')
  })

  it('are not tried in every order: many certificates of one key, and one CRL', async () => {
    const first = crlSigner(issuing)
    const signers = Array.from({ length: 12 }, () => crlSigner(issuing, first.key))
    expect((await judged(signers, [first])).code).toBe('ERR_PKI_PATH_LIMIT')
  })
})

describe('a delta CRL', () => {
  it('by another key than the complete one takes no revocation back', async () => {
    // RFC 5280 section 6.3.3 (h): "validate the signature on the delta CRL using the public key validated in step (f)".
    const other = crlSigner(root)
    // Both say that they are by the same key.
    const removal = makeCrl(other, {
      crlNumber: 6n,
      revoked: [{ serialNumber: device.serialNumber, reason: 'removeFromCRL' }],
      extensions: [deltaOf(5n)],
      withoutKeyIdentifier: true,
    })
    const complete = makeCrl(issuing, {
      crlNumber: 5n,
      revoked: [{ serialNumber: device.serialNumber, reason: 'certificateHold' }],
      withoutKeyIdentifier: true,
    })
    expect(
      await verdictOf({ ...options, chain: [issuing.der, other.der], crls: [makeCrl(root), complete, removal] }),
    ).toBe('ERR_PKI_PATH_REVOKED')
  })
})

describe('numbers of CRLs by several keys', () => {
  it('have nothing to do with each other, also where none says whose key it is', async () => {
    const other = crlSigner(root)
    const newer = makeCrl(other, { crlNumber: 100n, withoutKeyIdentifier: true })
    const revoking = makeCrl(issuing, {
      ...lists(device),
      crlNumber: 6n,
      extensions: [deltaOf(5n)],
      withoutKeyIdentifier: true,
    })
    const crls = [makeCrl(root), newer, revoking]
    expect(await verdictOf({ ...options, chain: [issuing.der, other.der], crls })).toBe('ERR_PKI_PATH_REVOKED')
  })
})

describe('a responder', () => {
  it('whose key is too short is not believed', async () => {
    const key = keyOf(generateKeyPairSync('rsa', { modulusLength: 1024 }), 'sha256WithRSAEncryption')
    const delegate = makeEndEntity(issuing, {
      subject: named('responder'),
      key,
      extensions: [extendedKeyUsage([extendedKeyUsageOids.ocspSigning]), ocspNoCheck()],
    })
    const issuer = parseCertificate(issuing.der)
    const { notAfter } = parseCertificate(delegate.der)
    const signer = {
      algorithm: 'sha256WithRSAEncryption' as const,
      publicKey: key.spki,
      sign: async (message: Uint8Array) => key.sign(message),
    }
    const responder = createOcspResponder({
      authorities: [
        {
          issuer,
          signing: () => ({ signer, certificate: { der: delegate.der, notAfter } }),
          status: async () => ({ certStatus: 'good' }),
        },
      ],
      clock: () => at,
    })
    const { der, responseStatus } = await responder.answer(
      encodeOcspRequest([encodeCertId(issuer, device.serialNumber)]),
    )
    expect(responseStatus).toBe('successful')
    expect(await verdictOf({ ...options, revocation: 'checkEndEntity', ocspResponses: [der] })).toBe(
      'ERR_PKI_PATH_REVOCATION_UNKNOWN',
    )
  })
})

describe('what a CRL that has ended lists stays out', () => {
  it('unless a newer one by its key speaks for the same reasons', async () => {
    const other = crlSigner(root)
    const stale = makeCrl(issuing, {
      ...lists(device),
      thisUpdate: new Date(at.getTime() - 48 * hour),
      nextUpdate: new Date(at.getTime() - 24 * hour),
    })
    // By the same key, for one reason alone; by another key, for all.
    const some = makeCrl(issuing, {
      crlNumber: 2n,
      extensions: [
        encodeExtension(extensionOids.issuingDistributionPoint, true, tlv(0x30, tlv(0x83, Uint8Array.of(3, 0x08)))),
      ],
    })
    const whole = makeCrl(other, { crlNumber: 7n })
    expect(
      await verdictOf({ ...options, chain: [issuing.der, other.der], crls: [makeCrl(root), stale, some, whole] }),
    ).toBe('ERR_PKI_PATH_REVOKED')
  })
})

describe('name constraints on mail addresses', () => {
  // RFC 9598 section 6: they bind SmtpUTF8Mailbox, too.
  const smtpUtf8Mailbox = (text: string): Uint8Array =>
    context(
      0,
      true,
      objectIdentifier('1.3.6.1.5.5.7.8.9'),
      context(0, true, tlv(0x0c, new Uint8Array(Buffer.from(text)))),
    )
  it.each([
    [{ permitted: [rawName.email('good.example')] }, 'é@evil.example'],
    [{ excluded: [rawName.email('evil.example')] }, 'é@evil.example'],
    [{ excluded: [rawName.email('bob@evil.example')] }, 'bob@evil.example'],
    [{ excluded: [rawName.email('other.example')] }, 'é@bücher.example'],
  ])('bind internationalized ones: %#', async (subtrees, mailbox) => {
    const ca = makeCa('bound', root, { extensions: [nameConstraints(subtrees)] })
    const target = makeEndEntity(ca, { extensions: [alternativeNames(smtpUtf8Mailbox(mailbox))] })
    expect(await verdictOf(optionsFor(target, [ca], [root]))).toBe('ERR_PKI_PATH_NAME_CONSTRAINTS')
  })
})
