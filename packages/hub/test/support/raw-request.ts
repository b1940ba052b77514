import { request } from 'node:http'
import type { CallOptions, Reply } from './test-hub.ts'
import { encode } from './test-hub.ts'

/** A request whose target goes over the wire as it is given: `fetch` would tidy it up. */
export function rawRequest(
  port: number,
  method: string,
  target: string,
  { headers = {}, body }: CallOptions = {},
): Promise<Reply> {
  const encoded = encode(headers, body)
  // node frames the body of a DELETE only when it is told how long it is.
  if (encoded.body !== undefined && encoded.headers['transfer-encoding'] === undefined) {
    encoded.headers['content-length'] = String(Buffer.byteLength(encoded.body))
  }
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', method, path: target, headers: encoded.headers }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', part => {
        text += part
      })
      response.on('end', () => {
        const replyHeaders = new Headers(response.headers as Record<string, string>)
        const isJson = replyHeaders.get('content-type') === 'application/json' && text !== ''
        resolve({
          status: response.statusCode!,
          headers: replyHeaders,
          text,
          json: isJson ? JSON.parse(text) : undefined,
        })
      })
    })
    sent.on('error', reject)
    sent.end(encoded.body)
  })
}
