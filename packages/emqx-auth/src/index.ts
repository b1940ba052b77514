export {
  type BrokerAuth,
  type BrokerAuthOptions,
  type BrokerCounters,
  type ConnectDecision,
  type ConnectInput,
  type CountingBrokerAuth,
  createBrokerAuth,
  type TopicDecision,
  type TopicInput,
} from './broker-auth.ts'
export type { ActionCounters, CountedAction } from './decision-counters.ts'
export { type Denial, type DenyReason, denyReasonSentences } from './deny-reason.ts'
export type { SecretHeader } from './emqx/config/config-values.ts'
export type { EmqxCommonOptions, EmqxConfigOptions } from './emqx/config/emqx-config-options.ts'
export type { EmqxLine, EmqxVersion } from './emqx/config/emqx-version.ts'
export type { Emqx4Config, Emqx4ConfigOptions } from './emqx/config/emqx4-config.ts'
export { type CallerCheck, createEmqxHandler, type EmqxHandlerOptions } from './emqx/create-emqx-handler.ts'
export { createEmqxResponder, type EmqxResponder, type EmqxResponderOptions } from './emqx/create-emqx-responder.ts'
export type { EmqxAnswer } from './emqx/emqx-answer.ts'
export type { EmqxBodyKey, EmqxBodyKeys } from './emqx/emqx-body.ts'
export { emqxConfig } from './emqx/emqx-config.ts'
export type { EmqxDialect } from './emqx/emqx-dialect.ts'
export { createEmqxEnforcer, type EmqxEnforcerOptions } from './emqx/enforcer/emqx-enforcer.ts'
export {
  type EmqxFinding,
  type EmqxLintSeverity,
  type LintEmqxConfigOptions,
  lintEmqxConfig,
} from './emqx/lint/lint-emqx-config.ts'
export { formContentType } from './emqx/read-emqx-body.ts'
export { type HaproxyConfigOptions, haproxyConfig } from './haproxy/haproxy-config.ts'
export type { HaproxyHubs } from './haproxy/haproxy-hubs.ts'
export type { HaproxyServer } from './haproxy/haproxy-values.ts'
export type { Evidence } from './identify-evidence.ts'
export type { ClientIdBinding, IdentityBinding, UsernameBinding } from './identity-binding.ts'
export type { JustInTimeRegistration, Registration, RegistrationCandidate } from './just-in-time.ts'
export {
  createThingsBoardEnforcer,
  type ThingsBoardEnforcerOptions,
  thingsBoardCredentialId,
} from './thingsboard/thingsboard-enforcer.ts'
export type { AclRule, TopicAction } from './topics/acl-rule.ts'
export { filterCovers } from './topics/topic-filter.ts'
export type { RoleTopics, TopicSubject, TopicTemplates } from './topics/topic-templates.ts'
export { type BrokerTrustOptions, brokerTrustFile, type PinnedTrust } from './trust-file.ts'
