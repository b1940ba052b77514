import type { HubGroup } from '../hub.ts'
import type { Answer, Exchange } from './exchange.ts'

/** Answers one method of one path. `parameters` are the path's variable segments as sent, still percent-encoded. */
export type RouteHandler = (exchange: Exchange, parameters: Readonly<Record<string, string>>) => Promise<Answer>

/** A path and what answers there. */
export interface Route {
  readonly group: HubGroup
  /** Segments that begin with `:` are variable. A last one that begins with `*` is whatever follows, slashes and all, or nothing. */
  readonly path: string
  /** By method, or one handler for whatever method comes. HEAD is answered where GET is. */
  readonly methods: Readonly<Record<string, RouteHandler>> | RouteHandler
}

export interface RouteMatch {
  readonly route: Route
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * Finds the route of a path. Paths are compared octet by octet as they were sent: case counts, a trailing slash is another path, and an encoded slash is not a slash, so that
 * nothing in front of the hub that looks at paths can be told another story. Paths without variables win.
 */
export function createRouter(routes: readonly Route[]): (path: string) => RouteMatch | undefined {
  const fixed = new Map<string, RouteMatch>()
  const variable: { readonly route: Route; readonly segments: readonly string[] }[] = []
  const open: { readonly route: Route; readonly prefix: string; readonly name: string }[] = []
  for (const route of routes) {
    const star = route.path.indexOf('/*')
    if (star !== -1) open.push({ route, prefix: route.path.slice(0, star + 1), name: route.path.slice(star + 2) })
    else if (route.path.includes('/:')) variable.push({ route, segments: route.path.split('/') })
    else fixed.set(route.path, { route, parameters: {} })
  }
  return path => {
    const match = fixed.get(path)
    if (match !== undefined) return match
    for (const { route, prefix, name } of open) {
      if (path.startsWith(prefix)) return { route, parameters: { [name]: path.slice(prefix.length) } }
    }
    const sent = path.split('/')
    for (const { route, segments } of variable) {
      const parameters = matchSegments(segments, sent)
      if (parameters !== undefined) return { route, parameters }
    }
    return undefined
  }
}

function matchSegments(
  segments: readonly string[],
  sent: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (segments.length !== sent.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const value = sent[index]!
    if (!segment.startsWith(':')) {
      if (segment !== value) return undefined
    } else {
      if (value === '') return undefined
      parameters[segment.slice(1)] = value
    }
  }
  return parameters
}
