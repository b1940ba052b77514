import { encodePem, type IoOptions, PkiError } from '@fleetcert/x509'
import type { ProcessHolder } from '../authority/holder.ts'
import type { IssueContext } from '../authority/issue.ts'
import type { Issuer } from '../authority/issuer.ts'
import type { BlockedKeyCheck } from '../authority/keys/blocked-keys.ts'
import { countWork } from '../authority/verification.ts'
import { type CrlIssuer, type CrlTimes, createCrlIssuer } from '../revocation/crl-issuer.ts'
import type { CertificateRecord, Store } from '../store/store.ts'
import { currentCertificate } from './current-certificate.ts'
import { deviceRecordOf } from './device-record.ts'
import { createEnrollment } from './enrollment.ts'
import { followLedger } from './events.ts'
import type { DeviceQuery, DeviceRecord, Enforcer, Fleet, IssuerRecord, SignedCrl } from './fleet.ts'
import type { FleetProfiles } from './fleet-profiles.ts'
import { followRevocations } from './follow-revocations.ts'
import { isDeviceId } from './identifier.ts'
import { identifyCertificate } from './identify.ts'
import { listAll } from './list-all.ts'
import type { Publisher } from './published-urls.ts'
import { createRevoker } from './revoke.ts'

/** A CA and what it is to the fleet. */
export interface Authority {
  readonly role: 'root' | 'issuingCa'
  readonly issuer: Issuer
}

export interface FleetParts {
  readonly store: Store
  readonly holder: ProcessHolder
  readonly clock: () => Date
  readonly authorities: readonly Authority[]
  readonly profiles: FleetProfiles
  readonly checkBlocked?: BlockedKeyCheck
  readonly times: CrlTimes
  readonly rootTimes: CrlTimes
  readonly publisher: Publisher | undefined
  /** Whether the issuing CA's CRL may name its URLs in the IDP. */
  readonly distributionPointInCrl: boolean
  readonly enforcers: readonly Enforcer[]
  readonly enforceTimeoutSeconds: number
  readonly background: boolean
}

const recoverySeconds = 10

/** Puts the parts of an opened fleet behind the {@link Fleet} interface. */
export function createFleet(parts: FleetParts): Fleet {
  const { store, holder, clock, authorities } = parts
  const closing = new AbortController()
  const issuingCa = authorities.find(({ role }) => role === 'issuingCa')?.issuer
  if (issuingCa === undefined) throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet has no issuing CA' })

  const pemOf = ({ certificate }: Issuer): string => encodePem('CERTIFICATE', certificate.der)
  const chain = pemOf(issuingCa)
  const trustAnchors = authorities.flatMap(({ role, issuer }) => (role === 'root' ? [pemOf(issuer)] : [])).join('')

  const context: IssueContext = { store, holder, clock }
  const enrollment = createEnrollment({ ...parts, context, issuingCa, chain, trustAnchors })
  const revoker = createRevoker({ ...parts, closed: closing.signal })
  if (parts.background) followRevocations({ ...parts, closed: closing.signal, isOwn: revoker.isOwn })
  const crlIssuers = new Map<string, CrlIssuer>(
    authorities.map(({ role, issuer }) => [
      issuer.keyId,
      createCrlIssuer({
        store,
        issuer,
        instance: holder.instance,
        clock,
        times: role === 'root' ? parts.rootTimes : parts.times,
        urls: shard => (parts.distributionPointInCrl ? (parts.publisher?.crl(issuer.keyId, shard) ?? []) : []),
        certificatesAreCas: role === 'root',
      }),
    ]),
  )

  // Recovery of what dead processes left: a failure is met again, and reported, by whoever uses the store next.
  const recovery = parts.background
    ? setInterval(() => void store.abandon(clock()).catch(() => {}), recoverySeconds * 1000).unref()
    : undefined

  const open = (): void => {
    if (closing.signal.aborted) throw new PkiError('ERR_PKI_CLOSED', {})
  }
  let closed: Promise<void> | undefined

  return {
    status: 'ready',
    trustAnchors,

    async *issuers(): AsyncIterable<IssuerRecord> {
      open()
      for (const { role, issuer } of authorities) {
        const { serialNumber, notBefore, notAfter } = issuer.certificate
        yield { issuerKeyId: issuer.keyId, role, certificate: pemOf(issuer), serialNumber, notBefore, notAfter }
      }
    },

    async enroll(deviceId, request, options) {
      open()
      return countWork(() => enrollment.enroll(deviceId, request, options))
    },
    async renew(deviceId, request, options) {
      open()
      return countWork(() => enrollment.renew(deviceId, request, options))
    },
    async issueServer(request, options) {
      open()
      return countWork(() => enrollment.issueServer(request, options))
    },
    async revoke(target, request, options) {
      open()
      return revoker.revoke(target, request, options)
    },
    async release(target, options) {
      open()
      return revoker.release(target, options)
    },
    async identify(evidence, options) {
      open()
      return identifyCertificate(store, clock, evidence, options)
    },

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
      const issuerKeyId = request.issuerKeyId ?? issuingCa.keyId
      const crlIssuer = crlIssuers.get(issuerKeyId)
      if (crlIssuer === undefined || (request.shard ?? 0) !== 0)
        throw new PkiError('ERR_PKI_ISSUER_UNKNOWN', { issuerKeyId })
      return crlIssuer.current(0, options)
    },

    events(options = {}) {
      open()
      const signal = options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal])
      return followLedger(store, { after: options.after ?? '', follow: options.follow ?? true, signal })
    },

    close(): Promise<void> {
      closed ??= (async () => {
        closing.abort(new PkiError('ERR_PKI_CLOSED', {}))
        clearInterval(recovery)
        holder.close()
        await store.close()
      })()
      return closed
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await this.close()
    },
  }
}
