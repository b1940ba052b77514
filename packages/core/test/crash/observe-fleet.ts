import {
  type CertificateId,
  type DeviceCredential,
  decodePem,
  type Fleet,
  parseCrl,
  type ServerCredential,
  type Store,
} from '@fleetcert/core'
import { answeredCrl, idKey, type Observations } from './observations.ts'

/**
 * A fleet that notes whatever its callers get, and judges on the spot what cannot be judged later: that a certificate is recorded at the moment it is returned, that a CRL lists
 * what was answered as revoked before it was asked for, and that nobody is let in who was revoked before. `store` is the real one, without faults.
 */
export function observeFleet(fleet: Fleet, store: Store, observations: Observations): Fleet {
  const { violations } = observations

  const returned = async <T extends Omit<DeviceCredential, 'deviceId'> | ServerCredential>(
    credential: T,
    deviceId?: string,
  ): Promise<T> => {
    const [block] = decodePem(credential.certificate)
    const der = block!.der
    const id: CertificateId = { issuerKeyId: credential.issuerKeyId, serialNumber: credential.serialNumber }
    observations.returned.push({ id, der, ...(deviceId === undefined ? {} : { deviceId }) })
    const record = await store.certificate(id)
    if (record?.der === undefined || Buffer.compare(record.der, der) !== 0) {
      violations.push(`${id.serialNumber} was returned and is not recorded`)
    }
    return credential
  }

  /** What was answered as revoked so far, and stays so. */
  const revokedBefore = (): ReadonlySet<string> => {
    const lasting = observations.revocations.filter(
      ({ reason }) => reason !== 'certificateHold' || observations.releases === 0,
    )
    return new Set(lasting.flatMap(({ certificates }) => certificates.map(idKey)))
  }
  /** Of what was revoked before, and is so yet: a hold may have been lifted meanwhile. */
  const stillRevoked = (before: ReadonlySet<string>): ReadonlySet<string> => {
    const now = revokedBefore()
    return new Set([...before].filter(key => now.has(key)))
  }

  const changes: Partial<Fleet> = {
    async enroll(deviceId, request, options) {
      observations.deviceIds.add(deviceId)
      return returned(await fleet.enroll(deviceId, request, options), deviceId)
    },
    async renew(deviceId, request, options) {
      observations.deviceIds.add(deviceId)
      return returned(await fleet.renew(deviceId, request, options), deviceId)
    },
    async issueServer(request, options) {
      return returned(await fleet.issueServer(request, options))
    },
    async revoke(target, request, options) {
      const result = await fleet.revoke(target, request, options)
      const { certificates, revocationDate, reason } = result
      observations.revocations.push({
        ...(typeof target === 'string' ? { deviceId: target } : {}),
        certificates,
        revocationDate,
        reason,
      })
      return result
    },
    async release(target, options) {
      observations.releases += 1
      return fleet.release(target, options)
    },
    async crl(request, options) {
      const revoked = revokedBefore()
      const before = [...observations.crls]
      const crl = await fleet.crl(request, options)
      const answered = answeredCrl(crl)
      observations.crls.push(answered)
      for (const { scope, crlNumber } of before) {
        if (scope === answered.scope && crlNumber > crl.crlNumber) {
          violations.push(`CRL ${crl.crlNumber} was returned to one who asked after CRL ${crlNumber} had been returned`)
        }
      }
      const listed = new Set(parseCrl(crl.der).entries.map(({ serialNumber }) => `${crl.issuerKeyId}.${serialNumber}`))
      for (const key of stillRevoked(revoked)) {
        if (key.startsWith(`${crl.issuerKeyId}.`) && !listed.has(key)) {
          violations.push(`CRL ${crl.crlNumber} was asked for after the revocation of ${key}, and does not list it`)
        }
      }
      return crl
    },
    async identify(evidence, options) {
      const revoked = revokedBefore()
      const identification = await fleet.identify(evidence, options)
      if (identification.status === 'active' && stillRevoked(revoked).has(idKey(identification.certificate.id))) {
        violations.push(`${identification.certificate.id.serialNumber} was let in after its revocation was answered`)
      }
      return identification
    },
  }
  return Object.assign(Object.create(fleet) as Fleet, changes)
}
