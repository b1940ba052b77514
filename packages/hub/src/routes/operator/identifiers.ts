import { isDeviceId, PkiError } from '@fleetcert/core'
import { type Field, malformed, text } from '../../exchange/fields.ts'

/** A device id in its legal form. */
export const deviceId: Field<string> = value => {
  if (!isDeviceId(value)) throw new PkiError('ERR_PKI_DEVICE_ID', { field: 'deviceId' })
  return value
}

/** An owner in its legal form, which is that of a device id: it becomes a part of topics, so `+` would be topic injection. */
export const owner: Field<string> = (value, name) => {
  if (!isDeviceId(text(value, name))) throw new PkiError('ERR_PKI_DEVICE_ID', { field: 'owner' })
  return value as string
}

/** PEM of a certification request; what is in it is read by the fleet. */
export const csr: Field<string> = (value, name) => {
  const pem = text(value, name)
  if (pem === '') throw malformed(`${name}: expected PEM`)
  return pem
}
