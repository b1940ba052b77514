import type { BrokerAuth } from '../broker-auth.ts'
import { createDeadline, deadlineOf } from '../deadline.ts'
import type { Denial } from '../deny-reason.ts'
import type { EmqxAnswer } from './emqx-answer.ts'
import type { EmqxBodyKeys } from './emqx-body.ts'
import type { EmqxDialect } from './emqx-dialect.ts'
import { conclude, decide, denyAsked, type EmqxQuestion, type Outcome, refuse, speechOf } from './emqx-outcome.ts'

/** Options of {@link createEmqxResponder}. */
export interface EmqxResponderOptions {
  /** Whom we answer. What an answer means in EMQX 4 is the opposite of what it means in EMQX 5, so this must be said. */
  readonly dialect: EmqxDialect
  /** Other names for the keys of the body, as the broker's configuration has them. */
  readonly bodyKeys?: EmqxBodyKeys
  /** Answers by then, with a deny if it must. Default 4, less than the 5 s that EMQX waits: a request that is never answered blocks the others on its connection. */
  readonly deadlineSeconds?: number
  /** Hears of every refusal, with its reason. What it throws is ignored. */
  readonly onDeny?: (denial: Denial) => void
}

/** EMQX's HTTP authenticator and authorizer without the transport: for a server that reads requests itself. No method rejects. */
export interface EmqxResponder {
  /** Answers the authenticator. `contentType` is the header as it came, `body` what followed it; of a GET, `formContentType` and the query. */
  authenticate(contentType: string | undefined, body: Uint8Array): Promise<EmqxAnswer>
  /** Answers the authorizer. */
  authorize(contentType: string | undefined, body: Uint8Array): Promise<EmqxAnswer>
  /** What everything else is answered: a body too large to read, an unknown address. */
  readonly deny: EmqxAnswer
  /** What a caller that is refused is answered, by what it sent: {@link EmqxResponder.deny}, or what both dialects understand for a request that was made for the other one. Nobody is asked, nothing is reported. */
  denyFor(question: 'authenticate' | 'authorize', contentType: string | undefined, body: Uint8Array): EmqxAnswer
}

/**
 * Speaks EMQX 4, or EMQX 5.0.1 and later and 6, for `auth`.
 *
 * @throws TypeError for a dialect or body key that does not exist; RangeError for the deadline
 */
export function createEmqxResponder(auth: BrokerAuth, options: EmqxResponderOptions): EmqxResponder {
  const speech = speechOf(options)
  const { voice } = speech
  const inTime = createDeadline(deadlineOf(options.deadlineSeconds))
  const listeners = { onDeny: options.onDeny, count: auth.count?.bind(auth) }
  const late = (): EmqxAnswer => conclude(refuse(voice, 'deadlineExceeded'), listeners)
  const decided = (outcome: Outcome): EmqxAnswer => conclude(outcome, listeners)
  const failed = (): EmqxAnswer => conclude(refuse(voice, 'malformedRequest'), listeners)
  const answer =
    (question: EmqxQuestion) =>
    (contentType: string | undefined, body: Uint8Array): Promise<EmqxAnswer> =>
      inTime(() => decide(auth, speech, { question, contentType, body }), { decided, failed, late })
  return {
    authenticate: answer('authenticate'),
    authorize: answer('authorize'),
    deny: voice.deny,
    denyFor: (question, contentType, body) => denyAsked(speech, { question, contentType, body }),
  }
}
