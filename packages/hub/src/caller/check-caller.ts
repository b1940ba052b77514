import type { Exchange } from '../exchange/exchange.ts'
import type { HubAction, HubAuthorize } from '../hub.ts'
import { headerCheckOf } from './header-authorize.ts'

/** Whether the caller of an exchange may do something; said at once where a look at headers is enough. Neither throws nor rejects. */
export type CheckCaller = (exchange: Exchange, action: HubAction) => boolean | Promise<boolean>

/** Fail closed: only the literal `true` lets in; a throw or a rejection is reported and refuses. */
export function createCheckCaller(
  authorize: HubAuthorize,
  report: (error: unknown, exchange: Exchange) => void,
): CheckCaller {
  const checkHeaders = headerCheckOf(authorize)
  if (checkHeaders !== undefined) {
    return (exchange, action) => {
      try {
        return checkHeaders(name => exchange.header(name), action) === true
      } catch (error) {
        report(error, exchange)
        return false
      }
    }
  }
  return async (exchange, action) => {
    try {
      return (await authorize(await exchange.request(), action, exchange.context())) === true
    } catch (error) {
      report(error, exchange)
      return false
    }
  }
}
