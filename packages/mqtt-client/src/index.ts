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
export type { DeviceCredentialPkcs12, DeviceCredentialText, DeviceIdentity } from './device-identity.ts'
export type { CertificateFacts } from './diagnose/certificate-facts.ts'
export { type DiagnoseOptions, type Diagnosis, diagnose, type ServerFacts } from './diagnose/diagnose.ts'
export type { Finding, FindingLevel, FindingStep } from './diagnose/finding.ts'
export type { FindingCode } from './diagnose/finding-table.ts'
export { formatDiagnosis } from './diagnose/format-diagnosis.ts'
export { type FileIdentityOptions, fileIdentity } from './file-identity.ts'
export type { EnrolmentOptions } from './identity/enrol-identity.ts'
export type {
  IdentityState,
  IdentityStorage,
  LoadedState,
  PendingCredential,
  StoredCredential,
} from './identity/identity-state.ts'
export { type MemoryIdentityOptions, memoryIdentity } from './identity/memory-identity.ts'
export { type Pkcs12IdentityOptions, pkcs12Identity } from './identity/pkcs12-identity.ts'
export { type RenewableIdentity, type StoredIdentityOptions, storedIdentity } from './identity/renewable-identity.ts'
export { type PathIdentityOptions, pathIdentity } from './path-identity.ts'
export { type PemIdentityOptions, pemIdentity } from './pem-identity.ts'
export type {
  ExpiringEvent,
  RenewalEvents,
  RenewalFailedEvent,
  RenewedEvent,
  RenewingEvent,
  TrustUpdatedEvent,
} from './renewal/renewal-events.ts'
export type { HubRenewalOptions, MqttRenewalOptions, RenewalOptions } from './renewal/renewal-options.ts'
export {
  type DeviceTelemetry,
  openTelemetry,
  type PublishTelemetryOptions,
  type TelemetryOptions,
} from './telemetry/open-telemetry.ts'
export type { ReadRpc, RpcErrorCode, RpcOutcome, RpcRequest } from './telemetry/rpc-message.ts'
export type { RpcEvent, RpcMethod } from './telemetry/rpc-responder.ts'
export { type TelemetryProfile, type TelemetryProfileOptions, telemetryProfile } from './telemetry/telemetry-profile.ts'
