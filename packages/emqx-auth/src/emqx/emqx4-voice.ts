import type { EmqxAnswer } from './emqx-answer.ts'
import type { EmqxVoice } from './emqx-dialect.ts'

/** EMQX 4 goes by the status: 403 is "not authorized", for a CONNECT as for a topic. The body is there for an EMQX 5 that should not have asked. */
export const emqx4Deny: EmqxAnswer = Object.freeze({
  status: 403,
  contentType: 'application/json',
  body: '{"result":"deny"}',
})

// Any 200 whose body is not `ignore` lets in. No JSON: EMQX 4.4 looks for a mountpoint in it, and an EMQX 5 could take it for its own.
const allow: EmqxAnswer = Object.freeze({ status: 200, contentType: 'text/plain', body: 'allow' })

/** What EMQX 4 hears. It takes neither rules nor an end of the session from an answer: topics are asked about one by one, and a session ends when it is kicked. */
export const emqx4Voice: Omit<EmqxVoice, 'denyMixedUp'> = {
  allowConnect: () => allow,
  allowTopic: allow,
  deny: emqx4Deny,
}
