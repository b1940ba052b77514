import { checkNames, type KnownNames } from '@fleetcert/core'
import { createEmqxResponder } from '@fleetcert/emqx-auth'
import { createCheckCaller } from './caller/check-caller.ts'
import { createDeviceServices } from './device/device-services.ts'
import type { Exchange } from './exchange/exchange.ts'
import { createExchangeHandler } from './exchange/exchange-handler.ts'
import { webHub } from './faces/hub-face.ts'
import type { Hub, HubGroup, HubOptions } from './hub.ts'
import { behindProxies } from './peer/behind-proxies.ts'
import { trustedProxies } from './peer/trusted-proxies.ts'
import { brokerRoutes } from './routes/broker/broker-routes.ts'
import { deviceRoutes } from './routes/device/device-routes.ts'
import { estRoutes } from './routes/est/est-routes.ts'
import { operatorRoutes } from './routes/operator/operator-routes.ts'
import { publicRoutes } from './routes/public/public-routes.ts'

const groups: readonly HubGroup[] = ['operator', 'device', 'broker', 'public']

/**
 * Makes the HTTP face of a fleet: the operators' API, the devices' API and EST, the broker hooks, health, CRLs, OCSP and CA certificates as one `Request → Response` function. Owns nothing: closing the fleet is its opener's.
 *
 * @example
 * const hub = createHub({
 *   fleet,
 *   auth: createBrokerAuth({ fleet }),
 *   authorize: anyOf(bearerToken(operatorToken), sharedSecret({ header: 'x-broker-secret', secret: brokerSecret })),
 *   broker: { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 },
 * })
 *
 * @throws TypeError for options that cannot work
 */
export function createHub(options: HubOptions): Hub {
  checkOptions(options)
  const { fleet, auth } = options
  const serve = new Set(options.serve ?? groups)
  const onError = quietly(options.onError ?? (error => console.error(error)))
  const report = (error: unknown, { method, path }: Exchange): void => onError(error, { method, path })
  const checkCaller = createCheckCaller(options.authorize, report)
  const onDeny = quietly(options.onDeny ?? (() => {}))
  const responder = createEmqxResponder(auth, {
    dialect: options.dialect ?? 'emqx5',
    onDeny,
    ...(options.emqxBodyKeys === undefined ? {} : { bodyKeys: options.emqxBodyKeys }),
  })
  const services = createDeviceServices(options)
  const routes = [
    ...brokerRoutes({ responder, checkCaller, report, onDeny, count: auth.count?.bind(auth) }),
    ...operatorRoutes(fleet, services.broker, services.clock, checkCaller),
    ...deviceRoutes(services),
    ...estRoutes(services, report),
    ...publicRoutes(fleet, report, options.drain),
  ]
  const handler = createExchangeHandler(
    routes.filter(route => serve.has(route.group)),
    report,
  )
  const { trustProxy = [] } = options
  const isProxy = trustedProxies('createHub: trustProxy', trustProxy)
  return webHub(trustProxy.length === 0 ? handler : behindProxies(handler, isProxy))
}

/** A listener whose failures are its own: they must not change an answer. */
function quietly<Heard extends readonly unknown[]>(listener: (...heard: Heard) => void): (...heard: Heard) => void {
  return (...heard) => {
    try {
      listener(...heard)
    } catch {
      // Nobody is left to tell.
    }
  }
}

const optionNames: KnownNames<HubOptions> = {
  fleet: true,
  auth: true,
  authorize: true,
  broker: true,
  dialect: true,
  emqxBodyKeys: true,
  trustProxy: true,
  device: true,
  clock: true,
  serve: true,
  drain: true,
  onError: true,
  onDeny: true,
}

function checkOptions(options: HubOptions): void {
  checkNames('createHub', options, optionNames)
  const { fleet, auth, authorize, broker, serve, drain } = options
  if (typeof fleet?.enroll !== 'function') throw new TypeError('createHub: fleet: expected a Fleet')
  if (typeof auth?.authenticate !== 'function' || typeof auth.authorize !== 'function') {
    throw new TypeError('createHub: auth: expected a BrokerAuth')
  }
  if (typeof authorize !== 'function') {
    throw new TypeError('createHub: authorize: expected a function, for instance bearerToken(token)')
  }
  if (typeof broker?.url !== 'string' || !URL.canParse(broker.url)) {
    throw new TypeError('createHub: broker.url: expected a URL, for instance mqtts://broker.example:8883')
  }
  const port = broker.mqttSecurePort
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TypeError('createHub: broker.mqttSecurePort: expected an integer from 1 to 65535')
  }
  if (
    serve !== undefined &&
    (!Array.isArray(serve) || serve.length === 0 || !serve.every(group => groups.includes(group)))
  ) {
    throw new TypeError(`createHub: serve: expected one or more of ${groups.join(', ')}`)
  }
  if (drain !== undefined && typeof drain?.isDraining !== 'boolean') {
    throw new TypeError('createHub: drain: expected what createDrain() gives')
  }
}
