import { type CertificationRequest, encodePem, isPkiError, PkiError, parseCertificate } from '@fleetcert/core'
import type { DeviceServices } from './device-services.ts'
import type { FactoryGrant } from './factory-enrollment.ts'
import { factoryGrant } from './factory-grant.ts'

const tokenSeconds = 120

/**
 * The first certificate, PEM, of a device that shows a factory certificate. It is made by a token that lives for this request alone: whatever revokes the device meanwhile voids the token, so that no revocation is
 * undone by whoever has the device in his hands. Asked again with the same key, after a lost answer, the same certificate is answered.
 *
 * @throws PkiError `ERR_PKI_CLIENT_UNTRUSTED`, `ERR_PKI_CLIENT_REVOKED` for a device that was revoked or is on hold, `ERR_PKI_DEVICE_EXISTS` for one that has a certificate, and as `fleet.enroll`
 */
export async function enrollByFactory(
  services: Pick<DeviceServices, 'fleet' | 'clock' | 'settings'>,
  csr: CertificationRequest,
  caller: {
    readonly peerCertificates: readonly Uint8Array[]
    readonly label: string | undefined
    readonly report: (error: unknown) => void
  },
): Promise<string> {
  const grant = await factoryGrant(services, caller.peerCertificates, caller.label, caller.report)
  try {
    return await enrollAs(services.fleet, grant, csr)
  } catch (error) {
    // Ids and profiles are the operator's word, not the device's, which could not mend them.
    if (isPkiError(error, 'ERR_PKI_DEVICE_ID') || isPkiError(error, 'ERR_PKI_PROFILE')) caller.report(error)
    throw error
  }
}

async function enrollAs(
  fleet: DeviceServices['fleet'],
  grant: FactoryGrant,
  csr: CertificationRequest,
): Promise<string> {
  const { deviceId } = grant
  const issued = await issuedBefore(fleet, deviceId, csr)
  if (issued !== undefined) return issued
  try {
    const { token } = await fleet.createToken({ ...grant, expiresInSeconds: tokenSeconds })
    // Looked at behind the token: a revocation that this does not see comes after the token, and voids it.
    await issuedBefore(fleet, deviceId, csr)
    return (await fleet.enroll(deviceId, { csr: csr.der, token })).certificate
  } catch (error) {
    // Another request for the same device was quicker; the same device's, if it has the same key.
    const others = isPkiError(error, 'ERR_PKI_DEVICE_EXISTS') ? await issuedBefore(fleet, deviceId, csr) : undefined
    if (others === undefined) throw error
    return others
  }
}

/** What the device has already for the key of the request, PEM. */
async function issuedBefore(
  fleet: DeviceServices['fleet'],
  deviceId: string,
  { subjectPublicKeyInfo }: CertificationRequest,
): Promise<string | undefined> {
  const device = await fleet.device(deviceId)
  if (device === undefined) return undefined
  if (device.status === 'revoked' || device.status === 'held') throw new PkiError('ERR_PKI_CLIENT_REVOKED', {})
  const { fingerprint } = device
  const found = await fleet.identify({ fingerprint }, { withDer: true })
  if (found.status !== 'active' || found.certificate.der === undefined) return undefined
  const certificate = parseCertificate(found.certificate.der)
  if (Buffer.compare(certificate.subjectPublicKeyInfo, subjectPublicKeyInfo) !== 0) {
    throw new PkiError('ERR_PKI_DEVICE_EXISTS', { deviceId })
  }
  return encodePem('CERTIFICATE', certificate.der)
}
