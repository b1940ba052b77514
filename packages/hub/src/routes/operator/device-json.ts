import type { DeviceRecord } from '@fleetcert/core'

/** A device as the API shows it. Dates become ISO 8601 in JSON. */
export function deviceJson(device: DeviceRecord): object {
  return {
    id: device.deviceId,
    role: device.role,
    ...(device.owner === undefined ? {} : { owner: device.owner }),
    status: device.status,
    isValid: device.status === 'active',
    fingerprint: device.fingerprint,
    serialNumber: device.serialNumber,
    createdAt: device.createdAt,
    notBefore: device.notBefore,
    notAfter: device.notAfter,
    ...(device.revokedAt === undefined ? {} : { revokedAt: device.revokedAt }),
    ...(device.reason === undefined ? {} : { reason: device.reason }),
  }
}
