import {
  type Certificate,
  type CertificateInput,
  certificateFingerprint,
  isPkiError,
  PkiError,
  parseCertificate,
  publicKeyFingerprint,
  type RevocationMode,
  type VerifyPathOptions,
  verifyPath,
} from '@fleetcert/core'
import type { DeviceServices } from './device-services.ts'

/** A certificate of a trusted manufacturer, shown in a TLS handshake. Its chain, validity and purpose are verified. */
export interface FactoryCandidate {
  readonly certificate: Certificate
  /** The certificate first, each followed by its issuer, one of the trust anchors last. */
  readonly path: readonly Certificate[]
  /** `AA:BB:…`, SHA-256. */
  readonly fingerprint: string
  /** The label of the address that was asked, one of `labels`. */
  readonly label?: string
}

/** What a device with a factory certificate is to be. */
export interface FactoryGrant {
  readonly deviceId: string
  /** The same alphabet as a device id: it goes into topics. */
  readonly owner?: string
  /** For topic templates; values follow the rule for device ids. */
  readonly attributes?: Readonly<Record<string, string>>
  /** Default: that of the label. */
  readonly profile?: string
}

/** Enrolment by a certificate that another CA made, such as the birth certificate of IEEE 802.1AR. */
export interface FactoryEnrollment {
  /** Whose certificates count. Never the CA of the fleet itself: what it has issued is renewed. */
  readonly trustAnchors: CertificateInput | readonly CertificateInput[]
  /** The CAs between, for devices that do not send them. */
  readonly intermediates?: readonly CertificateInput[]
  /**
   * Decides which device it is; `undefined` refuses it. The names in the certificate are what the manufacturer was told: take the device id from where he puts it, and only if you trust him for that. What it throws refuses.
   */
  readonly enroll: (
    candidate: FactoryCandidate,
    options: { readonly signal: AbortSignal },
  ) => FactoryGrant | undefined | Promise<FactoryGrant | undefined>
  /** How revocation by the manufacturer is judged. Default `off`. */
  readonly revocation?: RevocationMode
  /** The manufacturer's CRLs, asked for at each enrolment. */
  readonly crls?: () => VerifyPathOptions['crls'] | Promise<VerifyPathOptions['crls']>
}

const callbackSeconds = 10

/**
 * What a factory certificate entitles to.
 * @throws PkiError `ERR_PKI_CLIENT_REQUIRED`, `ERR_PKI_CLIENT_UNTRUSTED`, `ERR_PKI_CLIENT_REVOKED`
 */
export async function factoryGrant(
  { fleet, clock, settings }: Pick<DeviceServices, 'fleet' | 'clock' | 'settings'>,
  [der, ...sent]: readonly Uint8Array[],
  label: string | undefined,
  report: (error: unknown) => void,
): Promise<FactoryGrant> {
  const { factory, labels } = settings
  if (der === undefined) throw new PkiError('ERR_PKI_CLIENT_REQUIRED', {})
  if (factory === undefined) throw untrusted('no factory certificates are taken here')
  const path = await factoryPath(factory, readOctets(der), sent.slice(0, 10), clock())
  // A CA is no device; and what the fleet's own CA has issued is renewed, or was taken back.
  const own = new Set<string>()
  for await (const issuer of fleet.issuers()) {
    own.add(publicKeyFingerprint(parseCertificate(issuer.certificate).subjectPublicKeyInfo))
  }
  const isOwn = path.some(({ subjectPublicKeyInfo }) => own.has(publicKeyFingerprint(subjectPublicKeyInfo)))
  if (isOwn || path[0]!.basicConstraints?.cA === true) throw untrusted('it is no factory certificate')
  const candidate = {
    certificate: path[0]!,
    path,
    fingerprint: certificateFingerprint(der),
    ...(label === undefined ? {} : { label }),
  }
  const signal = AbortSignal.timeout(callbackSeconds * 1000)
  const grant = await ask(() => factory.enroll(candidate, { signal }), signal, report)
  if (typeof grant?.deviceId !== 'string') throw untrusted('it was not accepted')
  const profile = grant.profile ?? (label === undefined ? undefined : labels.get(label)?.profile)
  return { ...grant, ...(profile === undefined ? {} : { profile }) }
}

async function factoryPath(
  factory: FactoryEnrollment,
  certificate: Certificate,
  sent: readonly Uint8Array[],
  at: Date,
): Promise<readonly Certificate[]> {
  const crls = await factory.crls?.()
  try {
    const { path } = await verifyPath({
      certificate,
      chain: [...(factory.intermediates ?? []), ...sent],
      trustAnchors: factory.trustAnchors,
      at,
      purpose: 'clientAuth',
      revocation: factory.revocation ?? 'off',
      ...(crls === undefined ? {} : { crls }),
      limits: { signatures: 30 },
    })
    return path
  } catch (error) {
    if (isPkiError(error, 'ERR_PKI_PATH_REVOKED')) throw new PkiError('ERR_PKI_CLIENT_REVOKED', {}, { cause: error })
    if (isPkiError(error) && error.code.startsWith('ERR_PKI_PATH_')) {
      throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'no path leads to a manufacturer' }, { cause: error })
    }
    // A trust anchor or a CRL that cannot be read is the operator's to hear of, and no fault of the device.
    throw new PkiError('ERR_PKI_INTERNAL', {}, { cause: error })
  }
}

function readOctets(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der)
  } catch (error) {
    throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'it cannot be read' }, { cause: error })
  }
}

function untrusted(reason: string): PkiError {
  return new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason })
}

/** What the callback answers in time; a throw, a rejection and lateness are no answer. */
async function ask<T>(
  callback: () => T | Promise<T>,
  signal: AbortSignal,
  report: (error: unknown) => void,
): Promise<T | undefined> {
  let stop!: () => void
  const late = new Promise<undefined>(resolve => {
    stop = () => resolve(undefined)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([callback(), late])
  } catch (error) {
    report(error)
    return undefined
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
