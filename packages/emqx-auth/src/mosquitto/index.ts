export { type MosquittoAclOptions, mosquittoAcl } from './mosquitto-acl.ts'
export { type MosquittoConfigOptions, mosquittoConfig } from './mosquitto-config.ts'
