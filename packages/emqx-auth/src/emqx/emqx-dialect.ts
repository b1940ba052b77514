import type { ConnectDecision } from '../broker-auth.ts'
import type { EmqxAnswer } from './emqx-answer.ts'
import { emqx4Deny, emqx4Voice } from './emqx4-voice.ts'
import { emqx5Voice } from './emqx5-voice.ts'

/**
 * What an answer means. `emqx4`: EMQX 4.x, which goes by the status. `emqx5`: EMQX 5.0.1 and later and 6.x, which go by the body of a 200 and take every other status for "ask the next".
 * EMQX 5.0.0 lets in on any 200 and can be told by nobody: do not use it.
 */
export type EmqxDialect = 'emqx4' | 'emqx5'

/** How a dialect says yes and no. */
export interface EmqxVoice {
  readonly allowConnect: (decision: Extract<ConnectDecision, { result: 'allow' }>) => EmqxAnswer
  readonly allowTopic: EmqxAnswer
  readonly deny: EmqxAnswer
  /** The answer to a request that was made for the other dialect. */
  readonly denyMixedUp: EmqxAnswer
}

/**
 * No answer is a hard deny in both dialects: EMQX 4 lets in on every 200 whose body is not `ignore`, EMQX 5 denies on no other status. Status 403 comes next: to EMQX 4 it is a deny, and to EMQX 5 it is no allow:
 * with nobody else to ask the client is refused, and a hardened EMQX refuses it at once.
 */
const denyInBoth = emqx4Deny

const voices: Readonly<Record<EmqxDialect, EmqxVoice>> = {
  emqx4: { ...emqx4Voice, denyMixedUp: denyInBoth },
  emqx5: { ...emqx5Voice, denyMixedUp: denyInBoth },
}

/** @throws TypeError */
export function voiceOf(dialect: EmqxDialect): EmqxVoice {
  const voice = Object.hasOwn(voices, dialect) ? voices[dialect] : undefined
  if (voice === undefined) throw new TypeError('"dialect" must be "emqx4" or "emqx5"')
  return voice
}
