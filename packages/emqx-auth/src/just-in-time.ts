import {
  type Certificate,
  type CertificateInput,
  certificateFingerprint,
  decodePem,
  type Fleet,
  isPkiError,
  parseCertificate,
  publicKeyFingerprint,
  type RevocationMode,
  type VerifyPathOptions,
  verifyPath,
} from '@fleetcert/core'
import type { DenyReason } from './deny-reason.ts'

/** A certificate of a trusted foreign CA, seen for the first time. Its chain, validity and purpose are verified; the client has proved to the broker that it holds the key. */
export interface RegistrationCandidate {
  readonly certificate: Certificate
  /** The certificate first, each followed by its issuer, one of the trust anchors last. */
  readonly path: readonly Certificate[]
  /** `AA:BB:…`, SHA-256. */
  readonly fingerprint: string
  readonly clientId: string
  readonly username?: string
  readonly peerAddress?: string
}

/** What a candidate is to be. */
export interface Registration {
  readonly deviceId: string
  readonly owner?: string
  readonly attributes?: Readonly<Record<string, string>>
  /** Let it in beside what the device has already. Without it a device id that is known is refused; a device that is revoked or on hold always is. Default false. */
  readonly additional?: boolean
}

/** Registration at the first connection of certificates that another CA made, such as a manufacturer's. */
export interface JustInTimeRegistration {
  /** Whose certificates may be registered. Never the CA of the fleet itself: what it has issued is known, or was dropped. */
  readonly trustAnchors: CertificateInput | readonly CertificateInput[]
  /** The CAs between: a broker hands on the end entity alone. */
  readonly intermediates?: readonly CertificateInput[]
  /**
   * Decides whose the certificate is; `undefined` refuses it. The names in the certificate are what the foreign CA was told: take the device id from where that CA puts it, and only if you trust it for that.
   * Asked once for a certificate at a time, whoever else shows the same; asked again when it was refused. What it throws refuses.
   */
  readonly register: (
    candidate: RegistrationCandidate,
    options: { readonly signal: AbortSignal },
  ) => Registration | undefined | Promise<Registration | undefined>
  /** How revocation by the foreign CA is judged, at registration and never after it. Default `off`. */
  readonly revocation?: RevocationMode
  /** The foreign CA's CRLs, asked for at each registration. */
  readonly crls?: () => VerifyPathOptions['crls'] | Promise<VerifyPathOptions['crls']>
  /** The callback's signal aborts then, and the certificate is refused. Default 10. */
  readonly timeoutSeconds?: number
  /** More at once are refused: verifying a stranger's chain costs signatures. Default 64. */
  readonly maximumConcurrent?: number
}

/** What registration needs of a fleet. */
export type RegisteringFleet = Pick<Fleet, 'identify' | 'device' | 'register' | 'issuers'>

/** Registers an unknown certificate; `undefined` once it is there, or why it is not. Rejects when the fleet cannot answer. */
export type Registrar = (
  der: Uint8Array,
  client: Pick<RegistrationCandidate, 'clientId' | 'username' | 'peerAddress'>,
) => Promise<DenyReason | undefined>

/** @throws TypeError, RangeError, and what the readers throw for a trust anchor that cannot be read */
export function createRegistrar(
  fleet: RegisteringFleet,
  options: JustInTimeRegistration,
  clock: () => Date,
): Registrar {
  const { timeoutSeconds = 10, maximumConcurrent = 64 } = options
  if (typeof fleet.register !== 'function' || typeof fleet.issuers !== 'function') {
    throw new TypeError('"justInTime" needs a fleet that registers')
  }
  if (typeof options.register !== 'function') throw new TypeError('"justInTime.register" must be a function')
  checkCertificates('justInTime.trustAnchors', [options.trustAnchors].flat())
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 300))
    throw new RangeError('"justInTime.timeoutSeconds" must be above 0 and at most 300')
  if (!(Number.isSafeInteger(maximumConcurrent) && maximumConcurrent > 0))
    throw new RangeError('"justInTime.maximumConcurrent" must be a positive integer')

  const flights = new Map<string, Promise<DenyReason | undefined>>()
  // Of one device id one at a time, so that two certificates cannot both find it free.
  const claimed = new Set<string>()

  async function verify(der: Uint8Array): Promise<readonly Certificate[] | undefined> {
    try {
      const crls = await options.crls?.()
      const { path } = await verifyPath({
        certificate: der,
        chain: options.intermediates ?? [],
        trustAnchors: options.trustAnchors,
        at: clock(),
        purpose: 'clientAuth',
        revocation: options.revocation ?? 'off',
        ...(crls === undefined ? {} : { crls }),
      })
      return path
    } catch (error) {
      if (isPkiError(error)) return undefined
      throw error
    }
  }

  async function registerOne(der: Uint8Array, client: Parameters<Registrar>[1]): Promise<DenyReason | undefined> {
    const path = await verify(der)
    const [certificate] = path ?? []
    // A CA is no device.
    if (path === undefined || certificate === undefined || certificate.basicConstraints?.cA === true) {
      return 'certificateUntrusted'
    }
    const own = new Set<string>()
    for await (const { certificate: ca, isForeign } of fleet.issuers()) {
      // Another's root above ours may have certified others, too.
      if (!isForeign) own.add(publicKeyFingerprint(spkiOf(ca)))
    }
    if (path.some(({ subjectPublicKeyInfo }) => own.has(publicKeyFingerprint(subjectPublicKeyInfo)))) {
      return 'certificateUnknown'
    }
    const candidate = { ...client, certificate, path, fingerprint: certificateFingerprint(der) }
    const signal = AbortSignal.timeout(timeoutSeconds * 1000)
    const wanted = await answerOf(() => options.register(candidate, { signal }), signal)
    if (typeof wanted?.deviceId !== 'string') return 'registrationRefused'
    if (claimed.has(wanted.deviceId)) return 'registrationBusy'
    claimed.add(wanted.deviceId)
    try {
      return await enter(der, wanted)
    } finally {
      claimed.delete(wanted.deviceId)
    }
  }

  async function enter(
    der: Uint8Array,
    { deviceId, owner, attributes, additional }: Registration,
  ): Promise<DenyReason | undefined> {
    const known = await fleet.device(deviceId)
    if (known?.status === 'revoked' || known?.status === 'held') return known.status
    if (known !== undefined && additional !== true) return 'deviceExists'
    try {
      await fleet.register(deviceId, der, {
        ...(owner === undefined ? {} : { owner }),
        ...(attributes === undefined ? {} : { attributes }),
      })
      return undefined
    } catch (error) {
      if (isPkiError(error, 'ERR_PKI_STORE_UNAVAILABLE') || isPkiError(error, 'ERR_PKI_CLOCK')) throw error
      if (isPkiError(error)) return 'registrationRefused'
      throw error
    }
  }

  return (der, client) => {
    const fingerprint = certificateFingerprint(der)
    const flight = flights.get(fingerprint)
    if (flight !== undefined) return flight
    if (flights.size >= maximumConcurrent) return Promise.resolve('registrationBusy')
    const begun = registerOne(der, client).finally(() => flights.delete(fingerprint))
    flights.set(fingerprint, begun)
    return begun
  }
}

/** A trust anchor that cannot be read would show at the first device alone, as a refusal. */
function checkCertificates(label: string, inputs: readonly CertificateInput[]): void {
  if (inputs.length === 0) throw new TypeError(`"${label}" must hold a certificate`)
  for (const input of inputs) {
    const ders = typeof input === 'string' ? decodePem(input).map(({ der }) => der) : [input]
    if (ders.length === 0) throw new TypeError(`"${label}" must hold a certificate`)
    for (const der of ders) if (der instanceof Uint8Array) parseCertificate(der)
  }
}

function spkiOf(pem: string): Uint8Array {
  return parseCertificate(pem).subjectPublicKeyInfo
}

/** What a callback answers in time; a throw, a rejection and lateness are no answer. */
async function answerOf<T>(ask: () => T | Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop!: () => void
  const late = new Promise<undefined>(resolve => {
    stop = () => resolve(undefined)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([ask(), late])
  } catch {
    return undefined
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
