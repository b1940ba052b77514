import type { BrokerAuth } from '../broker-auth.ts'
import { deadlineOf, withinDeadline } from '../deadline.ts'
import type { EmqxResponderOptions } from './create-emqx-responder.ts'
import { conclude, decide, denyAsked, type EmqxQuestion, type Outcome, refuse, speechOf } from './emqx-outcome.ts'
import { formContentType, maximumBodyOctets } from './read-emqx-body.ts'

/** Whether the caller is the broker: by a secret header, by its address. Only `true` lets it in; anything else, or a throw, refuses. Must not read the body. */
export type CallerCheck = (request: Request) => boolean | Promise<boolean>

/** Options of {@link createEmqxHandler}. */
export interface EmqxHandlerOptions extends EmqxResponderOptions {
  /** Asked before anything is decided. */
  readonly authorizeCaller: CallerCheck
  /** Ends of the path that the authenticator and the authorizer ask. Default `/validate` and `/authorize`. */
  readonly routes?: { readonly authenticate: string; readonly authorize: string }
}

/**
 * EMQX's HTTP authenticator and authorizer as one Web-standard handler. Every request is answered within its deadline, and nothing but a proven permission with an allow: in `emqx5` with status 200 and a `result`,
 * in `emqx4` by the status, 200 or 403. A request that was made for the other dialect is answered 403 in both. POST with JSON or a form, and GET with a query.
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
  const speech = speechOf(options)
  const { voice } = speech
  if (typeof authorizeCaller !== 'function') throw new TypeError('"authorizeCaller" must be a function')
  const routes = checkRoutes(options.routes)
  const deadlineSeconds = deadlineOf(options.deadlineSeconds)
  const listeners = { onDeny: options.onDeny, count: auth.count?.bind(auth) }

  async function outcome(request: Request, signal: AbortSignal): Promise<Outcome> {
    const isCaller = await isAllowed(authorizeCaller, request)
    const url = new URL(request.url)
    const question = questions.find(name => url.pathname.endsWith(routes[name]))
    if (question === undefined) return refuse(voice, isCaller ? 'unknownRoute' : 'callerRefused')
    const sent = await readRequest(request, url, signal)
    if (sent === undefined) return refuse(voice, isCaller ? 'malformedRequest' : 'callerRefused')
    if (isCaller) return decide(auth, speech, { question, ...sent })
    return { ...refuse(voice, 'callerRefused'), answer: denyAsked(speech, { question, ...sent }) }
  }

  return async request => {
    const decided = await withinDeadline(
      deadlineSeconds,
      signal => outcome(request, signal),
      () => refuse(voice, 'deadlineExceeded'),
    ).catch(() => refuse(voice, 'malformedRequest'))
    const { status, contentType, body } = conclude(decided, listeners)
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

/** What a POST holds in its body, and a GET, which EMQX gives no content type, in its query. */
async function readRequest(
  request: Request,
  url: URL,
  signal: AbortSignal,
): Promise<{ readonly contentType: string | undefined; readonly body: Uint8Array } | undefined> {
  if (request.method === 'GET') return { contentType: formContentType, body: Buffer.from(url.search.slice(1)) }
  if (request.method !== 'POST') return undefined
  const body = await readBody(request, signal)
  return body && { contentType: request.headers.get('content-type') ?? undefined, body }
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
