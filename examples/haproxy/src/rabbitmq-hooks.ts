import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Fleet } from '@fleetcert/core'
import { type BrokerAuth, createBrokerAuth } from '@fleetcert/emqx-auth'
import { commonNameAlone } from '@fleetcert/emqx-auth/unsafe'

const path = /^\/rabbitmq\/([^/]+)\/(user|vhost|resource|topic)$/
const bodyLimit = 16_384

/**
 * What rabbitmq_auth_backend_http asks, below `/rabbitmq/<secret>/`: it can send no header. Answers `allow` or `deny`, whatever is wrong.
 *
 * RabbitMQ hands on nothing of the certificate but the name that it read from it, so the broker is believed, and the client id has to be the device's: hence `commonNameAlone`.
 *
 * @returns whether the request was one of those
 */
export function rabbitmqHooks(
  fleet: Fleet,
  secret: string,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const auth = createBrokerAuth({ fleet, identifyBy: commonNameAlone })
  return (request, response) => {
    const [, shown, question] = path.exec(request.url ?? '') ?? []
    if (shown === undefined || question === undefined) return false
    const answer = (isAllowed: boolean): void => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(isAllowed ? 'allow' : 'deny')
    }
    const asked = sameText(shown, secret) ? decide(auth, question, request) : Promise.resolve(false)
    asked.then(answer, () => answer(false))
    return true
  }
}

async function decide(auth: BrokerAuth, question: string, request: IncomingMessage): Promise<boolean> {
  if (Number(request.headers['content-length'] ?? bodyLimit) >= bodyLimit) return false
  const form = new URLSearchParams(await text(request))
  const name = form.get('username') ?? ''
  // RabbitMQ makes a dot of every slash of a topic: a device `a` could speak on the topics of a device `a.b`.
  if (name.includes('.')) return false
  if (question === 'user' || question === 'vhost') {
    if (question === 'vhost' && form.get('vhost') !== '/') return false
    // The client id comes with the second question alone.
    const { result } = await auth.authenticate({ clientId: form.get('client_id') ?? name, commonName: name })
    return result === 'allow'
  }
  // What the MQTT plugin uses.
  if (question === 'resource') {
    const resource = form.get('resource')
    const own = form.get('name') ?? ''
    return resource === 'exchange' || (resource === 'queue' && own.startsWith('mqtt-subscription-'))
  }
  const action = form.get('permission') === 'write' ? 'publish' : 'subscribe'
  // As the plugin has made a routing key of the topic.
  const topic = (form.get('routing_key') ?? '').replaceAll('.', '/').replaceAll('*', '+')
  const { result } = await auth.authorize({ clientId: name, deviceId: name, action, topic })
  return result === 'allow'
}

/** Takes as long whatever is wrong. */
function sameText(one: string, other: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(one), digest(other))
}
