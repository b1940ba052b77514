import type { BrokerAuth, ConnectDecision, TopicInput } from '../broker-auth.ts'
import { type Denial, type DenyReason, report } from '../deny-reason.ts'
import type { EmqxAnswer } from './emqx-answer.ts'
import { type EmqxBody, type EmqxBodyNames, resolveBodyKeys } from './emqx-body.ts'
import { type EmqxDialect, type EmqxVoice, voiceOf } from './emqx-dialect.ts'
import { readEvidence } from './emqx-evidence.ts'
import { isForOtherDialect } from './other-dialect.ts'
import { readEmqxBody } from './read-emqx-body.ts'

type Decider = Pick<BrokerAuth, 'authenticate' | 'authorize'>

/** Which of EMQX's two questions. */
export type EmqxQuestion = 'authenticate' | 'authorize'

/** A question as it came. */
export interface EmqxRequest {
  readonly question: EmqxQuestion
  readonly contentType: string | undefined
  readonly body: Uint8Array
}

/** An answer, and why it is no allow. */
export interface Outcome {
  readonly answer: EmqxAnswer
  readonly denial?: Denial
  /** Whether a `BrokerAuth` refused, which counts for itself. */
  readonly isDecided?: boolean
}

/** A dialect with the names of its keys. */
export interface EmqxSpeech {
  readonly dialect: EmqxDialect
  readonly names: EmqxBodyNames
  readonly voice: EmqxVoice
}

/** @throws TypeError for a dialect or body key that does not exist */
export function speechOf(options: {
  readonly dialect: EmqxDialect
  readonly bodyKeys?: Parameters<typeof resolveBodyKeys>[0]
}): EmqxSpeech {
  const voice = voiceOf(options.dialect)
  return { dialect: options.dialect, voice, names: resolveBodyKeys(options.bodyKeys, options.dialect) }
}

/** Where refusals go. */
export interface OutcomeListeners {
  readonly onDeny: ((denial: Denial) => void) | undefined
  /** Counts what was refused without asking. */
  readonly count: ((denial: Denial) => void) | undefined
}

/** What is answered for an outcome. The one place where refusals are reported, so each once. */
export function conclude({ answer, denial, isDecided }: Outcome, { onDeny, count }: OutcomeListeners): EmqxAnswer {
  if (denial !== undefined) {
    if (isDecided !== true) count?.(denial)
    report(onDeny, denial)
  }
  return answer
}

/** A deny before it is known who asks what. */
export function refuse(
  voice: EmqxVoice,
  reason: DenyReason,
  context: Omit<Denial, 'reason'> = { action: 'request' },
): Outcome {
  return { answer: voice.deny, denial: { reason, ...context } }
}

/** A deny of whoever asks so, whatever is asked: in the dialect, unless the request was made for the other one. */
export function denyAsked({ dialect, names, voice }: EmqxSpeech, request: EmqxRequest): EmqxAnswer {
  const body = readEmqxBody(request.contentType, request.body, names, dialect)
  return body !== undefined && isForOtherDialect(body, request.question, dialect, names)
    ? voice.denyMixedUp
    : voice.deny
}

/** Decides over a question. */
export function decide(auth: Decider, speech: EmqxSpeech, request: EmqxRequest): Outcome | Promise<Outcome> {
  const { dialect, names, voice } = speech
  const { question } = request
  const action = question === 'authenticate' ? 'connect' : 'request'
  const body = readEmqxBody(request.contentType, request.body, names, dialect)
  if (body === undefined) return refuse(voice, 'malformedRequest', { action })
  if (isForOtherDialect(body, question, dialect, names)) {
    const { clientid } = body.fields
    return {
      answer: voice.denyMixedUp,
      denial: { reason: 'dialectMismatch', action, ...given({ clientId: clientid }) },
    }
  }
  return question === 'authenticate' ? decideConnect(auth, speech, body.fields) : decideTopic(auth, speech, body.fields)
}

async function decideConnect(auth: Decider, { dialect, voice }: EmqxSpeech, body: EmqxBody): Promise<Outcome> {
  const { clientid, username, peerhost, cert_common_name, cert_subject } = body
  const context: Omit<Denial, 'reason'> = { action: 'connect', ...given({ clientId: clientid, peerAddress: peerhost }) }
  if (clientid === undefined) return refuse(voice, 'malformedRequest', context)
  // EMQX 4 asks about no topic of a user whose name begins so, and what it does not ask about is up to `acl_nomatch`, whose default is `allow`.
  if (dialect === 'emqx4' && username?.startsWith('$') === true) return refuse(voice, 'usernameNotBound', context)
  const evidence = readEvidence(body, dialect)
  if ('refused' in evidence) return refuse(voice, evidence.refused, context)
  const { certificate } = evidence
  // Of names alone the subject is one: without it nobody could tell a certificate from a PROXY protocol header.
  if (
    certificate === undefined &&
    cert_common_name !== undefined &&
    cert_common_name !== '' &&
    cert_subject === undefined
  )
    return refuse(voice, 'malformedRequest', context)
  const decision: ConnectDecision = await auth.authenticate({
    clientId: clientid,
    ...given({ username, peerAddress: peerhost, commonName: cert_common_name, subject: cert_subject, certificate }),
  })
  if (decision.result === 'allow') return { answer: voice.allowConnect(decision) }
  return {
    ...refuse(voice, decision.reason, { ...context, ...given({ deviceId: decision.deviceId }) }),
    isDecided: true,
  }
}

async function decideTopic(auth: Decider, { dialect, voice }: EmqxSpeech, body: EmqxBody): Promise<Outcome> {
  const { clientid, username, cert_common_name, topic } = body
  const context = given({ clientId: clientid, deviceId: cert_common_name, topic })
  const action = readAction(body.action, dialect)
  if (action === undefined) return refuse(voice, 'malformedRequest', { action: 'request', ...context })
  const qos = readQos(body.qos)
  const retain = readRetain(body.retain)
  const isWhole = clientid !== undefined && topic !== undefined
  if (!isWhole || qos === 'malformed' || retain === 'malformed')
    return refuse(voice, 'malformedRequest', { action, ...context })
  const evidence = readEvidence(body, dialect)
  if ('refused' in evidence) return refuse(voice, evidence.refused, { action, ...context })
  const { certificate } = evidence
  if (certificate === undefined && cert_common_name === undefined)
    return refuse(voice, 'malformedRequest', { action, ...context })
  // EMQX 5 keeps no certificate after CONNECT and renders `${cert_pem}` empty here: its fingerprint, which we told it then, or the common name that it verified stands for it.
  const input: TopicInput = {
    clientId: clientid,
    action,
    topic,
    ...given({ username, qos, retain, deviceId: cert_common_name, certificate }),
  }
  const decision = await auth.authorize(input)
  return decision.result === 'allow'
    ? { answer: voice.allowTopic }
    : { ...refuse(voice, decision.reason, { action, ...context }), isDecided: true }
}

/** EMQX 4's `%A` is 1 for subscribe, 2 for publish. */
function readAction(text: string | undefined, dialect: EmqxDialect): 'publish' | 'subscribe' | undefined {
  if (dialect === 'emqx4') return text === '1' ? 'subscribe' : text === '2' ? 'publish' : undefined
  return text === 'publish' || text === 'subscribe' ? text : undefined
}

// An EMQX that does not know a placeholder sends it as it stands. These two decide nothing, so an older EMQX is not locked out by them.
function readQos(text: string | undefined): 0 | 1 | 2 | undefined | 'malformed' {
  if (text === undefined || text === '${qos}') return undefined
  return text === '0' ? 0 : text === '1' ? 1 : text === '2' ? 2 : 'malformed'
}

function readRetain(text: string | undefined): boolean | undefined | 'malformed' {
  if (text === undefined || text === '${retain}') return undefined
  return text === 'true' ? true : text === 'false' ? false : 'malformed'
}

/** The entries that have a value: an optional property is absent, never undefined. */
function given<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present: Record<string, unknown> = {}
  for (const key in entries) if (entries[key] !== undefined) present[key] = entries[key]
  return present as never
}
