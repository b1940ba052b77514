import {
  type Certificate,
  certificateFingerprint,
  decodePem,
  type Fleet,
  type Identification,
  isPkiError,
  PkiError,
  parseCertificate,
  verifyPath,
} from '@fleetcert/core'

/** Who shows a certificate of this fleet. */
export interface DevicePeer {
  readonly deviceId: string
  readonly owner?: string
  /** `AA:BB:…` of the certificate shown. */
  readonly fingerprint: string
  readonly certificate: Certificate
}

// Of what a peer sends along. A chain of this fleet has one or two.
const chainLimit = 10

/** What identifying needs. */
export interface PeerIdentifier {
  readonly fleet: Pick<Fleet, 'identify' | 'issuers' | 'trustAnchors'>
  readonly clock: () => Date
}

/**
 * The device whose certificate this is: known to the fleet, `active`, and with a path to the fleet's trust anchors. A certificate that was pinned has no path: the operator has vouched for its octets.
 *
 * `graceSeconds` is given where it is about renewing alone. It forgives the end of its validity period by so much, not the end of a CA's, nor its own revocation. Forgiven is also, as long as the fleet says, that its CA was
 * revoked: what is on record here no thief of that CA's key can have made.
 *
 * That the peer holds the key is the caller's to know, from the TLS handshake. Behind its own certificate is what it sent along; nothing in it is believed.
 *
 * @throws PkiError `ERR_PKI_CLIENT_REQUIRED`, `ERR_PKI_CLIENT_UNTRUSTED`, `ERR_PKI_CLIENT_EXPIRED`, `ERR_PKI_CLIENT_REVOKED`, `ERR_PKI_CLIENT_SUPERSEDED`; what `fleet.identify` throws when the store is down or the clock is off
 */
export async function identifyPeer(
  identifier: PeerIdentifier,
  [der, ...chain]: readonly Uint8Array[],
  graceSeconds?: number,
): Promise<DevicePeer> {
  if (der === undefined) throw new PkiError('ERR_PKI_CLIENT_REQUIRED', {})
  // The look-up comes first: a stranger's certificate costs a hash and no signature.
  const identification = await identifier.fleet.identify({ der })
  return judge(identifier, identification, { der, chain, graceSeconds })
}

/**
 * The same for a certificate that is named by its fingerprint, `AA:BB:…`. Nothing is known of who named it: he has yet to prove that he holds the key.
 * @throws PkiError as {@link identifyPeer}, and `ERR_PKI_FINGERPRINT`
 */
export async function identifyNamed(identifier: PeerIdentifier, fingerprint: string): Promise<DevicePeer> {
  const identification = await identifier.fleet.identify({ fingerprint }, { withDer: true })
  const der = identification.status === 'unknown' ? undefined : identification.certificate.der
  return judge(identifier, identification, { der, chain: [], graceSeconds: undefined })
}

async function judge(
  { fleet, clock }: PeerIdentifier,
  identification: Identification,
  shown: {
    readonly der: Uint8Array | undefined
    readonly chain: readonly Uint8Array[]
    readonly graceSeconds: number | undefined
  },
): Promise<DevicePeer> {
  const known = goodOrThrow(identification, clock(), shown.graceSeconds)
  const certificate = readOwn(shown.der)
  const hasPath = known.certificate.state !== 'pinned' && known.status !== 'revoked'
  if (hasPath) await verifyOwnPath(fleet, certificate, shown.chain, clock())
  const { deviceId, owner } = known.device
  const fingerprint = certificateFingerprint(certificate.der)
  return { deviceId, ...(owner === undefined ? {} : { owner }), fingerprint, certificate }
}

type Known = Exclude<Identification, { readonly status: 'unknown' }>

function goodOrThrow(identification: Identification, now: Date, graceSeconds: number | undefined): Known {
  switch (identification.status) {
    case 'active':
      return identification
    case 'expired': {
      const lateSeconds = (now.getTime() - identification.certificate.notAfter.getTime()) / 1000
      // Asked this way round, a date that is none is not forgiven.
      if (lateSeconds <= (graceSeconds ?? 0)) return identification
      throw new PkiError('ERR_PKI_CLIENT_EXPIRED', {})
    }
    case 'revoked':
      if (graceSeconds !== undefined && isRenewable(identification, now, graceSeconds)) return identification
      throw new PkiError('ERR_PKI_CLIENT_REVOKED', {})
    case 'held':
      throw new PkiError('ERR_PKI_CLIENT_REVOKED', { reason: 'it is on hold' })
    case 'superseded':
      throw new PkiError('ERR_PKI_CLIENT_SUPERSEDED', {})
    case 'notYetValid':
      throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'it is not valid yet' })
    default:
      throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'no device of this fleet has it' })
  }
}

function isRenewable(
  { renewableUntil, certificate }: Exclude<Known, { readonly status: 'active' }>,
  now: Date,
  graceSeconds: number,
): boolean {
  if (renewableUntil === undefined || now >= renewableUntil) return false
  return now.getTime() - certificate.notAfter.getTime() <= graceSeconds * 1000
}

/** What the fleet knows it has read before; a pinned one, too. */
function readOwn(der: Uint8Array | undefined): Certificate {
  try {
    return parseCertificate(der ?? new Uint8Array())
  } catch (error) {
    throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'it cannot be read' }, { cause: error })
  }
}

async function verifyOwnPath(
  fleet: Pick<Fleet, 'issuers' | 'trustAnchors'>,
  certificate: Certificate,
  chain: readonly Uint8Array[],
  now: Date,
): Promise<void> {
  // A CA that has expired proves nothing any more, whatever moment the path is judged by.
  const isCurrent = ({ notAfter }: Certificate): boolean => now <= notAfter
  const between: Certificate[] = []
  // A peer need not send the issuing CA, and in a resumed TLS session it does not.
  for await (const { state, certificate: ca } of fleet.issuers()) {
    if (state !== 'retired' && state !== 'revoked') between.push(parseCertificate(ca))
  }
  for (const der of chain.slice(0, chainLimit)) between.push(...readAny(der))
  try {
    await verifyPath({
      certificate,
      chain: between.filter(isCurrent),
      trustAnchors: decodePem(fleet.trustAnchors, 'CERTIFICATE')
        .map(({ der }) => parseCertificate(der))
        .filter(isCurrent),
      at: now < certificate.notAfter ? now : certificate.notAfter,
      purpose: 'clientAuth',
      // `identify` has said that it is not revoked; the CAs above are the fleet's own.
      revocation: 'off',
      limits: { certificates: 100, signatures: 20, steps: 50 },
    })
  } catch (error) {
    if (!isPkiError(error)) throw error
    throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'no path leads to the trust anchors' }, { cause: error })
  }
}

function readAny(der: Uint8Array): Certificate[] {
  try {
    return [parseCertificate(der)]
  } catch {
    return []
  }
}
