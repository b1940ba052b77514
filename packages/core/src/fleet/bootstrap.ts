import { setTimeout as sleep } from 'node:timers/promises'
import { type DistinguishedName, encodeName, fromHex, keyId, PkiError, parseCertificate, toHex } from '@fleetcert/x509'
import { createCertificateTemplate, type TemplateIssuer } from '../authority/certificate-template.ts'
import { type IssueContext, type IssueOrder, issueCertificate } from '../authority/issue.ts'
import { resolveProfile } from '../authority/resolve-profile.ts'
import { randomSerialNumber } from '../authority/serial-number.ts'
import { validityAt } from '../authority/validity.ts'
import type { Keyring, Signer } from '../signer/signer.ts'
import type { Lease } from '../store/store.ts'
import {
  decodeFleetDocument,
  encodeFleetDocument,
  type FleetDocument,
  fleetDocumentName,
  type PlannedCa,
} from './fleet-document.ts'
import type { Publisher } from './published-urls.ts'

const leaseName = 'bootstrap'
const leaseSeconds = 60

export interface BootstrapOptions {
  readonly keyrings: { readonly root: Keyring; readonly issuing: Keyring }
  readonly organization?: string
  readonly rootValiditySeconds?: number
  readonly publisher?: Publisher
  /** Recorded, see `recordPublishing`. */
  readonly baseUrl: string | null
  /** How long to wait for another process that is making this fleet. */
  readonly waitSeconds?: number
}

type Ready = Extract<FleetDocument, { phase: 'ready' }>
type Creating = Extract<FleetDocument, { phase: 'creating' }>

/**
 * The fleet's CAs: read, or made at the first start, under the lease `bootstrap`, by one process among many.
 * What will be made is recorded before it is made, so a start that died at any point is finished by the next, and a store that was lost never leads to a second root.
 * @throws PkiError `ERR_PKI_STORE_LOST`, `ERR_PKI_BOOTSTRAP_BUSY`, and what store and keyring reject.
 */
export async function bootstrapFleet(context: IssueContext, options: BootstrapOptions): Promise<Ready> {
  const { store, holder } = context
  // Real time, not the fleet's clock: other processes are waited for, not certificates.
  const deadline = Date.now() + (options.waitSeconds ?? 60) * 1000
  for (;;) {
    const found = await store.document(fleetDocumentName)
    const document = found === undefined ? undefined : decodeFleetDocument(found.value)
    if (document?.phase === 'ready') return document
    const lease = await store.lease(leaseName, holder.instance, leaseSeconds)
    if (lease !== undefined) {
      try {
        return await createUnderLease(context, options, lease)
      } finally {
        await store.releaseLease(lease).catch(() => {})
      }
    }
    if (Date.now() > deadline) throw new PkiError('ERR_PKI_BOOTSTRAP_BUSY', {})
    await sleep(50)
  }
}

async function createUnderLease(context: IssueContext, options: BootstrapOptions, lease: Lease): Promise<Ready> {
  const { store, clock } = context
  let found = await store.document(fleetDocumentName)
  if (found === undefined) {
    await refuseLostStore(options.keyrings)
    const plan: Creating = {
      format: 1,
      phase: 'creating',
      ...(options.organization === undefined ? {} : { organization: options.organization }),
      createdAt: clock().toISOString(),
      authorities: [
        { role: 'root', keyName: 'root', serialNumber: toHex(randomSerialNumber()) },
        { role: 'issuingCa', keyName: 'ca', serialNumber: toHex(randomSerialNumber()) },
      ],
    }
    await put(context, plan, 0, lease)
    found = await store.document(fleetDocumentName)
  }
  const document = found === undefined ? undefined : decodeFleetDocument(found.value)
  if (found === undefined || document === undefined)
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document vanished' })
  if (document.phase === 'ready') return document
  const plan = await replan(context, options, document)
  // Recorded before anything is signed under the new numbers, so that dying again leads to no third certificate.
  if (plan !== document) await put(context, plan, found.version, lease)
  const ready = await makeAuthorities(context, options, plan)
  await put(context, ready, found.version + (plan === document ? 0 : 1), lease)
  return ready
}

/** A reservation under a planned number was left by a start that died while signing: its bytes may exist, so the number is given up for another. */
async function replan({ store }: IssueContext, options: BootstrapOptions, plan: Creating): Promise<Creating> {
  const rootKey = await options.keyrings.root.open(plan.authorities[0]?.keyName ?? 'root')
  if (rootKey === undefined) return plan
  const issuerKeyId = keyId(rootKey.publicKey)
  let changed = false
  const authorities: PlannedCa[] = []
  for (const planned of plan.authorities) {
    const row = await store.certificate({ issuerKeyId, serialNumber: planned.serialNumber })
    const usable = row === undefined || (row.der !== undefined && row.revocation === undefined)
    changed ||= !usable
    authorities.push(usable ? planned : { ...planned, serialNumber: toHex(randomSerialNumber()) })
  }
  return changed ? { ...plan, authorities } : plan
}

/** Keys without a record of them: the store was lost or swapped. */
async function refuseLostStore(keyrings: BootstrapOptions['keyrings']): Promise<void> {
  for (const [keyring, name] of [
    [keyrings.root, 'root'],
    [keyrings.issuing, 'ca'],
  ] as const) {
    if ((await keyring.list()).includes(name)) throw new PkiError('ERR_PKI_STORE_LOST', {})
  }
}

async function put(
  { store, clock }: IssueContext,
  document: FleetDocument,
  version: number,
  lease: Lease,
): Promise<void> {
  const events = document.phase === 'ready' ? [{ type: 'fleetCreated', at: clock() } as const] : []
  const value = encodeFleetDocument(document)
  const put = await store.putDocument(fleetDocumentName, value, version, events, { lease })
  if (!put) throw new PkiError('ERR_PKI_BOOTSTRAP_BUSY', {})
}

async function makeAuthorities(context: IssueContext, options: BootstrapOptions, plan: Creating): Promise<Ready> {
  const [rootPlan, caPlan] = plan.authorities
  if (rootPlan === undefined || caPlan === undefined) {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document names no CA' })
  }
  const rootSigner = await openOrCreate(options.keyrings.root, rootPlan.keyName)
  const caSigner = await openOrCreate(options.keyrings.issuing, caPlan.keyName)
  const now = context.clock()

  const rootProfile = resolveProfile(
    'root',
    'root',
    options.rootValiditySeconds === undefined ? {} : { validitySeconds: options.rootValiditySeconds },
  )
  const rootName = authorityName(plan.organization, 'Root CA')
  const rootTemplate = { signatureAlgorithm: rootSigner.algorithm, nameDer: encodeName(rootName) }
  const rootDer = await issueAuthority(context, rootPlan, {
    template: createCertificateTemplate(rootProfile, rootTemplate),
    signer: rootSigner,
    subject: rootName,
    subjectPublicKeyInfo: rootSigner.publicKey,
    validity: validityAt(now, rootProfile, undefined),
  })
  const root = parseCertificate(rootDer)

  const caProfile = resolveProfile('issuingCa', 'issuingCa')
  const rootKeyId = keyId(rootSigner.publicKey)
  const urls =
    options.publisher === undefined
      ? undefined
      : { crl: options.publisher.crl(rootKeyId, 0), caIssuers: options.publisher.caIssuers(rootKeyId) }
  const caTemplate: TemplateIssuer = { signatureAlgorithm: rootSigner.algorithm, certificate: root }
  const caDer = await issueAuthority(context, caPlan, {
    template: createCertificateTemplate(caProfile, caTemplate, urls),
    signer: rootSigner,
    subject: authorityName(plan.organization, 'Issuing CA'),
    subjectPublicKeyInfo: caSigner.publicKey,
    validity: validityAt(now, caProfile, undefined, root),
  })
  const entry = (planned: PlannedCa, der: Uint8Array): Ready['authorities'][number] => ({
    ...planned,
    id: { issuerKeyId: rootKeyId, serialNumber: parseCertificate(der).serialNumber },
    certificate: Buffer.from(der).toString('base64'),
  })
  return {
    ...plan,
    phase: 'ready',
    baseUrl: options.baseUrl,
    authorities: [entry(rootPlan, rootDer), entry(caPlan, caDer)],
  }
}

type AuthorityOrder = Pick<IssueOrder, 'template' | 'signer' | 'subject' | 'subjectPublicKeyInfo' | 'validity'>

/** Issues a CA certificate by its planned serial number; one that an earlier, unfinished start has recorded is taken as it is. */
async function issueAuthority(context: IssueContext, planned: PlannedCa, order: AuthorityOrder): Promise<Uint8Array> {
  const issuerKeyId = keyId(order.signer.publicKey)
  const existing = await context.store.certificate({ issuerKeyId, serialNumber: planned.serialNumber })
  if (existing?.der !== undefined) return existing.der
  const issued = await issueCertificate(context, {
    ...order,
    issuerKeyId,
    subjectAltName: [],
    expect: 'any',
    serialNumber: fromHex(planned.serialNumber),
  })
  return issued.der
}

async function openOrCreate(keyring: Keyring, name: string): Promise<Signer> {
  const existing = await keyring.open(name)
  return existing ?? keyring.create(name, 'P-256')
}

/** What the CAs are called, after the organization. */
export const authorityCommonNames = ['Root CA', 'Issuing CA'] as const

/** The name of a CA of this fleet. */
export function authorityName(
  organization: string | undefined,
  commonName: (typeof authorityCommonNames)[number],
): DistinguishedName {
  return organization === undefined
    ? [[{ type: 'CN', value: `Fleet ${commonName}` }]]
    : [[{ type: 'O', value: organization }], [{ type: 'CN', value: `${organization} ${commonName}`.slice(0, 64) }]]
}
