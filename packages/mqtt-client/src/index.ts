export {
  type ConnectionErrorContext,
  type ConnectionStage,
  classifyConnectionError,
} from './classify-connection-error.ts'
export { connectDevice } from './connect-device.ts'
export type { ConnectDeviceOptions, DeviceWill, ReconnectOptions } from './connect-options.ts'
export type {
  ClosedEvent,
  ConnectedEvent,
  DeviceConnection,
  DeviceEvents,
  ReconnectingEvent,
} from './device-connection.ts'
export type { DeviceCredentialText, DeviceIdentity } from './device-identity.ts'
export { fileIdentity } from './file-identity.ts'
export { type PathIdentityOptions, pathIdentity } from './path-identity.ts'
export { type PemIdentityOptions, pemIdentity } from './pem-identity.ts'
