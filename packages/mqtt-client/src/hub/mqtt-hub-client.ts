import { createHash, createPrivateKey, randomUUID } from 'node:crypto'
import { decodePemOne, PkiError, softwareSigner, toHex } from '@fleetcert/x509'
import type { MqttClient } from 'mqtt'
import { readJsonObject } from '../read-json-object.ts'
import { readConfirmation, readCredentialAnswer, readHubError, readRenewalInfo } from './hub-answer.ts'
import type { HubTransport } from './hub-transport.ts'
import { boundedSeconds } from './retry-after.ts'

const limitBytes = 256 * 1024

/** What the MQTT way needs to know. */
export interface MqttHubOptions {
  readonly deviceId: string
  /** The device's own topics, without a slash at the end. */
  readonly topicPrefix: string
  readonly deadlineSeconds?: number
}

/**
 * The hub over the device's own connection: requests at `<prefix>/pki/request`, answers at `<prefix>/pki/response`, JSON. The broker in between is not trusted by the hub, so what matters is signed: a renewal by the
 * current key, a confirmation by the new one.
 */
export function createMqttHubClient(client: MqttClient, options: MqttHubOptions): HubTransport {
  const { deviceId, topicPrefix, deadlineSeconds = 30 } = options
  const requestTopic = `${topicPrefix}/pki/request`
  const responseTopic = `${topicPrefix}/pki/response`

  async function ask(method: string, params: object): Promise<unknown> {
    if (!client.connected) throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'no connection to the broker' })
    const id = randomUUID()
    const { answer, stop } = listen(id)
    try {
      await Promise.race([answer, send(JSON.stringify({ id, method, params }))])
      return await answer
    } finally {
      stop()
    }
  }

  async function send(text: string): Promise<void> {
    try {
      // Again each time: a session that the broker has lost has no subscription.
      await client.subscribeAsync(responseTopic, { qos: 1 })
      await client.publishAsync(requestTopic, text, { qos: 1 })
    } catch (cause) {
      throw new PkiError('ERR_PKI_UNREACHABLE', { reason: 'the request could not be published' }, { cause })
    }
  }

  function listen(id: string): { readonly answer: Promise<unknown>; stop(): void } {
    let stop = (): void => {}
    const answer = new Promise<unknown>((resolve, reject) => {
      const onMessage = (topic: string, payload: Buffer): void => {
        if (topic !== responseTopic) return
        const message = readJsonObject(payload, limitBytes)
        // Another's answer, or one that came after its time.
        if (message === undefined || message['id'] !== id) return
        if (message['error'] === undefined) resolve(message['result'])
        else reject(refusal(message))
      }
      const deadline = setTimeout(() => {
        reject(new PkiError('ERR_PKI_UNREACHABLE', { reason: 'the hub did not answer over MQTT in time' }))
      }, deadlineSeconds * 1000)
      client.on('message', onMessage)
      stop = () => {
        clearTimeout(deadline)
        client.off('message', onMessage)
      }
    })
    // It may fail while the request is still being sent.
    answer.catch(() => {})
    return { answer, stop }
  }

  return {
    async renewalInfo({ fingerprint }) {
      const result = await ask('renewalInfo', { fingerprint })
      const seconds = boundedSeconds((result as { retryAfterSeconds?: unknown } | null)?.retryAfterSeconds)
      return { ...readRenewalInfo(result), ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) }
    },
    async renew({ fingerprint, privateKey }, csr) {
      const csrHash = createHash('sha256').update(decodePemOne(csr, 'CERTIFICATE REQUEST')).digest()
      const text = `fleetcert-renew-v1\n${deviceId}\n${fingerprint}\n${toHex(csrHash)}`
      const signature = await signText(privateKey, text)
      return readCredentialAnswer(await ask('renew', { csr, fingerprint, signature }))
    },
    async confirm({ fingerprint, privateKey }) {
      const signature = await signText(privateKey, `fleetcert-confirm-v1\n${deviceId}\n${fingerprint}`)
      return readConfirmation(await ask('confirm', { fingerprint, signature }))
    },
  }
}

async function signText(privateKey: string, text: string): Promise<string> {
  const signature = await softwareSigner(createPrivateKey(privateKey)).sign(Buffer.from(text, 'utf8'))
  return Buffer.from(signature).toString('base64')
}

function refusal(message: Readonly<Record<string, unknown>>): PkiError<'ERR_PKI_HUB_REFUSED'> {
  const { code, reason = 'no reason given' } = readHubError(message)
  const seconds = boundedSeconds((message['error'] as { retryAfterSeconds?: unknown } | null)?.retryAfterSeconds)
  return new PkiError('ERR_PKI_HUB_REFUSED', {
    ...(code === undefined ? {} : { code }),
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
    reason,
  })
}
