import { PkiError } from '@fleetcert/core'
import type { CheckCaller } from '../caller/check-caller.ts'
import type { HubAction } from '../hub.ts'
import type { Answer, Exchange } from './exchange.ts'
import { checkFields, type Fields, malformed } from './fields.ts'
import { jsonBody } from './json-body.ts'
import type { RouteHandler } from './router.ts'

/** Something that operators do over HTTP: what it takes, what the authorize callback is told, and what it does. */
export interface Operation<Path extends object, Query extends object, Body extends object> {
  /** The variable segments of the path; all are there. */
  readonly path: Fields<Path>
  readonly query: Fields<Query>
  readonly body: Fields<Body>
  /** Of what could be read; parts that are malformed, and all behind them, are absent. */
  action(input: Partial<Path & Query & Body>): HubAction
  run(input: Path & Partial<Query & Body>): Promise<Answer>
}

/**
 * A route handler of an operation: read, check the caller, run. What is wrong with the request is told to callers who may do the thing, others hear 401 and nothing else.
 */
export function operationHandler<Path extends object, Query extends object, Body extends object>(
  operation: Operation<Path, Query, Body>,
  checkCaller: CheckCaller,
): RouteHandler {
  return async (exchange, parameters) => {
    let input: Partial<Path & Query & Body> = {}
    let failure: { readonly error: unknown } | undefined
    try {
      input = { ...input, ...checkFields(decodeParameters(parameters), operation.path) }
      input = { ...input, ...checkFields(new URLSearchParams(exchange.query), operation.query) }
      input = { ...input, ...checkFields(await readBody(exchange), operation.body) }
    } catch (error) {
      failure = { error }
    }
    if (!(await checkCaller(exchange, operation.action(input)))) throw new PkiError('ERR_PKI_FORBIDDEN', {})
    if (failure !== undefined) throw failure.error
    return operation.run(input as Path & Partial<Query & Body>)
  }
}

/**
 * The entries of an exchange's JSON body.
 * @throws PkiError `ERR_PKI_REQUEST`, `ERR_PKI_TOO_LARGE`
 */
export async function readBody(exchange: Exchange): Promise<[string, unknown][]> {
  const body = await exchange.body()
  // RFC 9110 section 8.4: a coding that is not undone makes other bytes of the body than the caller meant.
  if (body.length > 0 && (exchange.header('content-encoding') ?? 'identity') !== 'identity') {
    throw malformed('content-encoding: none is supported')
  }
  return jsonBody(exchange.header('content-type'), body)
}

// Decoded once: what is still encoded afterwards (%252F) holds a percent sign, which no identifier does. What does not decode is left for the field to refuse.
function decodeParameters(parameters: Readonly<Record<string, string>>): [string, unknown][] {
  return Object.entries(parameters).map(([name, value]) => {
    try {
      return [name, decodeURIComponent(value)]
    } catch {
      return [name, value]
    }
  })
}

/** Fields of a part that takes none. */
export const noFields: Fields<Record<never, never>> = {}
