import type { BrokerAuth, TopicInput } from '../broker-auth.ts'
import { withinDeadline } from '../deadline.ts'
import { type Denial, type DenyReason, report } from '../deny-reason.ts'
import { readCertPem } from './cert-pem.ts'
import { type EmqxAnswer, emqxAllow, emqxConnectAnswer, emqxDeny } from './emqx-answer.ts'
import type { EmqxBody } from './emqx-body.ts'

/** An answer, and why it is no allow. */
export interface Outcome {
  readonly answer: EmqxAnswer
  readonly denial?: Denial
}

/** Which of EMQX's two questions. */
export type EmqxQuestion = 'authenticate' | 'authorize'

/** The answer of `work`, or a deny when it is late or fails. The one place where refusals are reported, so each once. */
export async function answerInTime(
  options: { readonly deadlineSeconds: number; readonly onDeny: ((denial: Denial) => void) | undefined },
  work: (signal: AbortSignal) => Promise<Outcome>,
): Promise<EmqxAnswer> {
  const outcome = await withinDeadline(options.deadlineSeconds, work, () => refuse('deadlineExceeded')).catch(() =>
    refuse('malformedRequest'),
  )
  if (outcome.denial !== undefined) report(options.onDeny, outcome.denial)
  return outcome.answer
}

/** A deny before it is known who asks what. */
export function refuse(reason: DenyReason, context: Omit<Denial, 'reason'> = { action: 'request' }): Outcome {
  return { answer: emqxDeny, denial: { reason, ...context } }
}

/** Decides over a body that was read; `undefined` for one that could not be. */
export function decide(auth: BrokerAuth, question: EmqxQuestion, body: EmqxBody | undefined): Promise<Outcome> {
  return question === 'authenticate' ? decideConnect(auth, body ?? {}) : decideTopic(auth, body ?? {})
}

async function decideConnect(auth: BrokerAuth, body: EmqxBody): Promise<Outcome> {
  const { clientid, username, peerhost, cert_pem, cert_common_name } = body
  const context: Omit<Denial, 'reason'> = { action: 'connect', ...given({ clientId: clientid, peerAddress: peerhost }) }
  if (clientid === undefined || cert_pem === undefined) return refuse('malformedRequest', context)
  const certificate = readCertPem(cert_pem)
  if (certificate === 'unparsable') return refuse('certificateUnparsable', context)
  const decision = await auth.authenticate({
    clientId: clientid,
    ...given({ username, peerAddress: peerhost, commonName: cert_common_name }),
    ...(certificate === 'none' ? {} : { certificate }),
  })
  if (decision.result === 'allow') return { answer: emqxConnectAnswer(decision) }
  return refuse(decision.reason, { ...context, ...given({ deviceId: decision.deviceId }) })
}

async function decideTopic(auth: BrokerAuth, body: EmqxBody): Promise<Outcome> {
  const { clientid, username, cert_common_name, action, topic } = body
  const context = given({ clientId: clientid, deviceId: cert_common_name, topic })
  if (action !== 'publish' && action !== 'subscribe')
    return refuse('malformedRequest', { action: 'request', ...context })
  const qos = readQos(body.qos)
  const retain = readRetain(body.retain)
  const isWhole = clientid !== undefined && cert_common_name !== undefined && topic !== undefined
  if (!isWhole || qos === 'malformed' || retain === 'malformed')
    return refuse('malformedRequest', { action, ...context })
  // EMQX keeps no certificate after CONNECT and renders `${cert_pem}` empty here: the common name that it verified stands for it.
  const input: TopicInput = {
    clientId: clientid,
    deviceId: cert_common_name,
    action,
    topic,
    ...given({ username, qos, retain }),
  }
  const decision = await auth.authorize(input)
  return decision.result === 'allow' ? { answer: emqxAllow } : refuse(decision.reason, { action, ...context })
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
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as never
}
