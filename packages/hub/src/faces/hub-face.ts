import type { ExchangeHandler } from '../exchange/exchange.ts'
import type { Hub } from '../hub.ts'
import { webExchange, webResponse } from './web-face.ts'

const behind: unique symbol = Symbol('fleetcert.exchangeHandler')

/** The Web face of a handler. The handler itself stays in reach for {@link exchangeHandlerOf}, and for nobody outside this package. */
export function webHub(handler: ExchangeHandler): Hub {
  const hub: Hub = async (request, context = {}) =>
    webResponse(await handler.handle(webExchange(request, context)), request.method)
  return Object.defineProperty(hub, behind, { value: handler })
}

/** The handler behind a hub made by {@link webHub}; `undefined` for a function that somebody wrapped around one. */
export function exchangeHandlerOf(hub: Hub): ExchangeHandler | undefined {
  return (hub as { readonly [behind]?: ExchangeHandler })[behind]
}
