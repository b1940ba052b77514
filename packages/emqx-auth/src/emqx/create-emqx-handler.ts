import type { BrokerAuth } from '../broker-auth.ts'
import { deadlineOf } from '../deadline.ts'
import { checkDialect, type EmqxResponderOptions } from './create-emqx-responder.ts'
import { maximumBodyOctets, readEmqxBody, resolveBodyKeys } from './emqx-body.ts'
import { answerInTime, decide, type EmqxQuestion, type Outcome, refuse } from './emqx-outcome.ts'

/** Whether the caller is the broker: by a secret header, by its address. Only `true` lets it in; anything else, or a throw, refuses. Must not read the body. */
export type CallerCheck = (request: Request) => boolean | Promise<boolean>

/** Options of {@link createEmqxHandler}. */
export interface EmqxHandlerOptions extends EmqxResponderOptions {
  /** Asked first, before the body is read. */
  readonly authorizeCaller: CallerCheck
  /** Ends of the path that the authenticator and the authorizer post to. Default `/validate` and `/authorize`. */
  readonly routes?: { readonly authenticate: string; readonly authorize: string }
}

/**
 * EMQX's HTTP authenticator and authorizer as one Web-standard handler. Every request is answered with status 200, within its deadline, and nothing but a proven permission with an allow.
 *
 * @throws TypeError for options that cannot work
 * @example
 * const handler = createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: request => request.headers.get('x-broker-secret') === secret })
 */
export function createEmqxHandler(
  auth: BrokerAuth,
  options: EmqxHandlerOptions,
): (request: Request) => Promise<Response> {
  const { authorizeCaller } = options
  checkDialect(options.dialect)
  if (typeof authorizeCaller !== 'function') throw new TypeError('"authorizeCaller" must be a function')
  const routes = checkRoutes(options.routes)
  const names = resolveBodyKeys(options.bodyKeys)
  const limits = { deadlineSeconds: deadlineOf(options.deadlineSeconds), onDeny: options.onDeny }

  async function outcome(request: Request, signal: AbortSignal): Promise<Outcome> {
    if (!(await isAllowed(authorizeCaller, request))) return refuse('callerRefused')
    const path = new URL(request.url).pathname
    const question = questions.find(name => path.endsWith(routes[name]))
    if (question === undefined) return refuse('unknownRoute')
    if (request.method !== 'POST') return refuse('malformedRequest')
    const body = await readBody(request, signal)
    if (body === undefined) return refuse('malformedRequest')
    return decide(auth, question, readEmqxBody(request.headers.get('content-type') ?? undefined, body, names))
  }

  return async request => {
    const { status, contentType, body } = await answerInTime(limits, signal => outcome(request, signal))
    return new Response(body, { status, headers: { 'content-type': contentType, 'cache-control': 'no-store' } })
  }
}

const questions: readonly EmqxQuestion[] = ['authenticate', 'authorize']

async function isAllowed(check: CallerCheck, request: Request): Promise<boolean> {
  try {
    return (await check(request)) === true
  } catch {
    return false
  }
}

/** The body, if it is no larger than it may be; never more of it than that is kept. */
async function readBody(request: Request, signal: AbortSignal): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > maximumBodyOctets) return undefined
  if (request.body === null) return new Uint8Array()
  const reader = request.body.getReader()
  const cancel = (): void => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  const parts: Uint8Array[] = []
  let octets = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    octets += value.length
    if (octets > maximumBodyOctets) {
      cancel()
      return undefined
    }
    parts.push(value)
  }
  return Buffer.concat(parts, octets)
}

function checkRoutes(routes: EmqxHandlerOptions['routes']): { authenticate: string; authorize: string } {
  const { authenticate, authorize } = routes ?? { authenticate: '/validate', authorize: '/authorize' }
  for (const [name, route] of Object.entries({ authenticate, authorize })) {
    if (typeof route !== 'string' || !/^\/[^?#]+$/.test(route)) {
      throw new TypeError(`"routes.${name}" must be the end of a path, beginning with /`)
    }
  }
  if (authenticate.endsWith(authorize) || authorize.endsWith(authenticate)) {
    throw new TypeError('"routes" must not end alike')
  }
  return { authenticate, authorize }
}
