export type {
  AedesAuthenticateError,
  AedesBroker,
  AedesClient,
  AedesConnection,
  AedesConnectPacket,
  AedesPublishPacket,
  AedesSubscription,
} from './aedes-broker.ts'
export { type AedesEnforcer, type AttachAedesOptions, attachAedes } from './attach-aedes.ts'
