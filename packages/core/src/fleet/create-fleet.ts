import { availableParallelism } from 'node:os'
import { encodePem, type IoOptions, PkiError } from '@fleetcert/x509'
import type { ProcessHolder } from '../authority/holder.ts'
import type { IssueContext } from '../authority/issue.ts'
import type { BlockedKeyCheck } from '../authority/keys/blocked-keys.ts'
import { createVerification } from '../authority/verification/verification.ts'
import type { CrlTimes } from '../revocation/crl-issuer.ts'
import { scheduleCrls } from '../revocation/crl-scheduler.ts'
import { createLedgerWatch } from '../revocation/ledger-watch.ts'
import { noticingStore } from '../revocation/noticing-store.ts'
import { createFleetOcsp } from '../revocation/ocsp/fleet-ocsp.ts'
import type { OcspAnswer } from '../revocation/ocsp/ocsp-answer.ts'
import type { OcspOptions } from '../revocation/ocsp/ocsp-responder.ts'
import type { CertificateRecord, Store } from '../store/store.ts'
import { currentCertificate } from './current-certificate.ts'
import { deviceRecordOf } from './device-record.ts'
import { createEnrollment } from './enrollment.ts'
import { followLedger } from './events.ts'
import type { DeviceQuery, DeviceRecord, Enforcer, Fleet, IssuerRecord, SignedCrl } from './fleet.ts'
import { createFleetCrls } from './fleet-crls.ts'
import type { FleetProfiles } from './fleet-profiles.ts'
import type { FleetWarning } from './fleet-warning.ts'
import { followRevocations } from './follow-revocations.ts'
import type { HotIssuer } from './hot-issuer-certificate.ts'
import type { HotIssuerSettings } from './hot-issuer-options.ts'
import { createHotIssuers } from './hot-issuers.ts'
import { isDeviceId } from './identifier.ts'
import { createIdentityView } from './identity-view/identity-view.ts'
import type { IdentityViewSettings } from './identity-view/identity-view-options.ts'
import { withLastKnown } from './identity-view/last-known.ts'
import { endedCertificates } from './issuers/ended-certificates.ts'
import {
  createFleetIssuers,
  type FleetIssuers,
  type FleetIssuersParts,
  followIssuers,
} from './issuers/fleet-issuers.ts'
import { createIssuerOperations } from './issuers/issuer-operations-of.ts'
import type { Authority } from './issuers/issuer-set.ts'
import type { AuthorityOptions } from './issuers/make-authority.ts'
import { listAll } from './list-all.ts'
import type { Publisher } from './published-urls.ts'
import { createRegister } from './register.ts'
import { createConfirm } from './renewal/confirm.ts'
import { createRenewals } from './renewal/renewals.ts'
import { createRevoker } from './revoke.ts'
import { createTokens } from './tokens/create-token.ts'

/** What a fleet is opened with. */
export interface OpenedParts extends Pick<FleetIssuersParts, 'found' | 'alsoTrust' | 'openKey'> {
  readonly store: Store
  readonly holder: ProcessHolder
  readonly clock: () => Date
  readonly profiles: FleetProfiles
  readonly checkBlocked?: BlockedKeyCheck
  /** Of the CAs that a rollover makes. */
  readonly authorityOptions: AuthorityOptions
  readonly times: CrlTimes
  readonly rootTimes: CrlTimes
  /** `undefined`: no delta CRLs. */
  readonly deltaTimes: CrlTimes | undefined
  /** Over which new certificates are spread. */
  readonly shards: number
  /** In which there are certificates: a CRL is published for each. */
  readonly publishedShards: number
  /** Where certificates in shards say that CRLs are, beside `publisher`. */
  readonly formerPublishers: readonly Publisher[]
  /** Version of what decides a CRL's extensions. */
  readonly crlSettings: number
  readonly ocsp: Required<OcspOptions>
  readonly identityView: IdentityViewSettings
  readonly publisher: Publisher | undefined
  /** Whether the issuing CA's CRL may name its URLs in the IDP. */
  readonly distributionPointInCrl: boolean
  readonly enforcers: readonly Enforcer[]
  readonly enforceTimeoutSeconds: number
  readonly background: boolean
  readonly onWarning: (warning: FleetWarning) => void
  /** `undefined`: none. */
  readonly hotIssuer: HotIssuerSettings | undefined
}

/** What the parts of an open fleet are made of. */
export interface FleetParts extends OpenedParts {
  readonly issuers: FleetIssuers
  /** Answers what is on record of each certificate, whatever became of its issuer; `store` answers what it is worth. */
  readonly recordStore: Store
}

const recoverySeconds = 10

/** Puts the parts of an opened fleet behind the {@link Fleet} interface. */
export function createFleet(opened: OpenedParts): Fleet {
  const { holder, clock } = opened
  // One for all that keep something in memory; what this process changes they hear of at once.
  const watch = createLedgerWatch(opened.store)
  const issuers = createFleetIssuers({ ...opened, watch })
  const store = noticingStore(opened.store, watch, endedCertificates(opened.store, issuers))
  const recordStore = noticingStore(opened.store, watch)
  const parts: FleetParts = { ...opened, store, issuers, recordStore }
  const closing = new AbortController()

  // A thread for each core, and none that another would have to wait for.
  const verification = createVerification({ cores: availableParallelism() - (store.threads ?? 0) })
  const context: IssueContext = { store, holder, clock, verification }
  // One-shot commands sign little: a key for it would cost more than it saves.
  const hotIssuers =
    parts.hotIssuer === undefined || !parts.background
      ? undefined
      : createHotIssuers({ ...parts, context, settings: parts.hotIssuer, closed: closing.signal })
  const enrollment = createEnrollment({
    ...parts,
    context,
    verification,
    ...(hotIssuers === undefined ? {} : { hotIssuers }),
  })
  const createToken = createTokens(parts)
  const confirm = createConfirm(parts)
  const renewals = createRenewals(parts)
  const register = createRegister(parts)
  const ocsp = createFleetOcsp({ ...context, store: opened.store }, issuers, {
    ...parts.ocsp,
    hotKeyring: parts.hotIssuer?.ocspKeyring,
    watch,
    onWarning: parts.onWarning,
  })
  const identities = createIdentityView({ store: opened.store, clock, watch, issuers, options: parts.identityView })
  const { identify } = withLastKnown(identities, {
    seconds: parts.identityView.lastKnownSeconds,
    watch,
    onWarning: parts.onWarning,
  })
  const revoker = createRevoker({ ...parts, closed: closing.signal })
  const following = parts.background
    ? followRevocations({ ...parts, recent: revoker.begun, instance: holder.instance, closed: closing.signal })
    : undefined
  const crls = createFleetCrls({ ...parts, closed: closing.signal })
  const cas = createIssuerOperations({ ...parts, context, crls, verification, queue: revoker })
  if (parts.background) {
    scheduleCrls({ crls: crls.published, onWarning: parts.onWarning, closed: closing.signal })
    followIssuers(issuers, closing.signal)
  }

  // Recovery of what dead processes left: a failure is met again, and reported, by whoever uses the store next.
  const recovery = parts.background
    ? setInterval(() => void store.abandon(clock()).catch(() => {}), recoverySeconds * 1000).unref()
    : undefined

  const open = (): void => {
    if (closing.signal.aborted) throw new PkiError('ERR_PKI_CLOSED', {})
  }
  let closed: Promise<void> | undefined

  return {
    get status() {
      return issuers.current.issuing === undefined ? 'awaitingIssuer' : 'ready'
    },
    get trustAnchors() {
      return issuers.current.trustAnchors
    },

    async *issuers(options): AsyncIterable<IssuerRecord> {
      open()
      for (const authority of (await issuers.fresh(options)).authorities) {
        yield toIssuerRecord(authority, hotIssuers?.current)
      }
    },

    async rollover(step, request, options) {
      open()
      return cas.rollover(step, request, options)
    },
    async rolloverStatus(options) {
      open()
      return cas.rolloverStatus(options)
    },
    async dependents(issuerKeyId, options) {
      open()
      return cas.dependents(issuerKeyId, options)
    },
    async retireIssuer(issuerKeyId, request, options) {
      open()
      return cas.retireIssuer(issuerKeyId, request, options)
    },
    async revokeIssuer(issuerKeyId, request, options) {
      open()
      return cas.revokeIssuer(issuerKeyId, request, options)
    },
    async issuerRequest(options) {
      open()
      return cas.issuerRequest(options)
    },
    async importIssuer(certificate, request, options) {
      open()
      return cas.importIssuer(certificate, request, options)
    },
    async signSubordinate(csr, request, options) {
      open()
      return cas.signSubordinate(csr, request, options)
    },
    async adoptIssuer(request, options) {
      open()
      return cas.adoptIssuer(request, options)
    },
    async importCrl(crl, request, options) {
      open()
      return cas.importCrl(crl, request, options)
    },

    async enroll(deviceId, request, options) {
      open()
      return verification.count(() => enrollment.enroll(deviceId, request, options))
    },
    async renew(deviceId, request, options) {
      open()
      return verification.count(() => enrollment.renew(deviceId, request, options))
    },
    async confirm(deviceId, request, options) {
      open()
      return confirm(deviceId, request, options)
    },
    async createToken(request, options) {
      open()
      return createToken(request, options)
    },
    async renewalInfo(request, options) {
      open()
      return renewals.renewalInfo(request, options)
    },
    async scheduleRenewals(request, options) {
      open()
      return renewals.scheduleRenewals(request, options)
    },
    async renewalSchedules(options) {
      open()
      return renewals.renewalSchedules(options)
    },
    async withdrawRenewals(id, options) {
      open()
      return renewals.withdrawRenewals(id, options)
    },
    async register(deviceId, certificate, request, options) {
      open()
      return register(deviceId, certificate, request, options)
    },
    async issueServer(request, options) {
      open()
      return verification.count(() => enrollment.issueServer(request, options))
    },
    async revoke(target, request, options) {
      open()
      return revoker.revoke(target, request, options)
    },
    async revokeAll(query, request, options) {
      open()
      return revoker.revokeAll(query, request, options)
    },
    async release(target, options) {
      open()
      return revoker.release(target, options)
    },
    identify: (evidence, options) =>
      closing.signal.aborted ? Promise.reject(new PkiError('ERR_PKI_CLOSED', {})) : identify(evidence, options),
    identityCounters: identities.counters,

    async device(deviceId: string, options?: IoOptions): Promise<DeviceRecord | undefined> {
      open()
      // What cannot be a device id names no device.
      if (!isDeviceId(deviceId)) return undefined
      const now = clock()
      const current = await currentCertificate(store, deviceId, now, options)
      return current === undefined ? undefined : deviceRecordOf(current, now)
    },

    async *devices(query: DeviceQuery = {}, options?: IoOptions): AsyncIterable<DeviceRecord> {
      open()
      const { owner, expiringBefore, status, after, limit = Number.POSITIVE_INFINITY } = query
      if (Number.isNaN(limit)) throw new RangeError('limit: expected a number')
      const filter = {
        list: 'devices',
        ...(owner === undefined ? {} : { owner }),
        ...(expiringBefore === undefined ? {} : { expiringBefore }),
      } as const
      let left = limit
      if (left <= 0) return
      for await (const record of listAll(store, filter, after, options)) {
        const device = deviceRecordOf(record, clock())
        if (device === undefined || (status !== undefined && device.status !== status)) continue
        yield device
        left -= 1
        if (left <= 0) return
      }
    },

    async *pending(options?: IoOptions): AsyncIterable<CertificateRecord> {
      open()
      yield* listAll(store, { list: 'pending' }, undefined, options)
    },

    async crl(request = {}, options): Promise<SignedCrl> {
      open()
      const { shard = 0, delta = false } = request
      const issuerKeyId = request.issuerKeyId ?? (await issuers.fresh(options)).issuing?.issuer.keyId
      if (issuerKeyId === undefined) throw new PkiError('ERR_PKI_AWAITING_ISSUER', {})
      return crls.current({ issuerKeyId, shard, delta }, options)
    },

    async ocsp(request, options): Promise<OcspAnswer> {
      open()
      return ocsp.answer(request, options)
    },

    events(options = {}) {
      open()
      const signal = options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal])
      return followLedger(store, { after: options.after ?? '', follow: options.follow ?? true, signal })
    },

    async *backup(request) {
      open()
      // What encrypts is loaded when it is needed.
      const { backupFleet } = await import('../backup/backup-fleet.ts')
      const keyring = opened.authorityOptions.keyrings
      yield* backupFleet({ ...request, store: opened.store, keyring, clock })
    },

    close(): Promise<void> {
      closed ??= (async () => {
        closing.abort(new PkiError('ERR_PKI_CLOSED', {}))
        clearInterval(recovery)
        holder.close()
        await hotIssuers?.close()
        await verification.close()
        await following?.close()
        await store.close()
      })()
      return closed
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await this.close()
    },
  }
}

function toIssuerRecord({ role, state, record, issuer }: Authority, hot: HotIssuer | undefined): IssuerRecord {
  const { der, serialNumber, notBefore, notAfter } = issuer.certificate
  const cross = (record.cross ?? []).map(({ certificate }) =>
    encodePem('CERTIFICATE', Buffer.from(certificate, 'base64')),
  )
  return {
    issuerKeyId: issuer.keyId,
    role,
    state,
    isForeign: record.keyName === undefined,
    certificate: encodePem('CERTIFICATE', der),
    crossCertificates: cross.join(''),
    serialNumber,
    notBefore,
    notAfter,
    ...(hot?.issuingCa.keyId === issuer.keyId ? { hotIssuer: toHotRecord(hot) } : {}),
  }
}

function toHotRecord({ issuer, serialNumber, usedUntil }: HotIssuer): NonNullable<IssuerRecord['hotIssuer']> {
  return { certificate: encodePem('CERTIFICATE', issuer.certificate.der), serialNumber, usedUntil }
}
