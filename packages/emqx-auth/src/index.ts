export {
  type BrokerAuth,
  type BrokerAuthOptions,
  type ConnectDecision,
  type ConnectInput,
  createBrokerAuth,
  type TopicDecision,
  type TopicInput,
} from './broker-auth.ts'
export { type Denial, type DenyReason, denyReasonSentences } from './deny-reason.ts'
export { type CallerCheck, createEmqxHandler, type EmqxHandlerOptions } from './emqx/create-emqx-handler.ts'
export { createEmqxResponder, type EmqxResponder, type EmqxResponderOptions } from './emqx/create-emqx-responder.ts'
export type { EmqxAnswer } from './emqx/emqx-answer.ts'
export type { EmqxBodyKey, EmqxBodyKeys } from './emqx/emqx-body.ts'
export { type EmqxConfigOptions, emqxConfig } from './emqx/emqx-config.ts'
export type { Evidence } from './identify-evidence.ts'
export type { IdentityBinding } from './identity-binding.ts'
export type { AclRule, TopicAction } from './topics/acl-rule.ts'
export { filterCovers } from './topics/topic-filter.ts'
export type { RoleTopics, TopicSubject, TopicTemplates } from './topics/topic-templates.ts'
