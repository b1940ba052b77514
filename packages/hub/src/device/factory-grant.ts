import {
  type Certificate,
  certificateFingerprint,
  isPkiError,
  PkiError,
  parseCertificate,
  publicKeyFingerprint,
  verifyPath,
} from '@fleetcert/core'
import { settleWithin } from '../exchange/settle-within.ts'
import type { DeviceServices } from './device-services.ts'
import type { FactoryCandidate, FactoryEnrollment, FactoryGrant } from './factory-enrollment.ts'

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
    // A corporate root above ours may well have certified the factory's CA.
    if (issuer.isForeign) continue
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
  const grant = await askOperator(factory, candidate, report)
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
  try {
    const crls = factory.crls && (await inTime('device.factory.crls', factory.crls()))
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
    // A trust anchor or a CRL that cannot be had or read is the operator's to hear of, and no fault of the device.
    throw new PkiError('ERR_PKI_INTERNAL', {}, { cause: error })
  }
}

/** Anybody who shows a certificate is waited for here: a look-up that never ends must not keep a place among the enrolments for good. */
function inTime<T>(what: string, asked: T | Promise<T>): Promise<T> {
  return settleWithin<T>(callbackSeconds * 1000, Promise.resolve(asked), () =>
    Promise.reject(new Error(`${what}: no answer within ${callbackSeconds} s`)),
  )
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
async function askOperator(
  factory: FactoryEnrollment,
  candidate: FactoryCandidate,
  report: (error: unknown) => void,
): Promise<FactoryGrant | undefined> {
  const signal = AbortSignal.timeout(callbackSeconds * 1000)
  try {
    return await inTime('device.factory.enroll', factory.enroll(candidate, { signal }))
  } catch (error) {
    report(error)
    return undefined
  }
}
