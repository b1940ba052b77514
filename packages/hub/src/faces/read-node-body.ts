import type { IncomingMessage } from 'node:http'
import { PkiError } from '@fleetcert/core'
import { bodyLimitBytes } from '../exchange/exchange.ts'
import { malformed } from '../exchange/fields.ts'

/** What body parsers leave on a request: the parsed body, and with some of them the bytes. */
type Parsed = { readonly body?: unknown; readonly rawBody?: unknown }

/**
 * The body of a node:http request; also when a body parser has read the stream before: its bytes are taken, or what it parsed is written out again.
 * @throws PkiError `ERR_PKI_TOO_LARGE`, `ERR_PKI_REQUEST`; TypeError when somebody has read the body and kept nothing of it
 */
export async function readNodeBody(request: IncomingMessage): Promise<Uint8Array> {
  if (isRead(request)) {
    if (announcedLength(request) > bodyLimitBytes) throw tooLarge()
    const body = parsedBody(request)
    if (body.length > bodyLimitBytes) throw tooLarge()
    return body
  }
  return (await arrivedBody(request)) ?? readStream(request)
}

/**
 * The body if it came along with the head and nobody has read of it. node announces a request when it has its head; a short body is in the same packet and is there a moment later: then nothing needs to be
 * listened for.
 */
export function arrivedBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    behindThisTurn(() => {
      const { complete, readableLength } = request
      const isThere = complete && readableLength > 0 && readableLength <= bodyLimitBytes && !isRead(request)
      const isOctets = isThere && request.readableEncoding === null
      resolve(isOctets ? ((request.read() as Uint8Array | null) ?? undefined) : undefined)
    }, reject)
  })
}

let waiting: { readonly run: () => void; readonly fail: (error: unknown) => void }[] = []

/** One setImmediate for all requests of a turn: a broker sends a hundred in one packet. */
function behindThisTurn(run: () => void, fail: (error: unknown) => void): void {
  if (waiting.push({ run, fail }) > 1) return
  setImmediate(() => {
    const due = waiting
    waiting = []
    for (const next of due) {
      try {
        next.run()
      } catch (error) {
        // The others are not to wait for ever.
        next.fail(error)
      }
    }
  })
}

/** Whether somebody has read of the stream before. */
export function isRead(request: IncomingMessage): boolean {
  return request.readableDidRead || request.readableEnded
}

function parsedBody(request: IncomingMessage & Parsed): Uint8Array {
  const { body, rawBody } = request
  for (const value of [rawBody, body]) {
    if (value instanceof Uint8Array) return value
    if (typeof value === 'string') return Buffer.from(value)
  }
  const hasBody = announcedLength(request) > 0 || request.headers['transfer-encoding'] !== undefined
  if (!hasBody) return new Uint8Array()
  if (body === undefined) {
    throw new TypeError('the body was read before the hub: mount the hub before body parsers, or set request.rawBody')
  }
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) {
    return Buffer.from(JSON.stringify(body))
  }
  const entries = Object.entries(body as object)
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw malformed('a form field is given twice')
  }
  return Buffer.from(new URLSearchParams(entries).toString())
}

function readStream(request: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (announcedLength(request) > bodyLimitBytes) return reject(tooLarge())
    // Gone before anybody listened.
    if (request.destroyed) return reject(malformed('the body ended early'))
    const parts: Buffer[] = []
    let length = 0
    request.on('data', (part: Buffer) => {
      length += part.length
      // The rest is still drained, so that the answer arrives and the connection stays in step; the server's requestTimeout bounds that.
      if (length <= bodyLimitBytes) parts.push(part)
      else reject(tooLarge())
    })
    request.on('end', () => resolve(Buffer.concat(parts)))
    request.on('error', () => reject(malformed('the body ended early')))
    request.on('close', () => {
      if (!request.readableEnded) reject(malformed('the body ended early'))
    })
  })
}

function announcedLength(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0)
}

function tooLarge(): PkiError<'ERR_PKI_TOO_LARGE'> {
  return new PkiError('ERR_PKI_TOO_LARGE', { limitBytes: bodyLimitBytes })
}
