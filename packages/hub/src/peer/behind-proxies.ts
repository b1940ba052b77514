import type { Exchange, ExchangeHandler } from '../exchange/exchange.ts'
import type { HubContext } from '../hub.ts'
import { clientCertificates } from './client-certificates.ts'
import type { ProxyTest } from './trusted-proxies.ts'

/**
 * A handler that takes the word of some proxies. From them a request's certificates are those of RFC 9440's headers, and only those: a certificate on the socket is the proxy's own.
 * From everybody else those headers mean nothing.
 */
export function behindProxies(handler: ExchangeHandler, isProxy: ProxyTest): ExchangeHandler {
  return {
    serves: path => handler.serves(path),
    handle: exchange => handler.handle(forwardedExchange(exchange, isProxy)),
  }
}

function forwardedExchange(exchange: Exchange, isProxy: ProxyTest): Exchange {
  const header = (name: string): string | undefined => exchange.header(name)
  return {
    method: exchange.method,
    path: exchange.path,
    query: exchange.query,
    header,
    body: () => exchange.body(),
    arrived: () => exchange.arrived(),
    bodyWithin: milliseconds => exchange.bodyWithin(milliseconds),
    request: () => exchange.request(),
    context(): HubContext {
      const context = exchange.context()
      if (!isProxy(context.remoteAddress)) return context
      // What is behind the proxy is its operator's to know: whoever is listed here passes the device routes on from TLS alone.
      return { ...context, encrypted: true, peerCertificates: clientCertificates(header) }
    },
  }
}
