import { isPkiError, type PkiError } from '@fleetcert/x509'
import { connectDevice } from '../connect-device.ts'
import type { ConnectDeviceOptions } from '../connect-options.ts'
import type { DeviceIdentity } from '../device-identity.ts'
import { type Finding, finding } from './finding.ts'
import type { FindingCode } from './finding-table.ts'

const busyCodes: readonly (number | undefined)[] = [3, 0x88, 0x89, 0x96, 0x97, 0x9f]

/** Connects as the device does, with all checks, and says DISCONNECT at once. */
export async function probeMqtt(
  url: string,
  identity: DeviceIdentity,
  options: Omit<ConnectDeviceOptions, 'identity'>,
): Promise<Finding[]> {
  try {
    const device = await connectDevice(url, { ...options, identity, clean: false, reconnect: false })
    await device.close()
  } catch (error) {
    if (!isPkiError(error)) throw error
    return [explain(error)]
  }
  return [
    finding('CLIENT_ACCEPTED', "The server does not object to the device's certificate."),
    finding('MQTT_OK', 'The broker lets the device in.'),
  ]
}

const byCode: Partial<Record<PkiError['code'], FindingCode>> = {
  ERR_PKI_CLIENT_UNTRUSTED: 'CLIENT_UNTRUSTED',
  ERR_PKI_CLIENT_EXPIRED: 'CLIENT_EXPIRED',
  ERR_PKI_CLIENT_REVOKED: 'CLIENT_REVOKED',
  ERR_PKI_CLIENT_REQUIRED: 'CLIENT_REQUIRED',
  ERR_PKI_SERVER_UNTRUSTED: 'SERVER_REFUSED',
  ERR_PKI_SERVER_EXPIRED: 'SERVER_EXPIRED',
  ERR_PKI_SERVER_NOT_YET_VALID: 'SERVER_NOT_YET_VALID',
  ERR_PKI_SERVER_NAME: 'SERVER_NAME',
  ERR_PKI_IDENTITY: 'IDENTITY_UNUSABLE',
}

/** The finding that an error of `connectDevice` amounts to. */
export function explain(error: PkiError): Finding {
  const code = byCode[error.code] ?? unnamed(error)
  return finding(code, error.message)
}

function unnamed(error: PkiError): FindingCode {
  if (isPkiError(error, 'ERR_PKI_BROKER_REFUSED')) {
    const { reasonCode, reason } = error.details
    if (busyCodes.includes(reasonCode)) return 'MQTT_BUSY'
    return reasonCode === undefined && reason.includes('may not accept') ? 'CLIENT_MAYBE_REFUSED' : 'MQTT_REFUSED'
  }
  const { reason = '' } = error.details as { readonly reason?: string }
  if (isPkiError(error, 'ERR_PKI_TLS')) {
    return /may not accept|client certificate was wanted/.test(reason) ? 'CLIENT_MAYBE_REFUSED' : 'TLS_FAILED'
  }
  return /no answer/.test(reason) ? 'MQTT_NO_ANSWER' : 'MQTT_NOT_SPOKEN'
}
