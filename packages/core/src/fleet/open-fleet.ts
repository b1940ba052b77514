import { createProcessHolder } from '../authority/holder.ts'
import { createIssuer } from '../authority/issuer.ts'
import { type CertificateProfile, resolveProfile } from '../authority/profile.ts'
import type { Keyring } from '../signer/signer.ts'
import type { Store } from '../store/store.ts'
import { bootstrapFleet } from './bootstrap.ts'
import { createFleet } from './create-fleet.ts'
import type { Enforcer, Fleet } from './fleet.ts'
import { createPublisher, type PublishOptions } from './published-urls.ts'

/** Options of {@link openFleet}. */
export interface OpenFleetOptions {
  /** Closed by `fleet.close()`: the fleet opens it. */
  readonly store: Store
  /** One keyring for both CAs, or one each: the root's in an HSM, or away after the ceremony. */
  readonly keyring: Keyring | { readonly root: Keyring; readonly issuing: Keyring }
  /** Names the CAs; 1–53 characters. */
  readonly organization?: string
  /** Bakes CRL and caIssuers URLs into certificates. Without it none are written. */
  readonly publish?: PublishOptions
  readonly root?: { readonly validitySeconds?: number }
  readonly profiles?: { readonly device?: CertificateProfile; readonly server?: CertificateProfile }
  readonly crl?: {
    /** Default 7 days. */
    readonly validitySeconds?: number
    /** Default one day: a new CRL is out so long before the old one ends. */
    readonly overlapSeconds?: number
  }
  /** Close live sessions when a device is revoked. Read at each revocation: an enforcer that needs the fleet first (a broker asks it) is pushed to the list afterwards. */
  readonly enforcers?: readonly Enforcer[]
  /** Default 30. */
  readonly enforceTimeoutSeconds?: number
  /** Default true: recovers what dead processes left behind every 10 s. One-shot commands pass false. */
  readonly background?: boolean
  readonly clock?: () => Date
}

/**
 * Opens the fleet in `store`; on the first start makes the root (10 years) and the issuing CA (path length 0).
 * Store and keys present: open. Store present, key missing: opens, and what needs the key rejects `ERR_PKI_KEY_MISSING`. Store empty and keys present: `ERR_PKI_STORE_LOST`, never a second root.
 *
 * @example
 * ```ts
 * const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring() })
 * const credential = await fleet.enroll('sensor-1')
 * ```
 * @throws PkiError `ERR_PKI_STORE_UNAVAILABLE`, `ERR_PKI_STORE_SCHEMA`, `ERR_PKI_STORE_CORRUPT`, `ERR_PKI_STORE_LOST`, `ERR_PKI_BOOTSTRAP_BUSY`, `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_PERMISSIONS`, `ERR_PKI_PROFILE`
 */
export async function openFleet(options: OpenFleetOptions): Promise<Fleet> {
  const { store, clock = (): Date => new Date() } = options
  const { organization } = options
  if (organization !== undefined && (organization.trim() === '' || organization.length > 53)) {
    throw new TypeError('organization: expected 1 to 53 characters')
  }
  const profiles = {
    device: resolveProfile('device', options.profiles?.device),
    service: resolveProfile('service', options.profiles?.device),
    server: resolveProfile('server', options.profiles?.server),
  }
  const times = {
    validitySeconds: options.crl?.validitySeconds ?? 7 * 86_400,
    overlapSeconds: options.crl?.overlapSeconds ?? 86_400,
  }
  if (!(times.overlapSeconds >= 0) || !(times.validitySeconds > times.overlapSeconds)) {
    throw new RangeError('crl: expected validitySeconds > overlapSeconds ≥ 0')
  }
  const publisher = createPublisher(options.publish)
  const keyrings = 'root' in options.keyring ? options.keyring : { root: options.keyring, issuing: options.keyring }

  await store.open()
  const holder = createProcessHolder(store, clock)
  try {
    const document = await bootstrapFleet(
      { store, holder, clock },
      {
        keyrings,
        ...(organization === undefined ? {} : { organization }),
        ...(options.root?.validitySeconds === undefined ? {} : { rootValiditySeconds: options.root.validitySeconds }),
        ...(publisher === undefined ? {} : { publisher }),
      },
    )
    const authorities = document.authorities.map(({ role, keyName, certificate }) => ({
      role,
      issuer: createIssuer(Buffer.from(certificate, 'base64'), keyName, () =>
        (role === 'root' ? keyrings.root : keyrings.issuing).open(keyName),
      ),
    }))
    // A wrong passphrase should be heard now and not at the first device; a missing key is allowed (DESIGN section 4).
    for (const { role, issuer } of authorities) if (role === 'issuingCa') await issuer.signer().catch(ignoreMissingKey)
    await store.abandon(clock())
    return createFleet({
      store,
      holder,
      clock,
      authorities,
      profiles,
      times,
      publisher,
      ...(document.organization === undefined ? {} : { organization: document.organization }),
      enforcers: options.enforcers ?? [],
      enforceTimeoutSeconds: options.enforceTimeoutSeconds ?? 30,
      background: options.background ?? true,
    })
  } catch (error) {
    holder.close()
    await store.close().catch(() => {})
    throw error
  }
}

function ignoreMissingKey(error: { code?: unknown }): void {
  if (error.code !== 'ERR_PKI_KEY_MISSING') throw error
}
