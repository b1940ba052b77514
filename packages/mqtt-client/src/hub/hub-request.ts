import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { isPkiError, PkiError } from '@fleetcert/x509'
import { classifyConnectionError } from '../classify-connection-error.ts'
import { createAttempt } from '../connection-attempt.ts'
import type { TlsCredential } from '../read-credential.ts'
import { openTlsStream } from '../tls-stream.ts'
import type { HubAddress } from './hub-address.ts'
import { parseJson, readHubError } from './hub-answer.ts'
import { retryAfterSeconds } from './retry-after.ts'

const limitBytes = 256 * 1024

/** One request to a hub. */
export interface HubRequest {
  readonly method: 'GET' | 'POST'
  /** Behind the base path. */
  readonly path: string
  readonly credential: TlsCredential
  /** Sent as JSON. */
  readonly body?: object
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string
  /** For all of it: look-up, TLS, answer. */
  readonly deadlineSeconds: number
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal
}

/** An answer that means yes. */
export interface HubResponse {
  readonly json: unknown
  readonly retryAfterSeconds?: number
}

/**
 * Asks a hub over a TLS connection of its own. Nothing of the request is sent before the server's certificate and name have been checked; a redirect is not followed; the answer is at most 256 KiB of JSON, and all of it
 * is there in time or none is looked at.
 *
 * @throws PkiError `ERR_PKI_HUB_REFUSED` for any status but 200 and 201, `ERR_PKI_HUB_ANSWER`, `ERR_PKI_UNREACHABLE`, `ERR_PKI_TLS`, `ERR_PKI_SERVER_*`, `ERR_PKI_CLIENT_*`
 */
export async function hubRequest(address: HubAddress, asked: HubRequest): Promise<HubResponse> {
  asked.signal?.throwIfAborted()
  const attempt = createAttempt()
  const socket = openTlsStream(address, address.host, asked.credential, attempt)
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    socket.destroy(new Error('deadline'))
  }, asked.deadlineSeconds * 1000)
  const onAbort = (): void => void socket.destroy(new Error('aborted'))
  asked.signal?.addEventListener('abort', onAbort)
  try {
    await secured(socket)
    const response = await respond(address, asked, socket)
    return readResponse(response.message, await readBody(response.message), asked.token)
  } catch (error) {
    if (isPkiError(error)) throw error
    asked.signal?.throwIfAborted()
    const where = { host: address.host, port: address.port }
    if (isLate) throw new PkiError('ERR_PKI_UNREACHABLE', { ...where, reason: 'no whole answer in time' })
    // An alert may come when the request is on its way (TLS 1.3), beside the error of the request.
    const verdicts = [...attempt.errors, error].map(seen =>
      classifyConnectionError(seen, {
        ...where,
        stage: attempt.stage === 'connack' ? 'session' : attempt.stage,
        answered: attempt.answered,
        certificate: asked.credential,
      }),
    )
    throw verdicts.find(({ code }) => code !== 'ERR_PKI_UNREACHABLE') ?? verdicts[0]
  } finally {
    clearTimeout(deadline)
    asked.signal?.removeEventListener('abort', onAbort)
    socket.destroy()
  }
}

function secured(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(closed()))
  })
}

function closed(): Error {
  return Object.assign(new Error('closed'), { code: 'ECONNRESET' })
}

function respond(
  { host, port, basePath }: HubAddress,
  { method, path, body, token }: HubRequest,
  socket: TLSSocket,
): Promise<{ readonly message: IncomingMessage }> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = request({
      method,
      host,
      port,
      path: `${basePath}${path}`,
      headers: {
        accept: 'application/json',
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      createConnection: () => socket,
    })
    sent.once('response', message => resolve({ message }))
    // RFC 9110 section 15.2.2: a change of protocol, which nobody has asked for. Node tells of no response then, and without a listener of nothing at all.
    sent.once('upgrade', ({ statusCode: status = 101 }) => {
      reject(new PkiError('ERR_PKI_HUB_REFUSED', { status, reason: `HTTP status ${status}` }))
    })
    // There may be several.
    sent.on('error', reject)
    // Whatever else node makes of an answer: nobody waits for a connection that is over.
    socket.once('close', () => reject(closed()))
    sent.end(text)
  })
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limitBytes) throw unusable(`it is longer than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readResponse({ statusCode: status = 0, headers }: IncomingMessage, text: string, token?: string): HubResponse {
  const waitSeconds = retryAfterSeconds(headers['retry-after'], new Date())
  const wait = waitSeconds === undefined ? {} : { retryAfterSeconds: waitSeconds }
  const isJson = /^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')
  const isPlain = (headers['content-encoding'] ?? 'identity') === 'identity'
  if (status === 200 || status === 201) {
    if (!isJson || !isPlain) throw unusable('it is not JSON')
    return { json: parseJson(text), ...wait }
  }
  const said = isJson && isPlain ? readHubError(jsonOrNothing(text), token) : {}
  const redirected = status >= 300 && status < 400 ? 'a redirect, which is not followed' : undefined
  const reason = redirected ?? said.reason ?? `HTTP status ${status}`
  throw new PkiError('ERR_PKI_HUB_REFUSED', { status, ...(said.code && { code: said.code }), ...wait, reason })
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unusable(reason: string): PkiError<'ERR_PKI_HUB_ANSWER'> {
  return new PkiError('ERR_PKI_HUB_ANSWER', { reason })
}
