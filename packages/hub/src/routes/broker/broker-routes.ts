import { isPkiError } from '@fleetcert/core'
import { type Denial, type EmqxAnswer, type EmqxResponder, formContentType } from '@fleetcert/emqx-auth'
import type { CheckCaller } from '../../caller/check-caller.ts'
import type { Answer, Exchange } from '../../exchange/exchange.ts'
import type { Route, RouteHandler } from '../../exchange/router.ts'
import { settleWithin } from '../../exchange/settle-within.ts'

// EMQX gives a question up after 5 s and keeps the socket: later questions on it wait behind the unanswered one. A deny in time is the better answer.
const deadlineMilliseconds = 4000

/** What the broker hooks are made of. */
export interface BrokerHooks {
  readonly responder: EmqxResponder
  readonly checkCaller: CheckCaller
  readonly report: (error: unknown, exchange: Exchange) => void
  readonly onDeny: (denial: Denial) => void
  /** Counts what is refused here, before anybody is asked. */
  readonly count: ((denial: Pick<Denial, 'action' | 'reason'>) => void) | undefined
}

/**
 * The hooks of EMQX's HTTP authenticator and authorizer. Whatever is not an allow is answered as the dialect denies. In `emqx5` that is `200 {"result":"deny"}`: to EMQX 5 an error status means "ask the next one",
 * so a 401 here would be an open door wherever a more permissive authenticator comes behind. In `emqx4`, and to whoever was made for the other dialect, it is a 403.
 */
export function brokerRoutes(hooks: BrokerHooks): readonly Route[] {
  return [
    { group: 'broker', path: '/api/devices/certificates/validate', methods: hookHandler('authenticate', hooks) },
    { group: 'broker', path: '/api/devices/certificates/authorize', methods: hookHandler('authorize', hooks) },
  ]
}

function hookHandler(type: 'authenticate' | 'authorize', hooks: BrokerHooks): RouteHandler {
  const { responder, checkCaller, report, onDeny, count } = hooks
  const refuse = (reason: Denial['reason']): EmqxAnswer => {
    const denial = { reason, action: 'request' } as const
    count?.(denial)
    onDeny(denial)
    return responder.deny
  }
  const judge = (
    isCaller: boolean,
    contentType: string | undefined,
    body: Uint8Array,
  ): EmqxAnswer | Promise<EmqxAnswer> => {
    if (isCaller) return responder[type](contentType, body)
    refuse('callerRefused')
    return responder.denyFor(type, contentType, body)
  }
  const decide = async (
    exchange: Exchange,
    contentType: string | undefined,
    isCaller: boolean | Promise<boolean> | undefined,
  ): Promise<EmqxAnswer> => {
    const body = exchange.method === 'GET' ? Buffer.from(exchange.query) : await exchange.body()
    return judge(await (isCaller ?? checkCaller(exchange, { type })), contentType, body)
  }
  const answer = async (exchange: Exchange): Promise<EmqxAnswer> => {
    const isGet = exchange.method === 'GET'
    if (!isGet && exchange.method !== 'POST') return refuse('malformedRequest')
    const contentType = isGet ? formContentType : exchange.header('content-type')
    const body = isGet ? undefined : await exchange.arrived()
    // Where nothing has to be waited for, the responder's own deadline is enough.
    const isCaller = body === undefined ? undefined : checkCaller(exchange, { type })
    if (body !== undefined && typeof isCaller === 'boolean') return await judge(isCaller, contentType, body)
    return await settleWithin(deadlineMilliseconds, decide(exchange, contentType, isCaller), () =>
      refuse('deadlineExceeded'),
    )
  }
  return async exchange => {
    try {
      return answerOf(await answer(exchange))
    } catch (error) {
      // A body that is too large or ends early is the caller's doing; anything else is ours, and somebody should hear of it.
      if (!isPkiError(error)) report(error, exchange)
      return answerOf(refuse('malformedRequest'))
    }
  }
}

function answerOf(answer: EmqxAnswer): Answer {
  return {
    status: answer.status,
    headers: { 'content-type': answer.contentType, 'cache-control': 'no-store' },
    body: answer.body,
  }
}
