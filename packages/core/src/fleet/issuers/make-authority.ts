import { type Certificate, encodeName, fromHex, keyId, PkiError, parseCertificate, toHex } from '@fleetcert/x509'
import { createCertificateTemplate, type TemplateIssuer } from '../../authority/certificate-template.ts'
import { type IssueContext, issueCertificate } from '../../authority/issue.ts'
import { resolveProfile } from '../../authority/resolve-profile.ts'
import { randomSerialNumber } from '../../authority/serial-number.ts'
import { type Validity, validityAt } from '../../authority/validity.ts'
import type { KeyAlgorithm, Keyring, Signer } from '../../signer/signer.ts'
import type { Publisher } from '../published-urls.ts'
import { authorityName } from './authority-name.ts'
import type { AuthorityRecord, KeptCertificate } from './authority-record.ts'

/** Where the keys of a fleet's CAs are. */
export interface AuthorityKeyrings {
  readonly root: Keyring
  readonly issuing: Keyring
}

/** What the CAs that a fleet makes are like. */
export interface AuthorityOptions {
  readonly keyrings: AuthorityKeyrings
  readonly organization?: string
  readonly publisher?: Publisher
  readonly root: { readonly keyAlgorithm: KeyAlgorithm; readonly validitySeconds?: number }
  readonly issuing: {
    readonly keyAlgorithm: KeyAlgorithm
    readonly validitySeconds?: number
    /** Whether CAs of its own name come below it: GnuTLS and Go count them. */
    readonly hasHotIssuers?: boolean
  }
}

/** A CA that signs another one. */
export interface SigningCa {
  readonly keyName: string
  readonly certificate: Certificate
  readonly signer: Signer
}

/** The key of a CA, wherever it is kept; made where there is none. */
export async function openAuthorityKey(record: AuthorityRecord, options: AuthorityOptions): Promise<Signer> {
  const { keyName = '' } = record
  const isRoot = record.keyring === 'root'
  const keyring = isRoot ? options.keyrings.root : options.keyrings.issuing
  const existing = await keyring.open(keyName)
  return existing ?? keyring.create(keyName, (isRoot ? options.root : options.issuing).keyAlgorithm)
}

/**
 * A serial number that can be used under a CA: the planned one, or where a reservation under it was left by a process that died while signing, and its bytes may exist, another.
 */
export async function usableSerialNumber(
  { store }: Pick<IssueContext, 'store'>,
  issuer: Uint8Array | undefined,
  planned: string,
): Promise<string> {
  // Without a key nothing can have been signed.
  if (issuer === undefined) return planned
  const row = await store.certificate({ issuerKeyId: keyId(issuer), serialNumber: planned })
  const isUsable = row === undefined || (row.der !== undefined && row.revocation === undefined)
  return isUsable ? planned : toHex(randomSerialNumber())
}

/** A root by its own key, or an issuing CA by the key of `parent`. Asked again, the same. */
export async function makeAuthority(
  context: IssueContext,
  options: AuthorityOptions,
  planned: AuthorityRecord,
  parent: SigningCa | undefined,
): Promise<{ readonly record: AuthorityRecord; readonly ca: SigningCa }> {
  const signer = await openAuthorityKey(planned, options)
  const isRoot = planned.role === 'root'
  const { validitySeconds } = isRoot ? options.root : options.issuing
  const name = isRoot ? 'root' : 'issuingCa'
  const resolved = resolveProfile(name, name, validitySeconds === undefined ? {} : { validitySeconds })
  const profile: typeof resolved =
    isRoot || options.issuing.hasHotIssuers !== true
      ? resolved
      : { ...resolved, basicConstraints: { cA: true, pathLength: 1 } }
  const subject = authorityName(options.organization, isRoot ? 'Root CA' : 'Issuing CA', planned.generation)
  const issuerKey = isRoot ? signer : parent!.signer
  const own = await certify(context, {
    serialNumber: planned.serialNumber,
    issuer: isRoot
      ? { signatureAlgorithm: signer.algorithm, nameDer: encodeName(subject) }
      : { signatureAlgorithm: issuerKey.algorithm, certificate: parent!.certificate },
    urls: isRoot ? undefined : options.publisher,
    profile,
    signer: issuerKey,
    subject,
    subjectPublicKeyInfo: signer.publicKey,
    validity: (now: Date) => validityAt(now, profile, undefined, isRoot ? undefined : parent!.certificate),
  })
  const { plannedCross: _, ...rest } = planned
  return {
    record: { ...rest, own },
    ca: {
      keyName: planned.keyName ?? '',
      certificate: parseCertificate(Buffer.from(own.certificate, 'base64')),
      signer,
    },
  }
}

/** A certificate for the key and name of `subject`, a root, by another root; to the end of whichever ends first. */
export function crossCertify(
  context: IssueContext,
  options: Pick<AuthorityOptions, 'publisher'>,
  subject: Certificate,
  by: Omit<SigningCa, 'keyName'>,
  serialNumber: string,
): Promise<KeptCertificate> {
  const profile = resolveProfile('root', 'root')
  return certify(context, {
    serialNumber,
    issuer: { signatureAlgorithm: by.signer.algorithm, certificate: by.certificate },
    urls: options.publisher,
    profile,
    signer: by.signer,
    subject: subject.subject,
    subjectPublicKeyInfo: subject.subjectPublicKeyInfo,
    validity: now => {
      const { notBefore, notAfter } = validityAt(now, profile, undefined, by.certificate)
      return { notBefore, notAfter: new Date(Math.min(notAfter.getTime(), subject.notAfter.getTime())) }
    },
  })
}

interface CertifyOrder {
  readonly serialNumber: string | undefined
  readonly issuer: TemplateIssuer
  readonly urls: Publisher | undefined
  readonly profile: ReturnType<typeof resolveProfile>
  readonly signer: Signer
  readonly subject: Certificate['subject']
  readonly subjectPublicKeyInfo: Uint8Array
  readonly validity: (now: Date) => Validity
}

/** Issues a CA certificate by its planned serial number; one that an earlier, unfinished try has recorded is taken as it is. */
async function certify(context: IssueContext, order: CertifyOrder): Promise<KeptCertificate> {
  const { serialNumber, issuer, urls, profile, signer, subject, subjectPublicKeyInfo } = order
  if (serialNumber === undefined) {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'a planned CA has no serial number' })
  }
  const issuerKeyId = keyId(signer.publicKey)
  const id = { issuerKeyId, serialNumber }
  const existing = await context.store.certificate(id)
  if (existing?.der !== undefined) return kept(id, existing.der)
  const published =
    urls === undefined ? undefined : { crl: urls.crl(issuerKeyId, 0), caIssuers: urls.caIssuers(issuerKeyId) }
  const { der } = await issueCertificate(context, {
    template: createCertificateTemplate(profile, issuer, published),
    signer,
    subject,
    subjectPublicKeyInfo,
    validity: order.validity(context.clock()),
    issuerKeyId,
    subjectAltName: [],
    expect: 'any',
    serialNumber: fromHex(serialNumber),
  })
  return kept(id, der)
}

function kept(id: KeptCertificate['id'], der: Uint8Array): KeptCertificate {
  return { id, certificate: Buffer.from(der).toString('base64') }
}
