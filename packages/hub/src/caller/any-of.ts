import type { HubAuthorize } from '../hub.ts'
import { headerAuthorize, headerCheckOf } from './header-authorize.ts'

/**
 * An {@link HubAuthorize} that lets in whom one of `checks` lets in. Asked in order; a check that throws lets nobody in, and what it threw is thrown when no other check does either.
 *
 * @example
 * anyOf(bearerToken(operatorToken), sharedSecret({ header: 'x-broker-secret', secret: brokerSecret }))
 *
 * @throws TypeError for no checks
 */
export function anyOf(...checks: readonly HubAuthorize[]): HubAuthorize {
  if (checks.length === 0 || !checks.every(check => typeof check === 'function')) {
    throw new TypeError('anyOf: expected one or more functions')
  }
  const headerChecks = checks.map(headerCheckOf).filter(check => check !== undefined)
  if (headerChecks.length === checks.length) {
    return headerAuthorize((header, action) => headerChecks.some(check => check(header, action)))
  }
  return async (request, action, context) => {
    const errors: unknown[] = []
    for (const check of checks) {
      try {
        // A copy each: the first check may read the body.
        if ((await check(request.clone(), action, context)) === true) return true
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
    return false
  }
}
