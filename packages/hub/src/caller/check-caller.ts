import type { Exchange } from '../exchange/exchange.ts'
import type { HubAction, HubAuthorize } from '../hub.ts'
import { headerCheckOf } from './header-authorize.ts'

/** Whether the caller of an exchange may do something. Never rejects. */
export type CheckCaller = (exchange: Exchange, action: HubAction) => Promise<boolean>

/** Fail closed: only the literal `true` lets in; a throw or a rejection is reported and refuses. */
export function createCheckCaller(
  authorize: HubAuthorize,
  report: (error: unknown, exchange: Exchange) => void,
): CheckCaller {
  const checkHeaders = headerCheckOf(authorize)
  return async (exchange, action) => {
    try {
      if (checkHeaders !== undefined) return checkHeaders(name => exchange.header(name), action) === true
      return (await authorize(await exchange.request(), action, exchange.context())) === true
    } catch (error) {
      report(error, exchange)
      return false
    }
  }
}
