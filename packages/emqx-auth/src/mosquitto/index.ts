export type { RoleTopics, TopicSubject, TopicTemplates } from '../topics/topic-templates.ts'
export { type MosquittoAclOptions, mosquittoAcl } from './mosquitto-acl.ts'
export { type MosquittoConfigOptions, mosquittoConfig } from './mosquitto-config.ts'
