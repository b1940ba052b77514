import type { BrokerAuth } from '../broker-auth.ts'
import { deadlineOf } from '../deadline.ts'
import type { Denial } from '../deny-reason.ts'
import { type EmqxAnswer, emqxDeny } from './emqx-answer.ts'
import { type EmqxBodyKeys, readEmqxBody, resolveBodyKeys } from './emqx-body.ts'
import { answerInTime, decide, type EmqxQuestion } from './emqx-outcome.ts'

/** Options of {@link createEmqxResponder}. */
export interface EmqxResponderOptions {
  /** What an answer means in EMQX 4 is the opposite of what it means in EMQX 5, so this must be said. `emqx4` is not there yet. */
  readonly dialect: 'emqx5'
  /** Other names for the keys of the body, as the broker's configuration has them. */
  readonly bodyKeys?: EmqxBodyKeys
  /** Answers by then, with a deny if it must. Default 4, less than the 5 s that EMQX waits: a request that is never answered blocks the others on its connection. */
  readonly deadlineSeconds?: number
  /** Hears of every refusal, with its reason. What it throws is ignored. */
  readonly onDeny?: (denial: Denial) => void
}

/** EMQX's HTTP authenticator and authorizer without the transport: for a server that reads requests itself. No method rejects. */
export interface EmqxResponder {
  /** Answers the authenticator. `contentType` is the header as it came, `body` what followed it. */
  authenticate(contentType: string | undefined, body: Uint8Array): Promise<EmqxAnswer>
  /** Answers the authorizer. */
  authorize(contentType: string | undefined, body: Uint8Array): Promise<EmqxAnswer>
  /** What everything else is answered: a caller that is refused, a body too large to read, an unknown address. */
  readonly deny: EmqxAnswer
}

/**
 * Speaks EMQX 5 (5.7 and later) for `auth`.
 *
 * @throws TypeError for a dialect or body key that does not exist; RangeError for the deadline
 */
export function createEmqxResponder(auth: BrokerAuth, options: EmqxResponderOptions): EmqxResponder {
  checkDialect(options.dialect)
  const names = resolveBodyKeys(options.bodyKeys)
  const limits = { deadlineSeconds: deadlineOf(options.deadlineSeconds), onDeny: options.onDeny }
  const answer =
    (question: EmqxQuestion) =>
    (contentType: string | undefined, body: Uint8Array): Promise<EmqxAnswer> =>
      answerInTime(limits, async () => decide(auth, question, readEmqxBody(contentType, body, names)))
  return { authenticate: answer('authenticate'), authorize: answer('authorize'), deny: emqxDeny }
}

/** @throws TypeError */
export function checkDialect(dialect: unknown): void {
  if (dialect === 'emqx5') return
  throw new TypeError(dialect === 'emqx4' ? '"dialect" emqx4 is not there yet' : '"dialect" must be "emqx5"')
}
