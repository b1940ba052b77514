import type { HubAction, HubAuthorize } from '../hub.ts'

/** Looks a header up by lower-case name. */
export type HeaderLookup = (name: string) => string | undefined

/** A check that needs no more than headers. */
export type HeaderCheck = (header: HeaderLookup, action: HubAction) => boolean

const headerCheck: unique symbol = Symbol('fleetcert.headerCheck')

/**
 * An authorize callback made of a check that needs headers alone. The hub calls such a check itself: making a `Request` for it costs more than all the rest of a broker's question.
 */
export function headerAuthorize(check: HeaderCheck): HubAuthorize {
  const authorize: HubAuthorize = (request, action) => check(name => request.headers.get(name) ?? undefined, action)
  return Object.defineProperty(authorize, headerCheck, { value: check })
}

/** The check inside a callback made by {@link headerAuthorize}. */
export function headerCheckOf(authorize: HubAuthorize): HeaderCheck | undefined {
  return (authorize as { readonly [headerCheck]?: HeaderCheck })[headerCheck]
}
