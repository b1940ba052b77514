import { hash } from 'node:crypto'
import { endlessNotAfter, type IoOptions, isPkiError, PkiError, parseFingerprint } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { CertificateRecord, Page } from '../../store/store.ts'
import { checkedOverlap } from '../checked-overlap.ts'
import type { CredentialIssuer, CredentialIssuerParts, Wish } from '../credential-issuer.ts'
import { addedNames, deviceNames } from '../device-names.ts'
import { statusAt } from '../device-record.ts'
import type { DeviceCredential, RenewRequest } from '../fleet.ts'
import { isRenewable } from '../identify.ts'
import { asRecorded } from '../issuers/ended-certificates.ts'
import { subjectNames } from '../subject-names.ts'
import { supersedeOlder } from './confirm.ts'
import { ownCertificate } from './own-certificate.ts'
import { isSameCertificate, renewalHead } from './renewal-head.ts'
import { checkRenewalLimit, lifetimeSeconds } from './renewal-limit.ts'

/** How soon a device may ask again that met another renewal of its own. */
const busySeconds = 5

/**
 * Renewal that a device asks for by the certificate it has. It must never end without one that works, so the old certificate stays good until the new one is confirmed, or to its own end: the answer may get lost, or
 * the device lose what it was answered.
 */
export function createPresentedRenewal(
  { store, clock, profiles, issuers }: CredentialIssuerParts,
  issuer: CredentialIssuer,
): (deviceId: string, request: RenewRequest, options?: IoOptions) => Promise<DeviceCredential> {
  /** What a lost reply held: a certificate for the same key that has taken the place of the presented one, and is good. */
  const answeredBefore = async (
    presented: CertificateRecord,
    head: CertificateRecord,
    publicKeyHash: Uint8Array,
    now: Date,
    options?: IoOptions,
  ): Promise<Omit<DeviceCredential, 'deviceId'> | undefined> => {
    if (head === presented || Buffer.compare(head.publicKeyHash, publicKeyHash) !== 0) return undefined
    return statusAt(head, now) === 'active' ? issuer.credentialOf(head, options) : undefined
  }

  return async (deviceId, request, options) => {
    const { csr, graceSeconds = 0, validitySeconds } = request
    if (csr === undefined) throw new TypeError('csr: expected with presented, for the key has to stay on the device')
    if (request.overlapSeconds !== undefined) throw new TypeError('overlapSeconds: not to be given with presented')
    checkedOverlap(graceSeconds, 'graceSeconds')
    const fingerprint = parseFingerprint(request.presented!)
    const asked =
      request.subjectAltName === undefined ? undefined : subjectNames(request.subjectAltName, { wildcards: false })

    const now = await checkedNow(store, clock, options)
    const presented = await ownCertificate(store, deviceId, fingerprint, options)
    // What nothing but the revocation of its CA stands against is judged by its own record.
    const ending = issuers.current.endingOf(presented.id.issuerKeyId)
    const own = asRecorded(presented)
    const status = statusAt(isRenewable(own, now, ending) ? own : presented, now)
    const graceEnd = presented.notAfter.getTime() + (graceSeconds + 1) * 1000
    const isExpired = status === 'expired' && now.getTime() < graceEnd
    if (status !== 'active' && !isExpired) throw new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId, status })
    const head = await renewalHead(store, deviceId, presented, isExpired, options)
    if (asRecorded(head).revocation !== undefined)
      throw new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId, status: 'held' })

    const ownProfile = head.state === 'issued' ? head.profile : undefined
    const profile = profiles.device(head.role === 'service' ? 'service' : 'device', request.profile ?? ownProfile)
    const key = await issuer.key(csr, profile)
    const publicKeyHash = hash('sha256', key.subjectPublicKeyInfo, 'buffer')
    const answered = await answeredBefore(presented, head, publicKeyHash, now, options)
    if (answered !== undefined) return { deviceId, ...answered }
    const recent = await checkRenewalLimit(store, deviceId, lifetimeSeconds(profile, validitySeconds), now, options)

    const wish: Wish = {
      ...deviceNames(profile, deviceId, asked ?? addedNames(head)),
      deviceId,
      ...(head.owner !== undefined && { owner: head.owner }),
      ...(head.attributes !== undefined && { attributes: head.attributes }),
      // Confirming it brings that forward; until then nobody knows that the device has it.
      expect: { supersedes: head.fingerprint!, at: endlessNotAfter },
      eventType: 'renewed',
    }
    try {
      const credential = await issuer.issue(profile, wish, key, validitySeconds, options)
      // Whoever renews with a certificate uses it, and confirms it so. What is issued is answered, whatever becomes of that.
      if (!isExpired && mayEndOlder(recent, presented, now)) {
        await supersedeOlder(store, presented, clock(), options).catch(() => {})
      }
      return { deviceId, ...credential }
    } catch (error) {
      if (!isPkiError(error, 'ERR_PKI_RENEWAL_BUSY')) throw error
      // Another request of this device was faster: perhaps the same one, sent again.
      const again = await ownCertificate(store, deviceId, fingerprint, options)
      const newest = await renewalHead(store, deviceId, again, isExpired, options)
      const theirs = await answeredBefore(again, newest, publicKeyHash, clock(), options)
      if (theirs !== undefined) return { deviceId, ...theirs }
      throw new PkiError('ERR_PKI_RENEWAL_BUSY', { deviceId, retryAfterSeconds: busySeconds })
    }
  }
}

/** Whether there may be older certificates that wait for a confirmation, by the newest ones of the device. */
function mayEndOlder(newest: Page<CertificateRecord>, presented: CertificateRecord, now: Date): boolean {
  // Behind what the device has besides, there may be any.
  if (newest.next !== undefined) return true
  const index = newest.items.findIndex(record => isSameCertificate(record, presented))
  return newest.items.slice(index + 1).some(({ supersededAt }) => supersededAt !== undefined && supersededAt > now)
}
