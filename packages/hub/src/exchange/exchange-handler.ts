import { PkiError } from '@fleetcert/core'
import { errorAnswer, methodAnswer } from './error-answer.ts'
import type { Answer, Exchange, ExchangeHandler } from './exchange.ts'
import { createRouter, type Route } from './router.ts'

/** Puts routes behind the faces: finds the route, the method, and an answer for whatever is thrown. */
export function createExchangeHandler(
  routes: readonly Route[],
  report: (error: unknown, exchange: Exchange) => void,
): ExchangeHandler {
  const find = createRouter(routes)
  const answer = (exchange: Exchange): Answer | Promise<Answer> => {
    const match = find(exchange.path)
    if (match === undefined) throw new PkiError('ERR_PKI_NOT_FOUND', {})
    const { methods } = match.route
    if (typeof methods === 'function') return methods(exchange, match.parameters)
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
    if (!Object.hasOwn(methods, method)) {
      return methodAnswer(Object.keys(methods).flatMap(name => (name === 'GET' ? ['GET', 'HEAD'] : [name])))
    }
    return methods[method]!(exchange, match.parameters)
  }
  return {
    serves: path => find(path) !== undefined,
    async handle(exchange) {
      try {
        return await answer(exchange)
      } catch (error) {
        const failed = errorAnswer(error)
        if (failed.status >= 500) report(error, exchange)
        return failed
      }
    },
  }
}
