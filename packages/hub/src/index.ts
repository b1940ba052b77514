export { anyOf } from './caller/any-of.ts'
export { bearerToken } from './caller/bearer-token.ts'
export { sharedSecret } from './caller/shared-secret.ts'
export { createHub } from './create-hub.ts'
export type { DeviceOptions, EstLabel } from './device/device-options.ts'
export type { FactoryCandidate, FactoryEnrollment, FactoryGrant } from './device/factory-enrollment.ts'
export { type DeviceTlsOptions, deviceTlsOptions } from './device-tls-options.ts'
export { createDrain } from './drain/create-drain.ts'
export type { Drain, DrainedRequest, DrainedResponse, DrainedServer, DrainOptions } from './drain/drain.ts'
export type { Hub, HubAction, HubActionType, HubAuthorize, HubContext, HubGroup, HubOptions } from './hub.ts'
export { type NodeHandler, toNodeHandler } from './to-node-handler.ts'
export {
  type DeviceTopics,
  type DeviceTopicsClient,
  type DeviceTopicsListener,
  type DeviceTopicsOptions,
  serveDeviceTopics,
} from './topics/serve-device-topics.ts'
