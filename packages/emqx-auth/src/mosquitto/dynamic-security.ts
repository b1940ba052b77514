import { randomBytes } from 'node:crypto'
import { PkiError } from '@fleetcert/core'

const requestTopic = '$CONTROL/dynamic-security/v1'
const responseTopic = '$CONTROL/dynamic-security/v1/response'
const answerLimit = 1024 * 1024

/** What of an MQTT client is needed: MQTT.js has it. */
export interface MosquittoControl {
  publishAsync(topic: string, message: string, options: { readonly qos: 1 }): Promise<unknown>
  subscribeAsync(topic: string, options: { readonly qos: 1 }): Promise<unknown>
  on(event: 'message', listener: (topic: string, payload: Uint8Array) => void): unknown
}

export interface DynamicSecurity {
  /** Resolves what the plugin says: `undefined`, or its error, such as `Client not found`. Rejects `ERR_PKI_ENFORCER` where it says nothing in time, or with the signal's reason. */
  ask(command: string, username: string, signal: AbortSignal | undefined): Promise<string | undefined>
}

/** Speaks to Mosquitto's dynamic security plugin. */
export function createDynamicSecurity(name: string, control: MosquittoControl, seconds: number): DynamicSecurity {
  const waiting = new Map<string, (error: string | undefined) => void>()
  let subscribed: Promise<unknown> | undefined

  control.on('message', (topic, payload) => {
    if (topic !== responseTopic || payload.length > answerLimit) return
    for (const { correlationData, error } of responsesOf(payload)) {
      if (typeof correlationData !== 'string') continue
      waiting.get(correlationData)?.(error === undefined ? undefined : String(error))
    }
  })

  return {
    async ask(command, username, signal) {
      signal?.throwIfAborted()
      const correlationData = randomBytes(8).toString('hex')
      const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
      const fail = (reason: string, cause?: unknown): void =>
        reject(new PkiError('ERR_PKI_ENFORCER', { name, reason }, cause === undefined ? {} : { cause }))
      const stop = (): void => reject(signal?.reason)
      signal?.addEventListener('abort', stop, { once: true })
      const timer = setTimeout(() => fail(`the plugin did not answer ${command} within ${seconds} s`), seconds * 1000)
      waiting.set(correlationData, resolve)
      const send = async (): Promise<void> => {
        subscribed ??= control.subscribeAsync(responseTopic, { qos: 1 })
        await subscribed.catch((error: unknown) => {
          subscribed = undefined
          throw error
        })
        const commands = [{ command, username, correlationData }]
        await control.publishAsync(requestTopic, JSON.stringify({ commands }), { qos: 1 })
      }
      try {
        send().catch((error: unknown) => fail(`${command} could not be sent`, error))
        return await promise
      } finally {
        clearTimeout(timer)
        waiting.delete(correlationData)
        signal?.removeEventListener('abort', stop)
      }
    },
  }
}

function responsesOf(payload: Uint8Array): readonly { readonly correlationData?: unknown; readonly error?: unknown }[] {
  try {
    const { responses } = JSON.parse(Buffer.from(payload).toString('utf8')) as { readonly responses?: unknown }
    return Array.isArray(responses)
      ? responses.filter(response => typeof response === 'object' && response !== null)
      : []
  } catch {
    return []
  }
}
