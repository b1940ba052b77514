import { checkNames, encodeName, type KnownNames } from '@fleetcert/x509'
import type { CertificateProfiles } from '../authority/certificate-profile.ts'
import { createProcessHolder } from '../authority/holder.ts'
import { createIssuer } from '../authority/issuer.ts'
import { type BlockedKeys, createBlockedKeyCheck } from '../authority/keys/blocked-keys.ts'
import { resolveProfile } from '../authority/resolve-profile.ts'
import type { CrlTimes } from '../revocation/crl-issuer.ts'
import { type OcspOptions, ocspOptions } from '../revocation/ocsp/ocsp-responder.ts'
import type { KeyAlgorithm, Keyring, Signer } from '../signer/signer.ts'
import type { Store } from '../store/store.ts'
import { alsoTrusted } from './also-trust.ts'
import { bootstrapFleet } from './bootstrap.ts'
import { checkedClock } from './checked-clock.ts'
import { createFleet } from './create-fleet.ts'
import { crlShards } from './crl-shards.ts'
import type { Enforcer, Fleet } from './fleet.ts'
import type { FleetDocument } from './fleet-document.ts'
import { createFleetProfiles } from './fleet-profiles.ts'
import { emitWarning, type FleetWarning } from './fleet-warning.ts'
import { type HotIssuerOptions, hotIssuerSettings } from './hot-issuer-options.ts'
import { type IdentityViewOptions, identityViewOptions } from './identity-view/identity-view-options.ts'
import { authorityCommonNames, authorityName } from './issuers/authority-name.ts'
import type { AuthorityRecord } from './issuers/authority-record.ts'
import { isKeyAlgorithm } from './issuers/key-algorithm.ts'
import { createPublisher, type PublishOptions } from './published-urls.ts'
import { recordCrlSettings } from './record-crl-settings.ts'
import { recordPublishing } from './record-publishing.ts'

const day = 86_400
const optionNames: KnownNames<OpenFleetOptions> = {
  store: true,
  keyring: true,
  organization: true,
  publish: true,
  root: true,
  issuing: true,
  alsoTrust: true,
  profiles: true,
  blockedKeys: true,
  crl: true,
  ocsp: true,
  identityView: true,
  enforcers: true,
  enforceTimeoutSeconds: true,
  background: true,
  hotIssuer: true,
  onWarning: true,
  clock: true,
}

/** How long a CRL lasts. */
export interface CrlOptions {
  /** thisUpdate to nextUpdate, whole seconds. */
  readonly validitySeconds?: number
  /** A new CRL is out so long before the old one ends, whole seconds. */
  readonly overlapSeconds?: number
}

/** The CRLs of the issuing CA. */
export interface IssuingCrlOptions extends CrlOptions {
  /**
   * Over how many CRLs new certificates are spread, 1 to 1,024; default 1. Each names its own CRL for good, so every shard that was ever used stays published when the number changes. More than one needs `publish`, and a
   * fleet whose certificates all name their CRL: else `ERR_PKI_CRL_SHARDS`.
   */
  readonly shards?: number
  /** Delta CRLs beside the full ones, which then name them (FreshestCRL). Default false; true: they last a day and are renewed half a day ahead. Needs `publish`. */
  readonly delta?: boolean | CrlOptions
}

/** The root that a fleet makes at its first start, or waits for. */
export interface RootOptions {
  /** Default ten years. */
  readonly validitySeconds?: number
  /** Of the first root, and of those that a rollover makes. Default `P-256`. */
  readonly keyAlgorithm?: KeyAlgorithm
  /**
   * At the first start: no root is made. Another CA's, offline or corporate, signs the issuing CA: `fleet.issuerRequest()` is what it is to sign, `fleet.importIssuer()` takes what it has signed. Until then
   * `status` is `awaitingIssuer`. Default false.
   */
  readonly external?: boolean
  /** The root's own CRL, which lists issuing CAs. Default one year, renewed a month ahead; made at the first start, so that the root's key may be away afterwards. */
  readonly crl?: CrlOptions
}

/** The issuing CAs that a fleet makes: at its first start, and at a rollover. */
export interface IssuingOptions {
  /** Default ten years; cut at the root's end. */
  readonly validitySeconds?: number
  /** Default `P-256`. What a keyring cannot make it rejects. */
  readonly keyAlgorithm?: KeyAlgorithm
}

/** Options of {@link openFleet}. */
export interface OpenFleetOptions {
  /** Closed by `fleet.close()`: the fleet opens it. */
  readonly store: Store
  /** One keyring for both CAs, or one each: the root's in an HSM, or away after the ceremony. */
  readonly keyring: Keyring | { readonly root: Keyring; readonly issuing: Keyring }
  /** Names the CAs; 1–53 characters. */
  readonly organization?: string
  /** Bakes CRL, OCSP and caIssuers URLs into certificates. Without it none are written. */
  readonly publish?: PublishOptions
  readonly root?: RootOptions
  readonly issuing?: IssuingOptions
  /**
   * Further CAs that `trustAnchors` names behind the fleet's own, PEM, at most 16: a root that is announced before it is used, or a corporate CA that the broker's certificate comes from. Brokers and devices that take
   * over `trustAnchors` trust all that these sign; what lets a device in is `identify`, as before. Self-signed CA certificates that have not expired: `ERR_PKI_TRUST_ANCHOR`.
   */
  readonly alsoTrust?: string
  /** Changes to the profiles `device`, `service` and `server`, and further profiles by name: `fleet.enroll(id, { profile: 'sensor-7d' })`. */
  readonly profiles?: CertificateProfiles
  /** Keys that are never certified, by the SHA-256 of their SubjectPublicKeyInfo: a list, or a question asked for every CSR. For the lists of weak keys that others publish (CVE-2008-0166 and the like). */
  readonly blockedKeys?: BlockedKeys
  /** Default 7 days, renewed one day ahead. */
  readonly crl?: IssuingCrlOptions
  /** How long OCSP answers last, and how many are kept in memory. Default one hour, 32 MiB. */
  readonly ocsp?: OcspOptions
  /** How many certificates `identify` keeps in memory. */
  readonly identityView?: IdentityViewOptions
  /** Close live sessions when a device is revoked, and confirm it: each confirmation is an `enforced` event of the ledger. Read at each revocation: an enforcer that needs the fleet first (a broker asks it) is pushed to the list afterwards. */
  readonly enforcers?: readonly Enforcer[]
  /** Default 30. */
  readonly enforceTimeoutSeconds?: number
  /**
   * Default true: recovers what dead processes left behind every 10 s, follows the ledger for the enforcers – what another process revoked, what failed, what a dead process left open –, and publishes CRLs ahead of their end and some seconds after a revocation.
   * One-shot commands pass false.
   */
  readonly background?: boolean
  /**
   * Hot issuers, for an issuing CA whose key is slow or may be away, in an HSM or a key service: each process makes a key in memory, has the issuing CA certify it in its own name, and signs the certificates of devices and services with it for
   * some hours. `true`: as {@link HotIssuerOptions} say by default. Needs `background`: one-shot commands sign with the CA's own key. Given when an issuing CA is made, at the first start or by a rollover, that CA gets path length 1;
   * one of path length 0 will do for OpenSSL, Erlang and Java, and not for GnuTLS and Go.
   */
  readonly hotIssuer?: boolean | HotIssuerOptions
  /** Told what goes wrong in the background. Default: `process.emitWarning`. What it throws is lost. */
  readonly onWarning?: (warning: FleetWarning) => void
  readonly clock?: () => Date
}

/**
 * Opens the fleet in `store`; on the first start makes the root (10 years) and the issuing CA (path length 0), or with an external root the key of the issuing CA alone.
 * Store and keys present: open. Store present, key missing: opens, and what needs the key rejects `ERR_PKI_KEY_MISSING`. Store empty and keys present: `ERR_PKI_STORE_LOST`, never a second root.
 *
 * @example
 * ```ts
 * const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring() })
 * const credential = await fleet.enroll('sensor-1')
 * ```
 * @throws PkiError `ERR_PKI_STORE_UNAVAILABLE`, `ERR_PKI_STORE_SCHEMA`, `ERR_PKI_STORE_CORRUPT`, `ERR_PKI_STORE_LOST`, `ERR_PKI_STORE_MOVED`, `ERR_PKI_STORE_INCOMPLETE`, `ERR_PKI_BOOTSTRAP_BUSY`, `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_PERMISSIONS`, `ERR_PKI_PROFILE`, `ERR_PKI_TRUST_ANCHOR`
 */
export async function openFleet(options: OpenFleetOptions): Promise<Fleet> {
  checkParts(options)
  const { store, organization } = options
  const clock = checkedClock(options.clock ?? ((): Date => new Date()))
  if (organization !== undefined && (organization.trim() === '' || organization.length > 53)) {
    throw new TypeError('organization: expected 1 to 53 characters')
  }
  // Before anything is recorded: a name that cannot be encoded would stop every later start, too.
  for (const commonName of authorityCommonNames) encodeName(authorityName(organization, commonName))
  // Checked before anything is opened; made again below, when it is known which organization this fleet was made for.
  createFleetProfiles(options.profiles, organization)
  const checkBlocked = createBlockedKeyCheck(options.blockedKeys)
  const root = authorityOptions('root', options.root)
  const hotIssuer = hotIssuerSettings(options.hotIssuer)
  const issuing = { ...authorityOptions('issuing', options.issuing), hasHotIssuers: hotIssuer !== undefined }
  const { external = false } = options.root ?? {}
  if (typeof external !== 'boolean') throw new TypeError('root.external: expected true or false')
  const times = crlTimes('crl', options.crl, { validitySeconds: 7 * day, overlapSeconds: day })
  const rootTimes = crlTimes('root.crl', options.root?.crl, { validitySeconds: 365 * day, overlapSeconds: 30 * day })
  const ocsp = ocspOptions(options.ocsp)
  const identityView = identityViewOptions(options.identityView)
  const shards = crlShards(options.crl?.shards)
  const { delta = false } = options.crl ?? {}
  const deltaTimes = deltaCrlTimes(delta, times)
  if (options.publish === undefined && (shards > 1 || deltaTimes !== undefined)) {
    throw new TypeError('crl: shards and delta CRLs need publish.baseUrl')
  }
  const enforceTimeoutSeconds = options.enforceTimeoutSeconds ?? 30
  if (!(enforceTimeoutSeconds > 0 && enforceTimeoutSeconds <= day)) {
    throw new RangeError('enforceTimeoutSeconds: expected more than 0 and at most a day')
  }
  const publisher = createPublisher(options.publish)
  const alsoTrust = alsoTrusted(options.alsoTrust, clock())
  const keyrings = 'root' in options.keyring ? options.keyring : { root: options.keyring, issuing: options.keyring }

  await store.open()
  const holder = createProcessHolder(store, clock)
  try {
    const authorityParts = { keyrings, root, issuing, ...(publisher === undefined ? {} : { publisher }) }
    const created = await bootstrapFleet(
      { store, holder, clock },
      {
        ...authorityParts,
        isRootExternal: external,
        baseUrl: options.publish?.baseUrl ?? null,
        ...(organization === undefined ? {} : { organization }),
      },
    )
    await recordPublishing(store, clock, created, options.publish?.baseUrl)
    const found = await recordCrlSettings(store, clock, {
      shards,
      delta: deltaTimes !== undefined,
      baseUrl: options.publish?.baseUrl,
    })
    const { document } = found
    const { onWarning = emitWarning } = options
    const openKey = ({ keyring, keyName }: AuthorityRecord): Promise<Signer | undefined> =>
      keyName === undefined ? Promise.resolve(undefined) : keyrings[keyring ?? 'issuing'].open(keyName)
    await openIssuingKeys(document, openKey)
    await store.abandon(clock())
    const fleet = createFleet({
      store,
      holder,
      clock,
      found,
      openKey,
      authorityOptions: {
        ...authorityParts,
        ...(document.organization === undefined ? {} : { organization: document.organization }),
      },
      profiles: createFleetProfiles(options.profiles, document.organization),
      alsoTrust,
      ...(checkBlocked === undefined ? {} : { checkBlocked }),
      times,
      rootTimes,
      deltaTimes,
      shards,
      publishedShards: document.crlShards ?? 1,
      formerPublishers: (document.formerBaseUrls ?? []).flatMap(
        baseUrl => createPublisher({ ...options.publish, baseUrl }) ?? [],
      ),
      crlSettings: document.crlVersion,
      onWarning(warning) {
        try {
          onWarning(warning)
        } catch {
          // Nobody waits for what is done in the background.
        }
      },
      ocsp,
      identityView,
      publisher,
      distributionPointInCrl: document.distributionPointInCrl ?? true,
      enforcers: options.enforcers ?? [],
      enforceTimeoutSeconds,
      background: options.background ?? true,
      hotIssuer,
    })
    await makeRootCrls(fleet, store)
    return fleet
  } catch (error) {
    holder.close()
    await store.close().catch(() => {})
    throw error
  }
}

/** What callers without TypeScript get wrong would otherwise fail far from here: an enforcer that is none, in a timer. */
function checkParts(options: Partial<OpenFleetOptions> | undefined): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected { store, keyring }')
  checkNames('openFleet', options, optionNames)
  const { store, keyring, enforcers } = options
  if (typeof store?.open !== 'function' || typeof store.reserve !== 'function') {
    throw new TypeError('store: expected a Store, for instance memoryStore()')
  }
  const parts = typeof keyring === 'object' && 'root' in keyring ? [keyring.root, keyring.issuing] : [keyring]
  if (
    !parts.every(part => typeof part?.open === 'function' && typeof (part as Partial<Keyring>).create === 'function')
  ) {
    throw new TypeError("keyring: expected a Keyring, for instance fileKeyring('certs'), or { root, issuing }")
  }
  if (enforcers !== undefined && !Array.isArray(enforcers)) throw new TypeError('enforcers: expected an array')
}

function crlTimes(label: string, options: CrlOptions = {}, defaults: CrlTimes): CrlTimes {
  const {
    validitySeconds = defaults.validitySeconds,
    overlapSeconds = Math.min(defaults.overlapSeconds, Math.floor(validitySeconds / 2)),
  } = options
  const whole = Number.isSafeInteger(validitySeconds) && Number.isSafeInteger(overlapSeconds)
  if (!whole || overlapSeconds < 0 || validitySeconds <= overlapSeconds || validitySeconds > 10 * 365 * day) {
    throw new RangeError(`${label}: expected whole seconds with 10 years ≥ validitySeconds > overlapSeconds ≥ 0`)
  }
  return { validitySeconds, overlapSeconds }
}

function deltaCrlTimes(delta: boolean | CrlOptions, { validitySeconds }: CrlTimes): CrlTimes | undefined {
  if (delta === false) return undefined
  if (delta !== true && (typeof delta !== 'object' || delta === null)) {
    throw new TypeError('crl.delta: expected true, false, or how long delta CRLs last')
  }
  const usual = Math.min(day, validitySeconds)
  const times = crlTimes('crl.delta', delta === true ? {} : delta, {
    validitySeconds: usual,
    overlapSeconds: Math.floor(usual / 2),
  })
  if (times.validitySeconds > validitySeconds) {
    throw new RangeError('crl.delta: expected validitySeconds of at most those of the full CRL')
  }
  return times
}

function authorityOptions(
  name: 'root' | 'issuing',
  options: Pick<RootOptions, 'validitySeconds' | 'keyAlgorithm'> = {},
): { readonly keyAlgorithm: KeyAlgorithm; readonly validitySeconds?: number } {
  const { validitySeconds, keyAlgorithm = 'P-256' } = options
  if (!isKeyAlgorithm(keyAlgorithm)) throw new TypeError(`${name}.keyAlgorithm: unknown`)
  if (validitySeconds === undefined) return { keyAlgorithm }
  resolveProfile(name, name === 'root' ? 'root' : 'issuingCa', { validitySeconds })
  return { keyAlgorithm, validitySeconds }
}

/** A wrong passphrase should be heard now and not at the first device; a missing key is allowed (DESIGN section 4). */
async function openIssuingKeys(
  { authorities }: FleetDocument,
  openKey: (record: AuthorityRecord) => Promise<Signer | undefined>,
): Promise<void> {
  for (const record of authorities) {
    const { role, state, own, keyName } = record
    if (role !== 'issuingCa' || state !== 'active' || own === undefined || keyName === undefined) continue
    const issuer = createIssuer(Buffer.from(own.certificate, 'base64'), keyName, () => openKey(record))
    await issuer.signer().catch(ignoreMissingKey)
  }
}

/** While the root's key is at hand: whoever checks the whole chain needs the root's CRL, and the key may be away after this. */
async function makeRootCrls(fleet: Fleet, store: Store): Promise<void> {
  for await (const { role, state, issuerKeyId, isForeign } of fleet.issuers()) {
    if (role !== 'root' || isForeign || state === 'retired' || state === 'revoked') continue
    if ((await store.crl({ issuerKeyId, shard: 0 })) === undefined) {
      await fleet.crl({ issuerKeyId }).catch(ignoreMissingKey)
    }
  }
}

function ignoreMissingKey(error: { code?: unknown }): void {
  if (error.code !== 'ERR_PKI_KEY_MISSING') throw error
}
